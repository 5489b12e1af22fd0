//! The board on a serial line: its console task, the output of other tasks, and the effects of troubles
//! and faults. It never waits: each call passes the time, and [`Board::next_due_at`] returns when the next
//! call is due.

use std::time::Duration;

use tokio::time::Instant;

use super::line::{Command, ConsoleRequest, LineBuffer};
use super::log_noise::{BANNER, LogNoise, Noise};
use super::other_console::OtherConsole;
use super::settings::{ConsoleSettings, ConsoleTrouble, Newlines};
use super::uart::Uart;
use crate::emulator::device::{DeviceSettings, Firmware, Reply};
use crate::emulator::fault::FaultKind;
use crate::emulator::log::DeviceEvent;
use crate::emulator::server::DeviceServer;
use crate::proto::Service;

/// A board on a serial line.
pub(super) struct Board {
    pub(super) uart: Uart,
    settings: ConsoleSettings,
    qr_code: Option<String>,
    /// Whether it logs the keys of Security 1, as firmware of ESP-IDF 6 does.
    dumps_keys: bool,
    noise: LogNoise,
    boot_time: Duration,
    state: State,
    line: LineBuffer,
    /// Whether the task reads received bytes after an event.
    is_reading: bool,
    /// Bytes echoed since the last output of another task.
    echoed: usize,
    exchanges: u32,
    /// When another task prints a line.
    next_noise_at: Option<Instant>,
}

/// The state of the console task.
enum State {
    /// The board starts.
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
    /// The task hangs, and reads nothing.
    Hung,
    /// The cable was unplugged.
    Unplugged,
    /// The line has no protocomm.
    Other(OtherConsole),
}

/// The action after a reply or a refusal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Prompt,
    /// The task reads the next line without a prompt.
    Nothing,
    Hang,
    Restart,
    Unplug,
}

impl Board {
    pub(super) fn new(
        settings: ConsoleSettings,
        qr_code: Option<String>,
        device: &DeviceSettings,
        now: Instant,
    ) -> Self {
        let other = OtherConsole::find(&settings.console_trouble, now);
        let mut board = Self {
            uart: Uart::new(settings.uart_baud, now),
            noise: LogNoise::new(settings.noise, now),
            boot_time: device.time_scale.of(BOOT),
            dumps_keys: device.firmware == Firmware::NetworkProvisioning,
            qr_code,
            state: other.map_or(State::Reading, State::Other),
            line: LineBuffer::default(),
            is_reading: false,
            echoed: 0,
            exchanges: 0,
            next_noise_at: None,
            settings,
        };
        match board.state {
            State::Other(_) => return board,
            _ if board.qr_code.is_some() => board.boot(now),
            _ => board.print_prompt(now),
        }
        board.next_noise_at = board.noise_interval().map(|interval| now + interval);
        board
    }

    /// Does everything that is due.
    pub(super) fn run_due(&mut self, server: &mut DeviceServer, now: Instant) {
        self.uart.receive(now);
        let bytes = self.uart.take_lost();
        if bytes > 0 {
            server.log().write(&DeviceEvent::Overrun { bytes });
        }
        if self.next_noise_at.is_some_and(|at| at <= now) {
            self.print_noise(now, 1);
            self.next_noise_at = self.noise_interval().map(|interval| now + interval);
        }
        while self.step(server, now) {}
    }

    /// When the next work is due.
    pub(super) fn next_due_at(&self) -> Option<Instant> {
        let task = match &self.state {
            State::Starting { until } | State::Busy { until, .. } => Some(*until),
            State::Other(other) => other.next_due_at(),
            State::Reading | State::Hung | State::Unplugged => None,
        };
        // A task that waits for the line continues when bytes have left.
        let task = task.filter(|_| !self.uart.is_clogged());
        let turns = [task, self.uart.next_due_at(), self.next_noise_at];
        turns.into_iter().flatten().min()
    }

    /// Whether the cable was unplugged, after the output until then.
    pub(super) fn is_unplugged(&self) -> bool {
        matches!(self.state, State::Unplugged) && self.uart.is_sent()
    }

    /// Ends the service and its task, after the output of a running handler.
    pub(super) fn stop(&mut self, server: &mut DeviceServer, now: Instant) {
        if let State::Busy { text, then, .. } = std::mem::replace(&mut self.state, State::Hung) {
            self.conclude(server, now, &text, then);
        }
        for text in ["Stopping console...", "Console stopped"] {
            self.print_log(now, &format!("I protocomm_console: {text}"));
        }
    }

    /// Does one step. Returns whether another may be due.
    fn step(&mut self, server: &mut DeviceServer, now: Instant) -> bool {
        if self.uart.is_clogged() {
            return false;
        }
        match &mut self.state {
            State::Starting { until } | State::Busy { until, .. } if *until > now => return false,
            State::Reading => return self.read_byte(server, now),
            State::Hung | State::Unplugged => return false,
            State::Starting { .. } => {
                self.uart.discard_input();
                self.state = State::Reading;
                self.print_prompt(now);
            }
            State::Busy { text, then, .. } => {
                let (text, then) = (std::mem::take(text), *then);
                self.conclude(server, now, &text, then);
            }
            State::Other(other) => {
                let mut typed = Vec::new();
                if self.uart.take_event() {
                    typed.extend(std::iter::from_fn(|| self.uart.read()));
                }
                let printed = other.print(now, &typed);
                self.uart.print(now, printed);
                return !typed.is_empty();
            }
        }
        true
    }

    /// Reads a byte, or executes the line if there are no more.
    fn read_byte(&mut self, server: &mut DeviceServer, now: Instant) -> bool {
        if !self.is_reading {
            self.is_reading = self.uart.take_event();
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
            b'\r' => self.uart.print(now, "\r\n"),
            other => self.uart.print(now, [other]),
        }
        self.echoed = self.echoed.saturating_add(1);
        let interval = match self.settings.noise {
            Noise::None => return,
            Noise::Light => 211,
            Noise::Heavy => 37,
        };
        if self.echoed >= interval && byte != b'\r' {
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
            // The client sees neither reason.
            Command::Complete(request) => {
                server.log_refusal(&request.endpoint, "no such command");
            }
            Command::Incomplete(endpoint) => {
                server.log_refusal(&endpoint, "a session and hexadecimal digits are missing");
            }
        }
        self.conclude(server, now, "", Then::Prompt);
    }

    fn exchange(&mut self, server: &mut DeviceServer, now: Instant, request: ConsoleRequest) {
        let (endpoint, session) = (&*request.endpoint, request.session);
        self.exchanges = self.exchanges.saturating_add(1);
        let fault = match server.count_request(endpoint) {
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
        let Some(bytes) = request.bytes else {
            server.log_refusal(endpoint, "no hexadecimal digits");
            return self.refuse(server, now, "Invalid argument");
        };
        let exchanged = server.exchange(fault, session, endpoint, &bytes);
        if self.dumps_keys && endpoint == Service::Provisioning.session_endpoint().as_str() {
            let reply = exchanged.is_ok().then_some(&*server.previous);
            let dump = self.noise.format_keys(now, &bytes, reply);
            self.uart.print(now, dump);
        }
        match exchanged {
            Ok(reply) => self.start_reply(now, reply, fault),
            // The device crashed, and restarts.
            Err(_) if !server.device.has_session(session) => self.boot(now),
            Err(_) => {
                let why = format!("Request handler for {endpoint} failed");
                self.refuse(server, now, &why);
            }
        }
    }

    fn start_reply(&mut self, now: Instant, reply: Reply, fault: Option<FaultKind>) {
        let Reply { mut bytes, after } = reply;
        bytes.truncate(MAX_REPLY);
        let hex = hex::encode(&bytes);
        let (start, rest) = hex
            .split_at_checked(hex.len() / 4 * 2)
            .unwrap_or((&hex, ""));
        let newline = match self.settings.console_newlines {
            Newlines::Raw => "\r\n",
            Newlines::Translated => "\r\r\n",
        };
        let whole = format!("{newline}{hex}{newline}");
        let half = format!("{newline}{start}");
        let extra = format!("{newline}{EXTRA_DIGITS}{newline}");
        let has = |trouble| self.settings.console_trouble.contains(&trouble);
        let prompt = self.select_next_action();
        let (text, then) = match fault {
            _ if has(ConsoleTrouble::Resets(self.exchanges)) => (half, Then::Restart),
            _ if has(ConsoleTrouble::Unplugged(self.exchanges)) => (half, Then::Unplug),
            Some(FaultKind::Mute) => (String::new(), Then::Nothing),
            Some(FaultKind::Duplicate) => (whole.repeat(2), prompt),
            // A log line, even without noise.
            Some(FaultKind::Cut) => {
                let ms = self.noise.elapsed_ms(now);
                let line = format!("I ({ms}) wifi: state: auth -> assoc (0)\r\n");
                (format!("{half}{line}{rest}{newline}"), prompt)
            }
            _ if has(ConsoleTrouble::HexBefore) => (format!("{extra}{whole}"), prompt),
            _ if has(ConsoleTrouble::HexAfter) => (format!("{whole}{extra}"), prompt),
            _ => (whole, prompt),
        };
        let until = now + after;
        self.state = State::Busy { until, text, then };
    }

    fn select_next_action(&self) -> Then {
        for trouble in &self.settings.console_trouble {
            if matches!(trouble, ConsoleTrouble::NoPromptAfter(last) if self.exchanges >= *last) {
                return Then::Hang;
            }
        }
        Then::Prompt
    }

    /// Refuses a request: prints only log lines.
    fn refuse(&mut self, server: &mut DeviceServer, now: Instant, why: &str) {
        self.print_log(now, &format!("E protocomm: {why}"));
        let then = self.select_next_action();
        self.conclude(server, now, "", then);
    }

    /// Prints the reply to a line, and the output of other tasks around it.
    fn conclude(&mut self, server: &mut DeviceServer, now: Instant, text: &str, then: Then) {
        let is_reply = !text.is_empty() && then == Then::Prompt;
        let (before, after) = match self.settings.noise {
            Noise::Heavy if is_reply => (2, 1),
            Noise::Light if is_reply => (0, usize::from(self.exchanges.is_multiple_of(2))),
            _ => (0, 0),
        };
        self.print_noise(now, before);
        self.uart.print(now, text);
        self.print_noise(now, after);
        self.state = State::Reading;
        match then {
            Then::Prompt => self.print_prompt(now),
            Then::Nothing => {}
            Then::Hang => self.state = State::Hung,
            Then::Unplug => self.state = State::Unplugged,
            Then::Restart => {
                server.device.power_cycle(now);
                self.boot(now);
            }
        }
    }

    /// Starts the chip. The device has restarted before.
    fn boot(&mut self, now: Instant) {
        self.line = LineBuffer::default();
        self.is_reading = false;
        self.uart.print(now, BANNER);
        let text = self.noise.format_boot_log(now, self.qr_code.as_deref());
        self.uart.print(now, text);
        self.state = State::Starting {
            until: now + self.boot_time,
        };
    }

    fn print_prompt(&mut self, now: Instant) {
        let prompt = match self.settings.console_newlines {
            Newlines::Raw => "\n>> ",
            Newlines::Translated => "\r\n>> ",
        };
        self.uart.print(now, prompt);
    }

    fn print_noise(&mut self, now: Instant, lines: usize) {
        for _ in 0..lines {
            let line = self.noise.next_line(now);
            self.uart.print(now, line);
        }
    }

    fn print_log(&mut self, now: Instant, entry: &str) {
        let line = self.noise.format_line(now, entry);
        self.uart.print(now, line);
    }

    /// The time between two lines of other tasks.
    fn noise_interval(&self) -> Option<Duration> {
        match self.settings.noise {
            Noise::None => None,
            Noise::Light => Some(Duration::from_secs(5)),
            Noise::Heavy => Some(Duration::from_millis(170)),
        }
    }
}

/// From power to prompt.
const BOOT: Duration = Duration::from_millis(1200);
/// Far more than any reply, in bytes before encoding.
const MAX_REPLY: usize = 16 * 1024;
/// Digits that are not a reply: an address that an application prints.
const EXTRA_DIGITS: &str = "7cdfa1e0b2c4";
