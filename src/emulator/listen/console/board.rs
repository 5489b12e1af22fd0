//! The board at the other end: what its console task does next, what is printed around it, and how
//! troubles and faults look there. It never waits: each call passes the time, and
//! [`Board::next_turn`] returns when the next call is due.

use std::time::Duration;

use tokio::time::Instant;

use super::line::{Command, Line, Request};
use super::log_noise::{BANNER, LogNoise, Noise};
use super::other_console::OtherConsole;
use super::settings::{ConsoleSettings, ConsoleTrouble};
use super::uart::Uart;
use crate::emulator::device::{Reply, TimeScale};
use crate::emulator::fault::FaultKind;
use crate::emulator::log::Entry;
use crate::emulator::server::DeviceServer;
use crate::proto::Service;

/// A board on a serial line.
pub(super) struct Board {
    pub(super) uart: Uart,
    settings: ConsoleSettings,
    noise: LogNoise,
    boot_time: Duration,
    state: State,
    line: Line,
    /// Whether there was an event, and what has arrived is being read.
    is_reading: bool,
    /// Bytes echoed since another task last printed in between.
    echoed: usize,
    exchanges: u32,
    /// When another task prints something next.
    next_line: Option<Instant>,
}

/// What the console task does.
enum State {
    /// It does not run yet.
    Starting {
        until: Instant,
    },
    Reading,
    /// A handler runs.
    Busy {
        until: Instant,
        text: String,
        then: Then,
    },
    /// It hangs, and reads nothing.
    Hung,
    /// The cable was pulled.
    Unplugged,
    /// No protocomm at all.
    Other(OtherConsole),
}

/// What follows a reply or a refusal.
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
    pub(super) fn new(settings: ConsoleSettings, time_scale: TimeScale, now: Instant) -> Self {
        let other = OtherConsole::among(&settings.troubles, now);
        let mut board = Self {
            uart: Uart::new(settings.baud, now),
            noise: LogNoise::new(settings.noise, now),
            boot_time: time_scale.of(BOOT),
            state: other.map_or(State::Reading, State::Other),
            line: Line::default(),
            is_reading: false,
            echoed: 0,
            exchanges: 0,
            next_line: None,
            settings,
        };
        match board.state {
            State::Other(_) => return board,
            _ if board.settings.qr_code.is_some() => board.boot(now),
            _ => board.prompt(now),
        }
        board.next_line = board.pause().map(|pause| now + pause);
        board
    }

    /// Does everything that is due by now.
    pub(super) fn go_on(&mut self, server: &mut DeviceServer, now: Instant) {
        self.uart.receive(now);
        let bytes = self.uart.take_lost();
        if bytes > 0 {
            server.log().write(&Entry::Overrun { bytes });
        }
        if self.next_line.is_some_and(|at| at <= now) {
            self.print_noise(now, 1);
            self.next_line = self.pause().map(|pause| now + pause);
        }
        while self.step(server, now) {}
    }

    /// When to go on.
    pub(super) fn next_turn(&self) -> Option<Instant> {
        let task = match &self.state {
            State::Starting { until } | State::Busy { until, .. } => Some(*until),
            State::Other(other) => other.next_turn(),
            State::Reading | State::Hung | State::Unplugged => None,
        };
        // What has to wait for the line is looked at when something has left.
        let task = task.filter(|_| !self.uart.is_clogged());
        let turns = [task, self.uart.next_turn(), self.next_line];
        turns.into_iter().flatten().min()
    }

    /// Whether the cable was pulled, behind what was printed until then.
    pub(super) fn is_unplugged(&self) -> bool {
        matches!(self.state, State::Unplugged) && self.uart.is_silent()
    }

    /// The service ends, and the task with it, once what it was busy with is printed.
    pub(super) fn stop(&mut self, server: &mut DeviceServer, now: Instant) {
        if let State::Busy { text, then, .. } = std::mem::replace(&mut self.state, State::Hung) {
            self.conclude(server, now, &text, then);
        }
        for text in ["Stopping console...", "Console stopped"] {
            self.log(now, &format!("I protocomm_console: {text}"));
        }
    }

    /// Does one thing; returns whether there may be more.
    fn step(&mut self, server: &mut DeviceServer, now: Instant) -> bool {
        if self.uart.is_clogged() {
            return false;
        }
        match &mut self.state {
            State::Starting { until } | State::Busy { until, .. } if *until > now => return false,
            State::Reading => return self.read(server, now),
            State::Hung | State::Unplugged => return false,
            State::Starting { .. } => {
                self.uart.forget_input();
                self.state = State::Reading;
                self.prompt(now);
            }
            State::Busy { text, then, .. } => {
                let (text, then) = (std::mem::take(text), *then);
                self.conclude(server, now, &text, then);
            }
            State::Other(other) => {
                let mut typed = Vec::new();
                if self.uart.event() {
                    typed.extend(std::iter::from_fn(|| self.uart.read()));
                }
                let printed = other.print(now, &typed);
                self.uart.print(now, &printed);
                return !typed.is_empty();
            }
        }
        true
    }

    /// Reads a byte, or takes what there is for a line.
    fn read(&mut self, server: &mut DeviceServer, now: Instant) -> bool {
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
            self.execute(server, now, command);
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
            self.print_noise(now, 1);
        }
    }

    fn execute(&mut self, server: &mut DeviceServer, now: Instant, command: Command) {
        match command {
            Command::Nothing => {}
            Command::Complete(request) if server.device.has_endpoint(&request.endpoint) => {
                return self.exchange(server, now, request);
            }
            // A client sees neither reason.
            Command::Complete(Request { endpoint, .. }) => {
                server.log_refusal(&endpoint, "no such command");
            }
            Command::Incomplete(endpoint) => {
                server.log_refusal(&endpoint, "a session and hexadecimal digits are missing");
            }
        }
        self.conclude(server, now, "", Then::Prompt);
    }

    fn exchange(&mut self, server: &mut DeviceServer, now: Instant, request: Request) {
        let Request {
            endpoint,
            session,
            bytes,
        } = request;
        self.exchanges = self.exchanges.saturating_add(1);
        let fault = match server.count_request(&endpoint) {
            Ok(fault) => fault,
            Err(fault) => {
                let then = match fault {
                    FaultKind::Drop => Then::Nothing,
                    FaultKind::Reset => Then::Restart,
                    _ => Then::Prompt,
                };
                return self.conclude(server, now, "", then);
            }
        };
        let Some(bytes) = bytes else {
            server.log_refusal(&endpoint, "no hexadecimal digits");
            return self.refuse(server, now, "Invalid argument");
        };
        let exchanged = server.exchange(fault, session, &endpoint, &bytes);
        if endpoint == Service::Provisioning.session_endpoint().as_str() && self.settings.dumps_keys
        {
            let reply = exchanged.is_ok().then_some(&*server.previous);
            let dump = self.noise.key_dump(now, &bytes, reply);
            self.uart.print(now, dump.as_bytes());
        }
        match exchanged {
            Ok(reply) => self.reply(now, reply, fault),
            // The device crashed, and starts again.
            Err(_) if !server.device.has_session(session) => self.boot(now),
            Err(_) => {
                let why = format!("Request handler for {endpoint} failed");
                self.refuse(server, now, &why);
            }
        }
    }

    fn reply(&mut self, now: Instant, reply: Reply, fault: Option<FaultKind>) {
        let Reply { mut bytes, after } = reply;
        bytes.truncate(LONGEST);
        let hex = hex::encode(&bytes);
        let (start, rest) = hex
            .split_at_checked(hex.len() / 4 * 2)
            .unwrap_or((&hex, ""));
        let newline = if self.settings.translates_newlines {
            "\r\r\n"
        } else {
            "\r\n"
        };
        let whole = format!("{newline}{hex}{newline}");
        let half = format!("{newline}{start}");
        let stray = format!("{newline}{STRAY}{newline}");
        let has = |trouble| self.settings.troubles.contains(&trouble);
        let prompt = self.prompt_or_hang();
        let (text, then) = match fault {
            _ if has(ConsoleTrouble::Resets(self.exchanges)) => (half, Then::Restart),
            _ if has(ConsoleTrouble::Unplugged(self.exchanges)) => (half, Then::Unplug),
            Some(FaultKind::Mute) => (String::new(), Then::Nothing),
            Some(FaultKind::Duplicate) => (whole.repeat(2), prompt),
            // A line of the log, even on a line without noise.
            Some(FaultKind::Cut) => {
                let ms = self.noise.ms(now);
                let line = format!("I ({ms}) wifi: state: auth -> assoc (0)\r\n");
                (format!("{half}{line}{rest}{newline}"), prompt)
            }
            _ if has(ConsoleTrouble::HexBefore) => (format!("{stray}{whole}"), prompt),
            _ if has(ConsoleTrouble::HexAfter) => (format!("{whole}{stray}"), prompt),
            _ => (whole, prompt),
        };
        let until = now + after;
        self.state = State::Busy { until, text, then };
    }

    fn prompt_or_hang(&self) -> Then {
        let loses_prompt = self.settings.troubles.iter().any(|trouble| {
            matches!(trouble, ConsoleTrouble::NoPromptAfter(number) if self.exchanges >= *number)
        });
        if loses_prompt {
            Then::Hang
        } else {
            Then::Prompt
        }
    }

    /// A refusal: nothing but log lines.
    fn refuse(&mut self, server: &mut DeviceServer, now: Instant, why: &str) {
        self.log(now, &format!("E protocomm: {why}"));
        let then = self.prompt_or_hang();
        self.conclude(server, now, "", then);
    }

    /// Prints the outcome of a line, and what other tasks print around it.
    fn conclude(&mut self, server: &mut DeviceServer, now: Instant, text: &str, then: Then) {
        let is_reply = !text.is_empty() && then == Then::Prompt;
        let (before, after) = match self.settings.noise {
            Noise::Heavy if is_reply => (2, 1),
            Noise::Light if is_reply => (0, usize::from(self.exchanges.is_multiple_of(2))),
            _ => (0, 0),
        };
        self.print_noise(now, before);
        self.uart.print(now, text.as_bytes());
        self.print_noise(now, after);
        self.state = State::Reading;
        match then {
            Then::Prompt => self.prompt(now),
            Then::Nothing => {}
            Then::Hang => self.state = State::Hung,
            Then::Unplug => self.state = State::Unplugged,
            Then::Restart => {
                server.device.power_cycle(now);
                self.boot(now);
            }
        }
    }

    /// The chip starts; the device behind it is as new already.
    fn boot(&mut self, now: Instant) {
        self.line = Line::default();
        self.is_reading = false;
        self.uart.print(now, BANNER.as_bytes());
        let text = self.noise.boot(now, self.settings.qr_code.as_deref());
        self.uart.print(now, text.as_bytes());
        self.state = State::Starting {
            until: now + self.boot_time,
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

    fn print_noise(&mut self, now: Instant, lines: usize) {
        for _ in 0..lines {
            let line = self.noise.next_line(now);
            self.uart.print(now, line.as_bytes());
        }
    }

    fn log(&mut self, now: Instant, entry: &str) {
        let line = self.noise.line(now, entry);
        self.uart.print(now, line.as_bytes());
    }

    /// Between two lines of other tasks.
    fn pause(&self) -> Option<Duration> {
        match self.settings.noise {
            Noise::None => None,
            Noise::Light => Some(Duration::from_secs(5)),
            Noise::Heavy => Some(Duration::from_millis(170)),
        }
    }
}

/// From power to prompt.
const BOOT: Duration = Duration::from_millis(1200);
/// Far more than any reply; as text twice as much.
const LONGEST: usize = 16 * 1024;
/// Digits that are no reply: an address that an application prints.
const STRAY: &str = "7cdfa1e0b2c4";
