//! A way to a server that can be switched off and on, as the internet of a computer that joins a
//! device's hotspot and leaves it: while it is off, connections are refused.
#![expect(
    clippy::disallowed_types,
    reason = "both of its ends are sockets, and none is the program's"
)]

use std::convert::Infallible;
use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, JoinSet};

/// A port that leads to a server, while it is on.
pub(crate) struct SwitchableProxy {
    runtime: Runtime,
    address: SocketAddr,
    server: String,
    serving: Option<JoinHandle<Infallible>>,
}

impl SwitchableProxy {
    /// To the server at this URL; it is on.
    pub(crate) fn to(url: &str) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a port");
        let server = url.strip_prefix("http://").expect("plain HTTP").to_owned();
        let mut proxy = Self {
            address: listener.local_addr().expect("a port"),
            runtime,
            server,
            serving: None,
        };
        proxy.serve(listener);
        proxy
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on connections are refused; those that there are break.
    pub(crate) fn off(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            // The port is closed when the task is gone, and not before.
            let ended = self.runtime.block_on(serving);
            assert!(ended.is_err_and(|error| error.is_cancelled()));
        }
    }

    /// It leads to the server again.
    pub(crate) fn on(&mut self) {
        if self.serving.is_none() {
            let listener = self.runtime.block_on(TcpListener::bind(self.address));
            self.serve(listener.expect("the same port"));
        }
    }

    fn serve(&mut self, listener: TcpListener) {
        let server = self.server.clone();
        self.serving = Some(self.runtime.spawn(serve(listener, server)));
    }
}

async fn serve(listener: TcpListener, server: String) -> Infallible {
    // Dropped with this task.
    let mut connections = JoinSet::new();
    loop {
        let (mut client, _) = listener.accept().await.expect("a connection");
        let server = server.clone();
        connections.spawn(async move {
            let mut stream = TcpStream::connect(server).await.expect("the server");
            // Either side may leave as it likes.
            let _ended = copy_bidirectional(&mut client, &mut stream).await;
        });
    }
}
