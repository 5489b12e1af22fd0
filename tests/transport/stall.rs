//! How fast small segments are exchanged. Firmware, like the emulated device, writes an answer in
//! pieces with Nagle's algorithm on. Each piece waits for the acknowledgement of the previous one,
//! which an ordinary client on Linux delays by 40 ms.

#![expect(
    clippy::disallowed_types,
    reason = "the ordinary client is a plain socket"
)]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use espctl::emulator::device::{Device, DeviceSettings};
use espctl::emulator::listen::http::bind;
use espctl::proto::Service;
use espctl::security::DeviceSecret;
use tokio::task::JoinHandle;

use super::open;
use crate::support::scripted_rng::SeededRng;

/// Starts an emulated device on a free port.
fn device() -> (SocketAddr, JoinHandle<()>) {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.address();
    let settings = DeviceSettings::new(DeviceSecret::Sec0);
    let device = Device::new(settings, SeededRng::new("small pieces"));
    let served = tokio::spawn(async move {
        listener.serve(device).await;
    });
    (address, served)
}

/// Compares with an ordinary client under the same load: its exchanges wait, and espctl's must be
/// faster by more than half of that.
#[tokio::test]
async fn exchanges_do_not_wait_for_acknowledgements() {
    let mut measured = Vec::new();
    // Other load may delay either of them.
    for _ in 0..10 {
        let (ordinary, ours) = (ordinary_exchanges().await, our_exchanges().await);
        assert!(ordinary > STALLED / 2, "{ordinary:?}");
        if ours + STALLED / 2 < ordinary {
            return;
        }
        measured.push((ours, ordinary));
    }
    panic!("espctl's and an ordinary client's: {measured:?}");
}

async fn our_exchanges() -> Duration {
    let (address, served) = device();
    let mut transport = open(address).await;
    let began = Instant::now();
    for _ in 0..EXCHANGES {
        let endpoint = Service::Provisioning.version_endpoint();
        transport.exchange(&endpoint, b"---").await.unwrap();
    }
    let took = began.elapsed();
    served.abort();
    took
}

async fn ordinary_exchanges() -> Duration {
    let (address, served) = device();
    let client = thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let began = Instant::now();
        for _ in 0..EXCHANGES {
            let request = "POST /proto-ver HTTP/1.1\r\nHost: d\r\nContent-Length: 3\r\n\r\n---";
            stream.write_all(request.as_bytes()).unwrap();
            read_answer(&mut stream);
        }
        began.elapsed()
    });
    // The runtime serves the device meanwhile.
    let took = tokio::task::spawn_blocking(|| client.join().unwrap())
        .await
        .unwrap();
    served.abort();
    took
}

fn read_answer(stream: &mut TcpStream) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    // The version document is JSON, and ends with its last brace.
    while !bytes.ends_with(b"}\n}") {
        let read = stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "the device closed the connection");
        bytes.extend_from_slice(&buffer[..read]);
    }
}

const EXCHANGES: u32 = 20;
/// The duration if each exchange waits once.
const STALLED: Duration = Duration::from_millis(20 * 40);
