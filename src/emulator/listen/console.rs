//! protocomm on a serial console, behind a pty: a prompt, an echo, and a reply among the log lines of the
//! whole board (`protocomm_console.c`). There is no line editing, and a refusal is a prompt without a
//! reply.
//!
//! One task reads the line, runs the handler and prints; while it is busy, received bytes wait in the
//! driver's ring. All bytes have the speed of the line, whichever task prints them.

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
pub use self::settings::{ConsoleSettings, ConsoleTrouble, Newlines};

/// A serial line, before a device serves it.
#[derive(Debug)]
pub struct Console {
    pty: Pty,
    settings: ConsoleSettings,
    qr_code: Option<String>,
}

/// Opens a pty. The boot log has the QR code with this payload; without one, the board prints no boot log.
pub fn open(settings: ConsoleSettings, qr_code: Option<String>) -> io::Result<Console> {
    Ok(Console {
        pty: Pty::open()?,
        settings,
        qr_code,
    })
}

impl Console {
    /// The path of the port for clients.
    pub fn path(&self) -> &Path {
        self.pty.path()
    }

    /// Creates a symbolic link to the port, in place of an existing one.
    pub fn link(&mut self, link: &Path) -> io::Result<()> {
        self.pty.link(link)
    }

    /// Serves `device` until its service ends, and closes the port. Dropping the future also ends it.
    pub async fn serve(self, device: Device) -> StopReason {
        let line = SerialLine {
            board: Board::new(
                self.settings,
                self.qr_code,
                &device.settings,
                Instant::now(),
            ),
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
            self.board.run_due(server, now);
            let was_clogged = self.board.uart.is_clogged();
            let sent = self.board.uart.take_sent(now);
            self.pty.write(&sent).await.map_err(unplugged)?;
            // A task that waited for the line continues.
            if !was_clogged || self.board.uart.is_clogged() {
                break;
            }
        }
        if self.board.is_unplugged() {
            return Err(StopReason::Unplugged);
        }
        Ok(self.board.next_due_at())
    }

    async fn next_event(&mut self) -> io::Result<()> {
        if !self.board.uart.accepts_bytes() {
            return std::future::pending().await;
        }
        let mut buffer = [0; 128];
        let count = self.pty.read(&mut buffer).await?;
        let sent = buffer.get(..count).unwrap_or_default();
        self.board.uart.receive_later(Instant::now(), sent);
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
        match self.print_remaining().await {
            Ok(()) => reason,
            Err(error) => unplugged(error),
        }
    }
}

impl SerialLine {
    /// Sends the remaining output, and waits until the client has read it.
    async fn print_remaining(&mut self) -> io::Result<()> {
        let uart = &mut self.board.uart;
        loop {
            self.pty.write(&uart.take_sent(Instant::now())).await?;
            if uart.is_sent() {
                break;
            }
            wait_until(uart.next_due_at()).await;
        }
        self.pty.wait_until_read().await;
        Ok(())
    }
}

/// Without its pty, the port is gone.
fn unplugged(_: io::Error) -> StopReason {
    StopReason::Unplugged
}
