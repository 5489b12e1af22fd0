//! A proxy to a server that can be switched off and on, like the internet connection of a computer
//! that joins and leaves a device's hotspot. While it is off, connections are refused.
#![expect(
    clippy::disallowed_types,
    reason = "both of its ends are sockets, and none is the program's"
)]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// A port that forwards to a server while it is on. Dropping it stops it.
pub(crate) struct SwitchableProxy {
    address: SocketAddr,
    /// Switches the proxy, and confirms the switch.
    switch: UnboundedSender<(bool, mpsc::Sender<()>)>,
}

impl SwitchableProxy {
    /// Starts a proxy to the server at this URL, switched on.
    pub(crate) fn to(url: &str) -> Self {
        let server = url.strip_prefix("http://").expect("plain HTTP").to_owned();
        let (address_sender, address) = mpsc::channel();
        let (switch, switched) = unbounded_channel();
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = own_port().await;
                let address = listener.local_addr().expect("a port");
                address_sender.send(address).expect("a test that waits");
                run(listener, address, &server, switched).await;
            });
        });
        Self {
            address: address.recv().expect("a port"),
            switch,
        }
    }

    /// The URL of the proxy.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Refuses connections from now on, and breaks the open ones.
    pub(crate) fn off(&self) {
        self.set(false);
    }

    /// Forwards connections again.
    pub(crate) fn on(&self) {
        self.set(true);
    }

    fn set(&self, on: bool) {
        let (done, is_done) = mpsc::channel();
        self.switch.send((on, done)).expect("a proxy");
        is_done.recv().expect("a proxy");
    }
}

/// Opens a port below the range from which the system assigns ports, so that it stays free while
/// the proxy is off.
async fn own_port() -> TcpListener {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (std::process::id() * 37 + number) % 9_000;
        if let Ok(listener) = TcpListener::bind(format!("127.0.0.1:{port}")).await {
            return listener;
        }
    }
}

async fn run(
    listener: TcpListener,
    address: SocketAddr,
    server: &str,
    mut switched: UnboundedReceiver<(bool, mpsc::Sender<()>)>,
) {
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            command = switched.recv() => {
                let Some((on, done)) = command else { return };
                if !on {
                    listener = None;
                    connections.shutdown().await;
                } else if listener.is_none() {
                    listener = Some(TcpListener::bind(address).await.expect("the same port"));
                }
                done.send(()).expect("a test that waits");
            }
            client = accepted => {
                let (mut client, _) = client.expect("a connection");
                let server = server.to_owned();
                connections.spawn(async move {
                    let mut stream = TcpStream::connect(server).await.expect("the server");
                    // Either side may close its connection.
                    let _ended = copy_bidirectional(&mut client, &mut stream).await;
                });
            }
        }
    }
}
