//! The bus of the emulated BlueZ: a D-Bus in this process, with a socket that only this user can open, or an
//! existing one.

use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;

use futures_util::future::select;
use tempfile::{TempDir, TempPath};
use tokio::sync::oneshot;
use zbus::Address;
use zbus::address::Transport;
use zbus::address::transport::{Unix, UnixSocket};

/// Which bus to use.
#[derive(Clone, Debug, Default)]
pub enum BusChoice {
    /// A new bus, with a socket in a new folder.
    #[default]
    InNewFolder,
    /// A new bus, with this socket.
    AtSocket(PathBuf),
    /// The bus at this D-Bus address.
    Existing(String),
}

/// The bus. Dropping it ends a new bus.
#[derive(Debug)]
pub(super) struct Bus {
    /// Its address for clients.
    pub(super) address: String,
    /// Its address for BlueZ.
    pub(super) address_for_bluez: String,
    _new: Option<NewBus>,
}

impl Bus {
    /// Opens the bus. If it `hangs`, the socket of a new bus accepts clients and never answers.
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
                    _new: None,
                });
            }
        };
        // Binding here reports problems with the path, which the errors of the bus do not contain.
        let silent = UnixListener::bind(&socket)?;
        let (silent, listens_at) = if hangs {
            (Some(silent), folder.path().join("hidden"))
        } else {
            std::fs::remove_file(&socket)?;
            (None, socket.clone())
        };
        let address = address_of(&socket);
        let address_for_bluez = address_of(&listens_at);
        let new = NewBus {
            _silent: silent,
            _socket: TempPath::try_from_path(socket)?,
            _folder: folder,
            _running: start_bus(address_for_bluez.clone()).await?,
        };
        Ok(Self {
            address,
            address_for_bluez,
            _new: Some(new),
        })
    }
}

/// A new bus. Dropping it ends the bus and removes its socket.
#[derive(Debug)]
struct NewBus {
    /// Accepts clients and never answers.
    _silent: Option<UnixListener>,
    _socket: TempPath,
    _folder: TempDir,
    /// Dropping it ends the thread of the bus.
    _running: oneshot::Sender<()>,
}

/// Runs a bus on a new thread. Returns when it accepts clients.
async fn start_bus(address: String) -> io::Result<oneshot::Sender<()>> {
    let (running, stopped) = oneshot::channel();
    let (opened, is_open) = oneshot::channel();
    let run = async move {
        // The receivers are gone if the emulation has ended.
        match busd::bus::Bus::for_address(Some(&address)).await {
            Err(error) => drop(opened.send(Err(io::Error::other(error)))),
            Ok(mut bus) if opened.send(Ok(())).is_ok() => {
                // If the socket fails, clients cannot connect.
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
    fn address_has_escapes_of_d_bus() {
        assert_eq!(
            address_of(Path::new("/tmp/a b,ü/bus_1.x")),
            "unix:path=/tmp/a%20b%2c%c3%bc/bus_1.x"
        );
    }
}
