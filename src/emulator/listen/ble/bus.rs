//! A bus of D-Bus for this emulation alone: in this process, on a thread of its own, behind a socket
//! that nobody else can reach. Not what is on it.

mod front;

use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use futures_util::future::{Either, select};
use tempfile::TempDir;
use tokio::sync::oneshot;

use self::front::{Conduct, Front};

pub(super) use self::front::{Absence, BLUEZ, STAND_IN};

/// A bus that runs until it is dropped.
#[derive(Debug)]
pub(super) struct PrivateBus {
    socket: PathBuf,
    /// Dropped, it ends the thread.
    running: Option<oneshot::Sender<()>>,
    /// The socket of the bus itself.
    bus: PathBuf,
    front: Front,
    /// The folder of that, and of the other where it was not given.
    _folder: TempDir,
}

impl PrivateBus {
    /// Opens one at `socket`, or in a new folder of this user's own. One that hangs takes clients,
    /// and answers nothing.
    pub(super) async fn open(socket: Option<&Path>, hangs: bool) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("espctl-bus-").tempdir()?;
        let bus = folder.path().join("behind");
        let socket = match socket {
            Some(socket) => std::path::absolute(socket)?,
            None => folder.path().join("bus"),
        };
        let address = address_of(&bus);
        let (running, stopped) = oneshot::channel();
        let (opened, is_open) = oneshot::channel();
        thread::Builder::new()
            .name("bus".to_owned())
            .spawn(move || zruntime::block_on(run(address, opened, stopped)))?;
        is_open.await.map_err(io::Error::other)??;
        let conduct = Conduct {
            hangs,
            ..Conduct::default()
        };
        let front = Front::open(&socket, &bus, conduct)?;
        Ok(Self {
            socket,
            running: Some(running),
            bus,
            front,
            _folder: folder,
        })
    }

    /// Where clients find it.
    pub(super) fn address(&self) -> String {
        address_of(&self.socket)
    }

    /// Whether nobody has BlueZ's name.
    pub(super) fn is_absent(&self) -> Absence {
        self.front.is_absent.clone()
    }

    /// Where it is for whoever is in this process.
    pub(super) fn address_behind(&self) -> String {
        address_of(&self.bus)
    }
}

impl Drop for PrivateBus {
    fn drop(&mut self) {
        self.running.take();
        // It may be gone with its folder, or was never there.
        let _removed = std::fs::remove_file(&self.socket);
    }
}

async fn run(
    address: String,
    opened: oneshot::Sender<io::Result<()>>,
    stopped: oneshot::Receiver<()>,
) {
    let mut bus = match busd::bus::Bus::for_address(Some(&address)).await {
        Ok(bus) => bus,
        Err(error) => {
            // Whoever asked may be gone.
            let _told = opened.send(Err(io_error(error)));
            return;
        }
    };
    if opened.send(Ok(())).is_err() {
        return;
    }
    let run = std::pin::pin!(bus.run());
    match select(run, stopped).await {
        // Sockets that fail show as clients that cannot connect.
        Either::Left(_) | Either::Right(_) => {}
    }
}

/// What the system said, where it was the system.
fn io_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    let error = error.into();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&*error);
    while let Some(one) = cause {
        if let Some(system) = one.downcast_ref::<io::Error>() {
            return match system.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(system.kind(), system.to_string()),
            };
        }
        cause = one.source();
    }
    io::Error::other(error)
}

/// In D-Bus's own escapes.
fn address_of(socket: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let socket = socket.as_os_str().as_bytes().iter();
    let escaped = socket.map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'/' | b'.' | b'*' => {
            char::from(*byte).to_string()
        }
        other => format!("%{other:02x}"),
    });
    format!("unix:path={}", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_escapes_what_d_bus_wants_escaped() {
        assert_eq!(
            address_of(Path::new("/tmp/a b,ü/bus_1.x")),
            "unix:path=/tmp/a%20b%2c%c3%bc/bus_1.x"
        );
    }
}
