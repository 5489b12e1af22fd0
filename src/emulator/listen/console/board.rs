//! The board at the other end: what its console task does next, what is printed around it, and how
//! troubles and faults look there. It never waits: it is told the time, and says when it is next
//! to be asked.

use std::time::Duration;

use tokio::time::Instant;

use super::ConsoleSettings;
use super::chatter::{BANNER, Chatter, Level, Noise, boot_lines};
use super::line::{Command, Line, Request};
use super::stranger::Stranger;
use super::trouble::ConsoleTrouble;
use super::uart::Uart;
use crate::emulator::device::{Device, Reply};
use crate::emulator::fault::{FaultKind, Faults};
use crate::emulator::log::Entry;
use crate::ident::encode_hex;
use crate::proto::Service;

/// A board on a serial line.
pub(super) struct Board {
    pub(super) device: Device,
    pub(super) uart: Uart,
    settings: ConsoleSettings,
    faults: Faults,
    chatter: Chatter,
    state: State,
    line: Line,
    /// Whether there was an event, and what has arrived is being read.
    is_reading: bool,
    /// Bytes echoed since another task last printed in between.
    echoed: usize,
    exchanges: u32,
    /// The last answer that was due, for a fault that sends it again.
    previous: Vec<u8>,
    booted: Instant,
    /// When another task prints something next.
    next_line: Option<Instant>,
}

/// What the console task does.
enum State {
    /// It is not there yet.
    Starting {
        until: Instant,
    },
    Reading,
    /// A handler runs.
    Busy {
        until: Instant,
        outcome: Outcome,
    },
    /// It hangs, and reads nothing.
    Hung,
    /// The cable was pulled.
    Unplugged,
    /// No protocomm at all.
    Stranger(Stranger),
}

/// What comes of a line.
struct Outcome {
    text: String,
    then: Then,
}

/// What follows it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Prompt,
    /// Another line, without a prompt.
    Nothing,
    Hang,
    Restart,
    Unplug,
}

impl Board {
    pub(super) fn new(settings: ConsoleSettings, device: Device, now: Instant) -> Self {
        let stranger = settings
            .troubles
            .iter()
            .find(|trouble| trouble.is_something_else());
        let mut board = Self {
            faults: Faults::new(device.faults().to_vec()),
            uart: Uart::new(settings.baud, now),
            chatter: Chatter::new(settings.noise),
            state: match stranger {
                Some(trouble) => State::Stranger(Stranger::new(*trouble, now)),
                None => State::Reading,
            },
            line: Line::default(),
            is_reading: false,
            echoed: 0,
            exchanges: 0,
            previous: Vec::new(),
            booted: now,
            next_line: None,
            device,
            settings,
        };
        if stranger_free(&board.state) {
            if board.settings.qr_code.is_some() {
                board.boot(now);
            } else {
                board.prompt(now);
            }
            board.next_line = board.pause().map(|pause| now + pause);
        }
        board
    }

    /// Does what is to be done by now.
    pub(super) fn go_on(&mut self, now: Instant) {
        self.uart.receive(now);
        let bytes = self.uart.take_lost();
        if bytes > 0 {
            self.device.log().write(&Entry::Overrun { bytes });
        }
        if self.next_line.is_some_and(|at| at <= now) {
            let line = self.chatter.another(self.ms(now));
            self.uart.print(now, line.as_bytes());
            self.next_line = self.pause().map(|pause| now + pause);
        }
        while self.step(now) {}
    }

    /// When to ask again.
    pub(super) fn next_turn(&self) -> Option<Instant> {
        let task = match &self.state {
            State::Starting { until } | State::Busy { until, .. } => Some(*until),
            State::Stranger(stranger) => stranger.next_turn(),
            State::Reading | State::Hung | State::Unplugged => None,
        };
        // What has to wait for the line is looked at when something has left.
        [
            task.filter(|_| !self.uart.is_clogged()),
            self.uart.next_turn(),
            self.next_line,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Whether the cable was pulled, behind what was printed until then.
    pub(super) fn is_unplugged(&self) -> bool {
        matches!(self.state, State::Unplugged) && self.uart.is_silent()
    }

    /// The service ends, and the task with it, once what it was busy with is printed.
    pub(super) fn stop(&mut self, now: Instant) {
        if let State::Busy { outcome, .. } = std::mem::replace(&mut self.state, State::Hung) {
            self.conclude(now, &outcome);
        }
        for text in ["Stopping console...", "Console stopped"] {
            self.log(now, Level::Info, "protocomm_console", text);
        }
    }

    /// One thing; whether there may be more.
    fn step(&mut self, now: Instant) -> bool {
        if self.uart.is_clogged() {
            return false;
        }
        match &mut self.state {
            State::Reading => self.read(now),
            State::Starting { until } => {
                let is_due = *until <= now;
                if is_due {
                    self.uart.forget_input();
                    self.state = State::Reading;
                    self.prompt(now);
                }
                is_due
            }
            State::Busy { until, .. } if *until > now => false,
            State::Busy { .. } => {
                if let State::Busy { outcome, .. } =
                    std::mem::replace(&mut self.state, State::Reading)
                {
                    self.conclude(now, &outcome);
                }
                true
            }
            State::Stranger(stranger) => {
                let mut heard = Vec::new();
                if self.uart.event() {
                    heard.extend(std::iter::from_fn(|| self.uart.read()));
                }
                let printed = stranger.print(now, &heard);
                self.uart.print(now, &printed);
                !heard.is_empty()
            }
            State::Hung | State::Unplugged => false,
        }
    }

    /// Reads a byte, or takes what there is for a line.
    fn read(&mut self, now: Instant) -> bool {
        if !self.is_reading {
            self.is_reading = self.uart.event();
            return self.is_reading;
        }
        let has_room = self.line.has_room();
        if has_room && let Some(byte) = self.uart.read() {
            self.line.push(byte);
            self.echo(now, byte);
            return true;
        }
        self.is_reading = false;
        if !has_room || self.line.is_ended() {
            let command = self.line.take();
            self.run(now, command);
        }
        true
    }

    fn echo(&mut self, now: Instant, byte: u8) {
        match byte {
            b'\r' => self.uart.print(now, b"\r\n"),
            other => self.uart.print(now, &[other]),
        }
        self.echoed = self.echoed.saturating_add(1);
        let patience = match self.settings.noise {
            Noise::None => return,
            Noise::Light => 211,
            Noise::Heavy => 37,
        };
        if self.echoed >= patience && byte != b'\r' {
            self.echoed = 0;
            self.chat(now, 1);
        }
    }

    fn run(&mut self, now: Instant, command: Command) {
        let then = |then| Outcome {
            text: String::new(),
            then,
        };
        let outcome = match command {
            Command::Nothing => then(Then::Prompt),
            Command::Complete(request) if self.device.has_endpoint(&request.endpoint) => {
                return self.exchange(now, request);
            }
            // Neither is said to a client.
            Command::Complete(Request { endpoint, .. }) => {
                self.note_refused(endpoint, "no such command");
                then(Then::Prompt)
            }
            Command::Incomplete(endpoint) => {
                self.note_refused(endpoint, "a session and hexadecimal digits are missing");
                then(Then::Prompt)
            }
        };
        self.conclude(now, &outcome);
    }

    fn exchange(&mut self, now: Instant, request: Request) {
        let Request {
            endpoint,
            session,
            bytes,
        } = request;
        self.exchanges = self.exchanges.saturating_add(1);
        let fault = self.faults.next(&endpoint);
        if let Some((number, kind)) = fault {
            self.device.log().write(&Entry::Fault {
                endpoint: endpoint.clone(),
                kind: kind.to_string(),
                number,
            });
        }
        let fault = fault.map(|(_, kind)| kind);
        let unheard = match fault {
            Some(FaultKind::Close | FaultKind::NotFound) => Some(Then::Prompt),
            Some(FaultKind::Drop) => Some(Then::Nothing),
            Some(FaultKind::Reset) => Some(Then::Restart),
            _ => None,
        };
        if let Some(then) = unheard {
            let text = String::new();
            return self.conclude(now, &Outcome { text, then });
        }
        let Some(bytes) = bytes else {
            self.note_refused(endpoint, "no hexadecimal digits");
            return self.fail(now, "Invalid argument");
        };
        let handled = self.device.handle_with(fault, session, &endpoint, &bytes);
        if endpoint == Service::Provisioning.session_endpoint().as_str() && self.settings.dumps_keys
        {
            let reply = handled.as_ref().ok().map(|reply| &*reply.bytes);
            let dump = self.chatter.key_dump(self.ms(now), &bytes, reply);
            self.uart.print(now, dump.as_bytes());
        }
        match handled {
            Ok(reply) => self.reply(now, reply, fault),
            // It went down, and starts again.
            Err(_) if !self.device.has_session(session) => self.boot(now),
            Err(_) => self.fail(now, &format!("Request handler for {endpoint} failed")),
        }
    }

    fn reply(&mut self, now: Instant, reply: Reply, fault: Option<FaultKind>) {
        let Reply { bytes, mut after } = reply;
        let before = std::mem::replace(&mut self.previous, bytes.clone());
        let mut bytes = bytes;
        match fault {
            Some(FaultKind::Delay(wait)) => after = after.saturating_add(wait),
            Some(kind) => {
                bytes = kind.alter(bytes, &before);
                bytes.truncate(LONGEST);
            }
            None => {}
        }
        let hex = encode_hex(&bytes);
        let (one, other) = hex
            .split_at_checked(hex.len() / 4 * 2)
            .unwrap_or((&hex, ""));
        let newline = self.newline();
        let whole = format!("{newline}{hex}{newline}");
        let has = |trouble| self.settings.troubles.contains(&trouble);
        let stray = format!("{newline}{STRAY}{newline}");
        let prompt = if self.loses_prompt() {
            Then::Hang
        } else {
            Then::Prompt
        };
        let half = format!("{newline}{one}");
        let (text, then) = if has(ConsoleTrouble::Resets(self.exchanges)) {
            (half, Then::Restart)
        } else if has(ConsoleTrouble::Unplugged(self.exchanges)) {
            (half, Then::Unplug)
        } else {
            match fault {
                Some(FaultKind::Mute) => (String::new(), Then::Nothing),
                Some(FaultKind::Duplicate) => (format!("{whole}{whole}"), prompt),
                // Ordered, and so printed without noise, too.
                Some(FaultKind::Cut) => {
                    let line = format!("I ({}) wifi: state: auth -> assoc (0)\r\n", self.ms(now));
                    (format!("{half}{line}{other}{newline}"), prompt)
                }
                _ if has(ConsoleTrouble::HexBefore) => (format!("{stray}{whole}"), prompt),
                _ if has(ConsoleTrouble::HexAfter) => (format!("{whole}{stray}"), prompt),
                _ => (whole, prompt),
            }
        };
        self.state = State::Busy {
            until: now + after,
            outcome: Outcome { text, then },
        };
    }

    fn loses_prompt(&self) -> bool {
        self.settings.troubles.iter().any(|trouble| {
            matches!(trouble, ConsoleTrouble::NoPromptAfter(number) if self.exchanges >= *number)
        })
    }

    /// A refusal: nothing but log lines.
    fn fail(&mut self, now: Instant, why: &str) {
        self.log(now, Level::Error, "protocomm", why);
        let then = if self.loses_prompt() {
            Then::Hang
        } else {
            Then::Prompt
        };
        let text = String::new();
        self.conclude(now, &Outcome { text, then });
    }

    /// Prints what comes of a line, and what other tasks print around it.
    fn conclude(&mut self, now: Instant, outcome: &Outcome) {
        let Outcome { text, then } = outcome;
        let is_reply = !text.is_empty() && *then == Then::Prompt;
        let (before, after) = match self.settings.noise {
            Noise::Heavy if is_reply => (2, 1),
            Noise::Light if is_reply => (0, usize::from(self.exchanges.is_multiple_of(2))),
            _ => (0, 0),
        };
        self.chat(now, before);
        self.uart.print(now, text.as_bytes());
        self.chat(now, after);
        self.state = State::Reading;
        match then {
            Then::Prompt => self.prompt(now),
            Then::Nothing => {}
            Then::Hang => self.state = State::Hung,
            Then::Unplug => self.state = State::Unplugged,
            Then::Restart => {
                self.device.lose_power(now);
                self.boot(now);
            }
        }
    }

    /// The chip starts; the device behind it is as new already.
    fn boot(&mut self, now: Instant) {
        self.booted = now;
        self.line = Line::default();
        self.is_reading = false;
        self.uart.print(now, BANNER.as_bytes());
        let text = boot_lines(&self.chatter, self.settings.qr_code.as_deref());
        self.uart.print(now, text.as_bytes());
        self.state = State::Starting {
            until: now + self.device.time_scale().of(BOOT),
        };
    }

    fn prompt(&mut self, now: Instant) {
        let prompt: &[u8] = if self.settings.translates_newlines {
            b"\r\n>> "
        } else {
            b"\n>> "
        };
        self.uart.print(now, prompt);
    }

    fn newline(&self) -> &'static str {
        if self.settings.translates_newlines {
            "\r\r\n"
        } else {
            "\r\n"
        }
    }

    fn chat(&mut self, now: Instant, lines: usize) {
        for _ in 0..lines {
            let line = self.chatter.another(self.ms(now));
            self.uart.print(now, line.as_bytes());
        }
    }

    fn log(&mut self, now: Instant, level: Level, tag: &str, text: &str) {
        let line = self.chatter.line(self.ms(now), level, tag, text);
        self.uart.print(now, line.as_bytes());
    }

    fn note_refused(&mut self, endpoint: String, why: &str) {
        self.device.log().write(&Entry::Refused {
            endpoint,
            why: why.to_owned(),
        });
    }

    /// Between two lines of other tasks.
    fn pause(&self) -> Option<Duration> {
        match self.settings.noise {
            Noise::None => None,
            Noise::Light => Some(Duration::from_secs(5)),
            Noise::Heavy => Some(Duration::from_millis(170)),
        }
    }

    /// As the log counts.
    fn ms(&self, now: Instant) -> u128 {
        now.saturating_duration_since(self.booted).as_millis()
    }
}

fn stranger_free(state: &State) -> bool {
    !matches!(state, State::Stranger(_))
}

/// From power to prompt.
const BOOT: Duration = Duration::from_millis(1200);
/// Far more than any reply; as text twice as much.
const LONGEST: usize = 16 * 1024;
/// Digits that are no reply: an address that an application prints.
const STRAY: &str = "7cdfa1e0b2c4";
