//! The bus of the emulated BlueZ: a D-Bus in this process, with a socket that only this user can open, or an
//! existing one.

use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::pin::pin;
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

/// The bus. Dropping it ends a new bus, and removes its socket.
#[derive(Debug)]
pub(super) struct Bus {
    /// Its address for clients.
    pub(super) address: String,
    /// Its address for BlueZ.
    pub(super) address_for_bluez: String,
    _new: Option<NewBus>,
}

/// A new bus.
#[derive(Debug)]
struct NewBus {
    /// Accepts clients and never answers.
    _silent: Option<UnixListener>,
    _socket: TempPath,
    _folder: TempDir,
    /// Dropping it ends the thread of the bus.
    _running: oneshot::Sender<()>,
}

impl Bus {
    /// Opens the bus. If it `hangs`, the socket of a new bus accepts clients and never answers.
    pub(super) async fn open(choice: &BusChoice, hangs: bool) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("espctl-bus-").tempdir()?;
        let socket = match choice {
            BusChoice::InNewFolder => folder.path().join("bus"),
            BusChoice::AtSocket(socket) => std::path::absolute(socket)?,
            BusChoice::Existing(address) => {
                return Ok(Self {
                    address: address.clone(),
                    address_for_bluez: address.clone(),
                    _new: None,
                });
            }
        };
        // Binding here reports problems with the path, which the errors of the bus do not contain.
        let silent = UnixListener::bind(&socket)?;
        let address = address_of(&socket);
        let hidden = address_of(&folder.path().join("hidden"));
        if !hangs {
            std::fs::remove_file(&socket)?;
        }
        let address_for_bluez = if hangs { hidden } else { address.clone() };
        let new = NewBus {
            _silent: hangs.then_some(silent),
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

/// Runs a bus on a new thread. Returns when it accepts clients.
async fn start_bus(address: String) -> io::Result<oneshot::Sender<()>> {
    let (running, stopped) = oneshot::channel();
    let (opened, is_open) = oneshot::channel();
    let run = async move {
        // The receivers are gone if the emulation has ended.
        match busd::bus::Bus::for_address(Some(&address)).await {
            Err(error) => drop(opened.send(Err(io::Error::other(error)))),
            Ok(mut bus) => {
                let _sent = opened.send(Ok(()));
                // If the socket fails, clients cannot connect.
                select(pin!(bus.run()), stopped).await;
            }
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
