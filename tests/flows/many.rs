//! Many devices in one process at the same time.

use std::sync::Arc;
use std::time::Duration;

use espctl::emulator::device::DeviceSettings;
use espctl::flows::Access;
use espctl::flows::connect::start_session;
use espctl::secret::Secret;
use espctl::security::{DeviceSecret, NonceRule, SecurityScheme};
use futures_util::future::{Either, join_all, select};
use rustix::time::{ClockId, clock_gettime};
use tokio::time::{Instant, sleep};

use crate::support::memory_transport::MemoryDevice;
use crate::support::recorder::Recorder;
use crate::support::scripted_rng::SeededRng;

/// The arithmetic of Security 2 takes 10 ms of CPU and more, twice in each handshake. While some
/// conversations compute, the thread that they all share has to read the answers of the others.
#[tokio::test]
async fn security_2_handshakes_do_not_compute_on_the_io_thread() {
    let handshakes = secure_all(Duration::ZERO);
    let mut handshakes = Box::pin(handshakes);
    let mut longest = Duration::ZERO;
    // CPU time: unlike time on the wall, it does not grow with the load of the computer.
    let mut before = cpu_time();
    loop {
        let tick = Box::pin(sleep(Duration::from_millis(1)));
        match select(handshakes, tick).await {
            Either::Left(_) => break,
            Either::Right(((), rest)) => handshakes = rest,
        }
        let now = cpu_time();
        longest = longest.max(now.saturating_sub(before));
        before = now;
    }
    assert!(longest < Duration::from_millis(20), "{longest:?}");
}

/// The paused clock does not advance during computations. 64 handshakes wait for their devices at the same
/// time; were they bounded by cores like the arithmetic, this would take a minute.
#[tokio::test(start_paused = true)]
async fn handshakes_wait_for_slow_devices_concurrently() {
    let delay = Duration::from_millis(250);
    let began = Instant::now();
    secure_all(delay).await;
    let took = began.elapsed();
    assert!(took < 20 * delay, "{took:?}");
}

/// Secures a session with each of the devices, which take so long for every answer.
async fn secure_all(delay: Duration) {
    let password = || Secret::new("abcd1234".to_owned());
    let rng = &mut SeededRng::new("verifier");
    let secret = DeviceSecret::sec2("wifiprov", &password(), NonceRule::Counter, rng);
    let access = Arc::new(Access {
        password: Some(password()),
        ..Access::default()
    });
    // Clones of a run share its handshakes.
    let run = Recorder::default().run();
    let handshakes = (0..DEVICES).map(|_| {
        let device = MemoryDevice::new(DeviceSettings::new(secret.clone())).delayed(delay);
        let (run, access) = (run.clone(), Arc::clone(&access));
        tokio::spawn(async move { start_session(&run, device.opened(&run).await, &access).await })
    });
    for outcome in join_all(handshakes).await {
        assert_eq!(outcome.unwrap().unwrap().scheme, SecurityScheme::Sec2);
    }
}

/// Of this thread.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap()
}

const DEVICES: usize = 200;
