//! protocomm on a serial console, behind a pty: a prompt, an echo, and a reply among the log lines of the
//! whole board (`protocomm_console.c`). Not a terminal: nothing is edited, and a refusal is a prompt
//! without a reply.
//!
//! One task reads the line, runs the handler and prints; while it is busy, what arrives waits in the
//! driver's ring. Bytes leave and arrive at the speed of the line, whoever prints them.

mod board;
mod chatter;
mod line;
mod pty;
mod stranger;
mod trouble;
mod uart;

use std::io;
use std::path::Path;

use tokio::time::{Instant, sleep_until};

use self::board::Board;
use self::pty::Pty;
use crate::emulator::device::{Device, StopReason};
use crate::emulator::log::Entry;
use crate::emulator::node_cloud::Uplink;

pub use self::chatter::Noise;
pub use self::trouble::{ConsoleTrouble, UnknownConsoleTrouble};

/// How a board is on its serial line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// Bits a second; 0 takes no time.
    pub baud: u32,
    /// How much of its log is on the line.
    pub noise: Noise,
    /// Whether it dumps the keys of Security 1, as firmware of ESP-IDF 6 does.
    pub dumps_keys: bool,
    /// Whether each LF of prompt and reply gets a CR before it, as by the console's newline
    /// translation.
    pub translates_newlines: bool,
    /// What is wrong with it.
    pub troubles: Vec<ConsoleTrouble>,
    /// What is in its boot log, if that is printed.
    pub qr_code: Option<String>,
}

/// A serial line that nobody plays yet.
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

    /// Makes a symbolic link to it, in place of one that is there.
    pub fn link(&mut self, link: &Path) -> io::Result<()> {
        self.pty.link(link)
    }

    /// Plays `device` until its service ends; then the port is gone. Dropping the future ends it as
    /// well.
    pub async fn serve(self, mut device: Device) -> StopReason {
        let Self { pty, settings } = self;
        device.start(Instant::now());
        let mut server = Server {
            uplink: device.uplink(),
            board: Board::new(settings, device, Instant::now()),
            pty,
        };
        let reason = match server.run().await {
            Ok(reason) => reason,
            // There is no port without its pty.
            Err(_) => StopReason::Unplugged,
        };
        let Server {
            board: Board { mut device, .. },
            uplink,
            ..
        } = server;
        device.end();
        device.log().write(&Entry::ServiceStopped {
            why: reason.to_string(),
        });
        uplink.send(device.outgoing());
        uplink.finish(device.log()).await;
        reason
    }
}

struct Server {
    board: Board,
    uplink: Uplink,
    pty: Pty,
}

impl Server {
    async fn run(&mut self) -> io::Result<StopReason> {
        let mut buffer = [0; 128];
        loop {
            let now = Instant::now();
            if let Some(reason) = self.board.device.stopped(now) {
                self.board.stop(now);
                self.print_rest().await?;
                return Ok(reason);
            }
            self.uplink.send(self.board.device.outgoing());
            self.board.go_on(now);
            let was_clogged = self.board.uart.is_clogged();
            self.pty.write(&self.board.uart.sent(now)).await?;
            if was_clogged && !self.board.uart.is_clogged() {
                // What had to wait for the line goes on.
                continue;
            }
            if self.board.is_unplugged() {
                return Ok(StopReason::Unplugged);
            }
            let wake_at = [
                self.board.next_turn(),
                self.board.device.stops_at(),
                self.board.device.next_news(),
            ];
            let wake_at = wake_at.into_iter().flatten().min();
            tokio::select! {
                biased;
                () = at(wake_at) => {}
                (when, entry) = self.uplink.outcome() => {
                    self.board.device.log().write_at(when, &entry);
                }
                read = self.pty.read(&mut buffer), if self.board.uart.wants_bytes() => {
                    let sent = buffer.get(..read?).unwrap_or_default();
                    self.board.uart.take(Instant::now(), sent);
                }
            }
        }
    }

    /// What was printed still leaves, and is read.
    async fn print_rest(&mut self) -> io::Result<()> {
        let uart = &mut self.board.uart;
        loop {
            self.pty.write(&uart.sent(Instant::now())).await?;
            if uart.is_silent() {
                break;
            }
            at(uart.next_turn()).await;
        }
        self.pty.read_out().await;
        Ok(())
    }
}

/// Waits for that moment; for ever where there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
