//! An open serial port. Reads and writes bytes without blocking the runtime. `exchange.rs`
//! interprets them.

use std::io::{self, Read as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serialport::{ClearBuffer, SerialPort};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::transport::address::Address;
use crate::transport::error::{ConsoleProblem, TransportError};

/// An open port. Dropping it closes the port.
#[derive(derive_more::Debug)]
#[debug("Port")]
pub(super) struct Port {
    writer: Arc<Mutex<Box<dyn SerialPort>>>,
    received: Receiver<io::Result<Vec<u8>>>,
    /// Resolves when the reading thread ends.
    reader_ended: oneshot::Receiver<()>,
}

impl Port {
    /// Opens the port exclusively, with DTR and RTS inactive: on most boards these two lines reset
    /// the board.
    pub(super) async fn open(path: &str, baud: u32) -> Result<Self, TransportError> {
        let name = path.to_owned();
        let opened = spawn_blocking(move || open_port(&name, baud)).await;
        let opened = opened.unwrap_or_else(|error| Err(io::Error::other(error)));
        opened.map_err(|source| {
            let problem = match source.kind() {
                io::ErrorKind::PermissionDenied => {
                    let address = Address::new(path);
                    return TransportError::PermissionDenied { address, source };
                }
                io::ErrorKind::ResourceBusy => ConsoleProblem::InUse,
                _ => ConsoleProblem::NoPort,
            };
            TransportError::console(&path.into(), problem, Some(source))
        })
    }

    /// Writes all bytes. It does not wait until they are sent, which takes tens of milliseconds
    /// with some drivers; the echo arrives sooner.
    pub(super) async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let (writer, bytes) = (Arc::clone(&self.writer), bytes.to_vec());
        let written = spawn_blocking(move || {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            writer.write_all(&bytes)
        });
        written.await.map_err(io::Error::other)?
    }

    /// The next received bytes. After an error the port is closed.
    pub(super) async fn read(&mut self) -> io::Result<Vec<u8>> {
        let gone = || Err(io::ErrorKind::BrokenPipe.into());
        self.received.recv().await.unwrap_or_else(gone)
    }

    /// Closes the port, so that it is free for the next program.
    pub(super) async fn close(self) {
        let Self {
            writer,
            received,
            reader_ended,
        } = self;
        drop((writer, received));
        // An error only means that the thread ended.
        let _ended = reader_ended.await;
    }

    /// Discards received bytes that were not read.
    pub(super) fn clear(&mut self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writer.clear(ClearBuffer::Input) {
            // A removed port reports an error at the next read.
            tracing::debug!(%error, "cannot discard received bytes");
        }
        drop(writer);
        while let Ok(Ok(_)) = self.received.try_recv() {}
    }
}

#[cfg(test)]
impl Port {
    /// A port on which a test controls the received bytes.
    pub(super) fn scripted(
        writer: Box<dyn SerialPort>,
        received: Receiver<io::Result<Vec<u8>>>,
    ) -> Self {
        let (_ended, reader_ended) = oneshot::channel();
        Self {
            writer: Arc::new(Mutex::new(writer)),
            received,
            reader_ended,
        }
    }
}

fn open_port(path: &str, baud: u32) -> io::Result<Port> {
    let builder = serialport::new(path, baud).timeout(READ_TIMEOUT);
    let mut port = builder.open().map_err(|error| match error.kind() {
        // The port is locked. A port that does not exist has another error (`posix/flock.rs`).
        serialport::ErrorKind::NoDevice if cfg!(unix) => {
            io::Error::new(io::ErrorKind::ResourceBusy, error)
        }
        _ => error.into(),
    })?;
    // RTS before DTR: in the other order, the usual circuit resets the board in between. A port
    // without these lines works as well.
    for inactive in [
        port.write_request_to_send(false),
        port.write_data_terminal_ready(false),
    ] {
        if let Err(error) = inactive {
            tracing::debug!(%error, "cannot set a control line");
        }
    }
    let reader = port.try_clone()?;
    let (sender, received) = channel(MAX_QUEUED_READS);
    let (ended, reader_ended) = oneshot::channel::<()>();
    let thread = thread::Builder::new().name("serial".to_owned());
    thread.spawn(move || {
        // Locals are dropped in reverse order: this one last, after the port is closed.
        let _ended = ended;
        let mut reader = reader;
        let mut buffer = [0; 1024];
        // The thread ends when the port is dropped.
        while !sender.is_closed() {
            let read = match reader.read(&mut buffer) {
                Ok(0) => Err(io::ErrorKind::BrokenPipe.into()),
                Ok(length) => Ok(buffer.get(..length).unwrap_or_default().to_vec()),
                Err(error) if is_read_timeout(&error) => continue,
                Err(error) => Err(error),
            };
            let is_over = read.is_err();
            if sender.blocking_send(read).is_err() || is_over {
                return;
            }
        }
    })?;
    Ok(Port {
        writer: Arc::new(Mutex::new(port)),
        received,
        reader_ended,
    })
}

fn is_read_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
    )
}

/// How many reads can be queued. The system buffers, and finally drops, the bytes beyond.
const MAX_QUEUED_READS: usize = 64;
/// How often the reading thread checks whether the port was dropped.
const READ_TIMEOUT: Duration = Duration::from_millis(25);
