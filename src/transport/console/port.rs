//! A serial port that is open: bytes in, bytes out, each waited for without blocking anybody. What
//! they mean is `exchange.rs`'s.

use std::fmt;
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

/// An open port. Closed when it is dropped.
pub(super) struct Port {
    writer: Arc<Mutex<Box<dyn SerialPort>>>,
    arrived: Receiver<io::Result<Vec<u8>>>,
    /// Ends with the thread that reads.
    reading: oneshot::Receiver<()>,
}

impl Port {
    /// Opens it for us alone, with DTR and RTS inactive: on most boards the two reset it.
    pub(super) async fn open(path: &str, baud: u32) -> Result<Self, TransportError> {
        let name = path.to_owned();
        let opened = spawn_blocking(move || open(&name, baud)).await;
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
            TransportError::Console {
                port: path.into(),
                problem: Box::new(problem),
                source: Some(source),
            }
        })
    }

    /// Writes all of these. Waiting until they have left would take some drivers tens of
    /// milliseconds; the echo says so sooner.
    pub(super) async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let (writer, bytes) = (Arc::clone(&self.writer), bytes.to_vec());
        let written = spawn_blocking(move || {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            writer.write_all(&bytes)
        });
        written.await.map_err(io::Error::other)?
    }

    /// What arrives next. An error is the end of the port.
    pub(super) async fn read(&mut self) -> io::Result<Vec<u8>> {
        let gone = || Err(io::ErrorKind::BrokenPipe.into());
        self.arrived.recv().await.unwrap_or_else(gone)
    }

    /// Closes it, so that the next one to open it finds it free.
    pub(super) async fn close(self) {
        let Self {
            writer,
            arrived,
            reading,
        } = self;
        drop((writer, arrived));
        // An error is the end that is waited for.
        let _ended = reading.await;
    }

    /// Forgets what has arrived and was not read.
    pub(super) fn clear(&mut self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writer.clear(ClearBuffer::Input) {
            // A port that is gone says so when it is read.
            tracing::debug!(%error, "what had arrived");
        }
        drop(writer);
        while let Ok(Ok(_)) = self.arrived.try_recv() {}
    }
}

#[cfg(test)]
impl Port {
    /// A port on which a test decides what arrives, and when.
    pub(super) fn scripted(
        writer: Box<dyn SerialPort>,
        arrived: Receiver<io::Result<Vec<u8>>>,
    ) -> Self {
        let (_ended, reading) = oneshot::channel();
        Self {
            writer: Arc::new(Mutex::new(writer)),
            arrived,
            reading,
        }
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Port")
    }
}

fn open(path: &str, baud: u32) -> io::Result<Port> {
    let builder = serialport::new(path, baud).timeout(LISTENING);
    let mut port = builder.open().map_err(|error| match error.kind() {
        // That it is locked; a port that is not there is another error (`posix/flock.rs`).
        serialport::ErrorKind::NoDevice if cfg!(unix) => {
            io::Error::new(io::ErrorKind::ResourceBusy, error)
        }
        _ => error.into(),
    })?;
    // RTS before DTR: the other way round, the usual circuit pulls the board's reset in between.
    // A port without such lines is fine.
    for inactive in [
        port.write_request_to_send(false),
        port.write_data_terminal_ready(false),
    ] {
        if let Err(error) = inactive {
            tracing::debug!(%error, "a control line");
        }
    }
    let reader = port.try_clone()?;
    let (arriving, arrived) = channel(UNREAD);
    let (read_on, reading) = oneshot::channel::<()>();
    let thread = thread::Builder::new().name("serial".to_owned());
    thread.spawn(move || {
        // Locals are dropped in reverse: this one last, when the port is closed.
        let _read_on = read_on;
        let mut reader = reader;
        let mut buffer = [0; 1024];
        // Until nobody listens any more.
        while !arriving.is_closed() {
            let read = match reader.read(&mut buffer) {
                Ok(0) => Err(io::ErrorKind::BrokenPipe.into()),
                Ok(length) => Ok(buffer.get(..length).unwrap_or_default().to_vec()),
                Err(error) if is_silence(&error) => continue,
                Err(error) => Err(error),
            };
            let is_over = read.is_err();
            if arriving.blocking_send(read).is_err() || is_over {
                return;
            }
        }
    })?;
    Ok(Port {
        writer: Arc::new(Mutex::new(port)),
        arrived,
        reading,
    })
}

fn is_silence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
    )
}

/// How many pieces may wait to be read. What comes beyond that waits in the system, and is lost there.
const UNREAD: usize = 64;
/// After which the reading thread looks whether it is still wanted.
const LISTENING: Duration = Duration::from_millis(25);
