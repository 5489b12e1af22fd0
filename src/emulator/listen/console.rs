//! protocomm on a serial console, behind a pty: a prompt, an echo, and a reply among the log lines of the
//! whole board (`protocomm_console.c`). Not a terminal: nothing is edited, and a refusal is a prompt
//! without a reply.
//!
//! One task reads the line, runs the handler and prints; while it is busy, what arrives waits in the
//! driver's ring. Bytes leave and arrive at the speed of the line, whichever task prints them.

mod board;
mod line;
mod log_noise;
mod other_console;
mod pty;
mod settings;
mod uart;

use std::io;
use std::path::Path;

use tokio::time::Instant;

use self::board::Board;
use self::pty::Pty;
use crate::emulator::device::{Device, StopReason};
use crate::emulator::server::{DeviceServer, Listener, wait_until};

pub use self::log_noise::Noise;
pub use self::settings::{ConsoleSettings, ConsoleTrouble};

/// A serial line, not served yet.
#[derive(Debug)]
pub struct Console {
    pty: Pty,
    settings: ConsoleSettings,
}

/// Opens a pty.
pub fn open(settings: ConsoleSettings) -> io::Result<Console> {
    Ok(Console {
        pty: Pty::open()?,
        settings,
    })
}

impl Console {
    /// The port that a client opens.
    pub fn path(&self) -> &Path {
        self.pty.path()
    }

    /// Makes a symbolic link to it, in place of an existing one.
    pub fn link(&mut self, link: &Path) -> io::Result<()> {
        self.pty.link(link)
    }

    /// Serves `device` until its service ends; then the port is gone. Dropping the future ends it
    /// as well.
    pub async fn serve(self, device: Device) -> StopReason {
        let line = SerialLine {
            board: Board::new(self.settings, device.settings.time_scale, Instant::now()),
            pty: self.pty,
        };
        DeviceServer::run(device, line).await
    }
}

struct SerialLine {
    board: Board,
    pty: Pty,
}

impl Listener for SerialLine {
    type Event = io::Result<()>;

    async fn run_due(&mut self, server: &mut DeviceServer) -> Result<Option<Instant>, StopReason> {
        loop {
            let now = Instant::now();
            self.board.go_on(server, now);
            let was_clogged = self.board.uart.is_clogged();
            let sent = self.board.uart.sent(now);
            self.pty.write(&sent).await.map_err(unplugged)?;
            // What had to wait for the line goes on.
            if !was_clogged || self.board.uart.is_clogged() {
                break;
            }
        }
        if self.board.is_unplugged() {
            return Err(StopReason::Unplugged);
        }
        Ok(self.board.next_turn())
    }

    async fn next_event(&mut self) -> io::Result<()> {
        if !self.board.uart.wants_bytes() {
            return std::future::pending().await;
        }
        let mut buffer = [0; 128];
        let count = self.pty.read(&mut buffer).await?;
        let sent = buffer.get(..count).unwrap_or_default();
        self.board.uart.take(Instant::now(), sent);
        Ok(())
    }

    async fn handle(
        &mut self,
        _: &mut DeviceServer,
        read: io::Result<()>,
    ) -> Result<(), StopReason> {
        read.map_err(unplugged)
    }

    async fn end(&mut self, server: &mut DeviceServer, reason: StopReason) -> StopReason {
        if reason == StopReason::Unplugged {
            return reason;
        }
        self.board.stop(server, Instant::now());
        match self.print_rest().await {
            Ok(()) => reason,
            Err(error) => unplugged(error),
        }
    }
}

impl SerialLine {
    /// What was printed still leaves, and is read.
    async fn print_rest(&mut self) -> io::Result<()> {
        let uart = &mut self.board.uart;
        loop {
            self.pty.write(&uart.sent(Instant::now())).await?;
            if uart.is_silent() {
                break;
            }
            wait_until(uart.next_turn()).await;
        }
        self.pty.read_out().await;
        Ok(())
    }
}

/// Without its pty, there is no port.
fn unplugged(_: io::Error) -> StopReason {
    StopReason::Unplugged
}
