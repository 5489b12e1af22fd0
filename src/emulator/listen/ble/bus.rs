//! The bus on which BlueZ is emulated: a D-Bus of our own, in this process and behind a socket that
//! only this user can open, or one that exists. Not what is on it.

use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;

use futures_util::future::select;
use tempfile::TempDir;
use tokio::sync::oneshot;
use zbus::Address;
use zbus::address::Transport;
use zbus::address::transport::{Unix, UnixSocket};

/// Which bus to use.
#[derive(Clone, Debug, Default)]
pub enum BusChoice {
    /// One of our own, at a socket in a new folder.
    #[default]
    InNewFolder,
    /// One of our own, at this socket.
    AtSocket(PathBuf),
    /// The bus at this D-Bus address.
    Existing(String),
}

/// The bus, which lasts until this is dropped if it is our own.
#[derive(Debug)]
pub(super) struct Bus {
    /// Where clients find it.
    pub(super) address: String,
    /// Where BlueZ finds it.
    pub(super) address_for_bluez: String,
    _own: Option<OwnBus>,
}

impl Bus {
    /// Opens it. If it `hangs`, the socket of our own accepts clients and never answers.
    pub(super) async fn open(choice: BusChoice, hangs: bool) -> io::Result<Self> {
        let new_folder = || tempfile::Builder::new().prefix("espctl-bus-").tempdir();
        let (folder, socket) = match choice {
            BusChoice::InNewFolder => {
                let folder = new_folder()?;
                let socket = folder.path().join("bus");
                (folder, socket)
            }
            BusChoice::AtSocket(socket) => (new_folder()?, std::path::absolute(socket)?),
            BusChoice::Existing(address) => {
                return Ok(Self {
                    address_for_bluez: address.clone(),
                    address,
                    _own: None,
                });
            }
        };
        // Here rather than in the bus, whose errors do not say what is wrong with the path.
        let silent = UnixListener::bind(&socket)?;
        let (silent, listens_at) = if hangs {
            (Some(silent), folder.path().join("hidden"))
        } else {
            std::fs::remove_file(&socket)?;
            (None, socket.clone())
        };
        let address_for_bluez = address_of(&listens_at);
        Ok(Self {
            address: address_of(&socket),
            _own: Some(OwnBus {
                _running: run(address_for_bluez.clone()).await?,
                _silent: silent,
                socket,
                _folder: folder,
            }),
            address_for_bluez,
        })
    }
}

/// What keeps a bus of our own running.
#[derive(Debug)]
struct OwnBus {
    /// Dropping it ends the bus's thread.
    _running: oneshot::Sender<()>,
    /// Accepts clients and never answers.
    _silent: Option<UnixListener>,
    socket: PathBuf,
    _folder: TempDir,
}

impl Drop for OwnBus {
    fn drop(&mut self) {
        // The folder removes it if it is in there.
        let _removed = std::fs::remove_file(&self.socket);
    }
}

/// Runs a bus on a thread of its own, and returns when it accepts clients.
async fn run(address: String) -> io::Result<oneshot::Sender<()>> {
    let (running, stopped) = oneshot::channel();
    let (opened, is_open) = oneshot::channel();
    let run = async move {
        // The receivers are gone if the emulation has ended meanwhile.
        match busd::bus::Bus::for_address(Some(&address)).await {
            Err(error) => drop(opened.send(Err(io::Error::other(error)))),
            Ok(mut bus) if opened.send(Ok(())).is_ok() => {
                // A socket that fails shows as clients that cannot connect.
                select(std::pin::pin!(bus.run()), stopped).await;
            }
            Ok(_) => {}
        }
    };
    thread::Builder::new()
        .name("bus".to_owned())
        .spawn(|| zruntime::block_on(run))?;
    is_open.await.map_err(io::Error::other)??;
    Ok(running)
}

fn address_of(socket: &Path) -> String {
    let socket = UnixSocket::File(socket.to_owned());
    Address::new(Transport::Unix(Unix::new(socket))).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_escapes_what_d_bus_requires() {
        assert_eq!(
            address_of(Path::new("/tmp/a b,ü/bus_1.x")),
            "unix:path=/tmp/a%20b%2c%c3%bc/bus_1.x"
        );
    }
}
