//! Many devices in one process at the same time.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use espctl::emulator::device::DeviceSettings;
use espctl::flows::connect::start_session;
use espctl::flows::{Access, Choice, Chosen, Event, Observer, Question, RowName, Run, Timing};
use espctl::proto::Service;
use espctl::secret::Secret;
use espctl::security::{DeviceSecret, NonceRule, SecurityScheme};
use espctl::session::{Handshakes, Secured};
use espctl::transport::{
    Address, AddressError, Candidate, Driver, DriverOptions, HostChanges, Limits, Link, Medium,
    OptionError, Route, Search, TransportError, built_in_drivers,
};
use futures_util::StreamExt as _;
use futures_util::future::{Either, join_all, select};
use futures_util::poll;
use futures_util::stream::{self, BoxStream};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use crate::support::memory_transport::MemoryDevice;
use crate::support::recorder::Recorder;
use crate::support::scripted_rng::SeededRng;

/// The arithmetic of Security 2 takes 10 ms of CPU and more, twice in each handshake. While some
/// conversations compute, the thread that they all share has to read the answers of the others.
#[tokio::test]
async fn security_2_handshakes_do_not_compute_on_the_io_thread() {
    let mut handshakes = Box::pin(secure_all(Duration::ZERO));
    // The first poll computes the verifier and makes the devices.
    assert!(poll!(handshakes.as_mut()).is_pending());
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
    assert!(longest < Duration::from_millis(10), "{longest:?}");
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

/// A search for a lost device can take long. If it used a permit, most of the devices would wait for the
/// searches of others.
#[tokio::test(start_paused = true)]
async fn lost_devices_are_searched_for_concurrently() {
    let run = Recorder::default().run();
    let secured = secure_all_in(&run, Duration::ZERO).await;
    let began = Instant::now();
    let reconnecting = secured.into_iter().map(|(device, mut secured)| {
        let handshakes = run.handshakes.clone();
        secured.route = Some(device.into_route());
        tokio::spawn(async move {
            let limits = Limits::default();
            secured.reconnect(&handshakes, 2 * SEARCH, &limits).await
        })
    });
    for outcome in join_all(reconnecting).await {
        outcome.unwrap().unwrap();
    }
    let took = began.elapsed();
    assert!(took < 2 * SEARCH, "{took:?}");
}

/// A person who has typed nothing yet must not stop other devices.
#[tokio::test(start_paused = true)]
async fn question_does_not_hold_the_permit() {
    let handshakes = Handshakes::new(1, 1);
    let (answer, answers) = oneshot::channel();
    let asking = Run {
        handshakes: handshakes.clone(),
        ..Run::new(
            Arc::new(SlowPerson(Mutex::new(Some(answers)))),
            Timing::default(),
        )
    };
    let other = Run {
        handshakes,
        ..Recorder::default().run()
    };
    let pop = || Secret::new("abcd1234".to_owned());
    let device = || MemoryDevice::new(DeviceSettings::new(DeviceSecret::Sec1 { pop: Some(pop()) }));
    let (access, with_pop) = (
        Access::default(),
        Access {
            pop: Some(pop()),
            ..Access::default()
        },
    );
    let asked = device();
    let mut asked = pin!(async {
        let opened = asked.opened(&asking).await;
        start_session(&asking, opened, &access).await
    });
    assert!(timeout(SEARCH, asked.as_mut()).await.is_err());
    let opened = timeout(SEARCH, device().opened(&other)).await.unwrap();
    start_session(&other, opened, &with_pop).await.unwrap();
    answer.send(pop()).unwrap();
    asked.await.unwrap();
}

/// Answers when the test does.
#[derive(Debug)]
struct SlowPerson(Mutex<Option<oneshot::Receiver<Secret<String>>>>);

#[async_trait]
impl Observer for SlowPerson {
    fn event(&self, _row: Option<&RowName>, _event: &Event) {}

    async fn choose(&self, _row: Option<&RowName>, _choice: Choice) -> Chosen {
        Chosen::Nothing
    }

    async fn ask(&self, _row: Option<&RowName>, _question: &Question) -> Option<Secret<String>> {
        let answer = self.0.lock().unwrap().take();
        answer?.await.ok()
    }
}

/// Secures a session with each of the devices, which take so long for every answer.
async fn secure_all(delay: Duration) {
    for (_, secured) in secure_all_in(&Recorder::default().run(), delay).await {
        assert_eq!(secured.scheme, SecurityScheme::Sec2);
    }
}

async fn secure_all_in(run: &Run, delay: Duration) -> Vec<(LostDevice, Secured)> {
    let password = || Secret::new("abcd1234".to_owned());
    let rng = &mut SeededRng::new("verifier");
    let secret = DeviceSecret::sec2("wifiprov", &password(), NonceRule::Counter, rng);
    let access = Arc::new(Access {
        password: Some(password()),
        ..Access::default()
    });
    let handshakes = (0..DEVICES).map(|_| {
        let device = MemoryDevice::new(DeviceSettings::new(secret.clone())).delayed(delay);
        // Clones of a run share its handshakes.
        let (run, access) = (run.clone(), Arc::clone(&access));
        tokio::spawn(async move {
            let opened = device.opened(&run).await;
            let secured = start_session(&run, opened, &access).await.unwrap();
            (LostDevice(device), secured)
        })
    });
    let secured = join_all(handshakes).await;
    secured.into_iter().map(Result::unwrap).collect()
}

/// The driver of a device that a scan finds after a long time.
struct LostDevice(MemoryDevice);

impl LostDevice {
    fn into_route(self) -> Route {
        Route {
            driver: Arc::new(self),
            search: Search {
                address: None,
                options: DriverOptions::default(),
                changes: HostChanges::default(),
                wait: SEARCH,
            },
            transcript: None,
        }
    }
}

impl fmt::Debug for LostDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LostDevice")
    }
}

#[async_trait]
impl Driver for LostDevice {
    fn medium(&self) -> &'static Medium {
        built_in_drivers()[0].medium()
    }

    fn parse_options(&self, given: &[(&str, String)]) -> Result<DriverOptions, OptionError> {
        Ok(DriverOptions::new(given, None, ()))
    }

    fn parse_address(&self, text: &str) -> Result<Address, AddressError> {
        Ok(Address::new(text))
    }

    fn scan(&self, _search: &Search) -> BoxStream<'static, Result<Candidate, TransportError>> {
        let medium = self.medium();
        let find = async move {
            sleep(SEARCH).await;
            Ok(Candidate::new(
                medium,
                Address::new("lost"),
                Service::Provisioning,
            ))
        };
        stream::once(find).boxed()
    }

    async fn open(
        &self,
        _candidate: &Candidate,
        _options: &DriverOptions,
        _limits: &Limits,
    ) -> Result<Box<dyn Link>, TransportError> {
        Ok(Box::new(self.0.transport()))
    }
}

/// Of this thread.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap()
}

const DEVICES: usize = 200;
const SEARCH: Duration = Duration::from_secs(10);
