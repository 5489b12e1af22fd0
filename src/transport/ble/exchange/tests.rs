//! Tests the exchange over an in-memory link, which follows a script and records its calls.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::time::sleep;
use uuid::{Uuid, uuid};

use super::super::adapter::Adapters;
use super::super::driver::MEDIUM;
use super::*;

const SERVICE: Uuid = uuid!("021a9004-0382-4aea-bff4-6b3f1c5adfb4");

/// The errors that the link reports next; calls without one succeed.
#[derive(Debug, Default)]
struct Script {
    connects: VecDeque<GattError>,
    writes: VecDeque<GattError>,
    reads: VecDeque<GattError>,
    pairs: VecDeque<GattError>,
    forgets: VecDeque<GattError>,
    /// The attribute tables that come before the right one.
    old_tables: VecDeque<Vec<Attribute>>,
    is_dead: bool,
    hangs: bool,
    /// The time that the link takes to close.
    closing_time: Duration,
}

#[derive(Clone, Debug, Default)]
struct Memory {
    script: Arc<Mutex<Script>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Memory {
    fn with(script: Script) -> Self {
        Self {
            script: Arc::new(Mutex::new(script)),
            asked: Arc::default(),
        }
    }

    fn ask(&self, what: &str) {
        self.asked.lock().unwrap().push(what.to_owned());
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn next(
        &self,
        of: impl FnOnce(&mut Script) -> &mut VecDeque<GattError>,
    ) -> Result<(), GattError> {
        let mut script = self.script.lock().unwrap();
        of(&mut script).pop_front().map_or(Ok(()), Err)
    }
}

fn attribute(number: u128) -> Attribute {
    let mask = 0xffff << 96;
    Attribute {
        service: SERVICE,
        uuid: Uuid::from_u128((SERVICE.as_u128() & !mask) | (number << 96)),
        is_described: number == 0xff53,
    }
}

#[async_trait]
impl Gatt for Memory {
    async fn connect(&mut self, _services: Duration) -> Result<(), GattError> {
        self.ask("connect");
        self.next(|script| &mut script.connects)
    }

    async fn settle(&self) {
        self.ask("settle");
    }

    async fn attributes(&mut self) -> Result<Vec<Attribute>, GattError> {
        self.ask("attributes");
        let old = self.script.lock().unwrap().old_tables.pop_front();
        Ok(old.unwrap_or_else(|| vec![attribute(0xff51), attribute(0xff53)]))
    }

    async fn descriptions(&self, of: &[Attribute]) -> Vec<Result<Vec<u8>, GattError>> {
        let is_dead = self.script.lock().unwrap().is_dead;
        of.iter()
            .map(|_| {
                if is_dead {
                    Err(GattError::LinkLost)
                } else {
                    Ok(b"proto-ver".to_vec())
                }
            })
            .collect()
    }

    async fn write(&self, _to: Attribute, value: &[u8]) -> Result<(), GattError> {
        self.ask(&format!("write {}", String::from_utf8_lossy(value)));
        let hangs = self.script.lock().unwrap().hangs;
        if hangs {
            std::future::pending::<()>().await;
        }
        self.next(|script| &mut script.writes)
    }

    async fn read(&self, _from: Attribute) -> Result<Vec<u8>, GattError> {
        self.ask("read");
        self.next(|script| &mut script.reads)
            .map(|()| b"answer".to_vec())
    }

    async fn is_connected(&self) -> bool {
        !self.script.lock().unwrap().is_dead
    }

    async fn pair(&self) -> Result<(), GattError> {
        self.ask("pair");
        self.next(|script| &mut script.pairs)
    }

    async fn forget(&mut self) -> Result<(), GattError> {
        self.ask("forget");
        self.next(|script| &mut script.forgets)
    }

    async fn disconnect(&self) -> Result<(), GattError> {
        self.ask("disconnect");
        let closing_time = self.script.lock().unwrap().closing_time;
        if !closing_time.is_zero() {
            sleep(closing_time).await;
            self.ask("disconnected");
        }
        Ok(())
    }
}

fn address() -> Address {
    Address::new("C0").with_id("hci0/dev_C0")
}

async fn open(script: Script) -> (Memory, Result<BleTransport, TransportError>) {
    let memory = Memory::with(script);
    let limits = Limits {
        other: Duration::from_millis(50),
        ..MEDIUM.limits.clone()
    };
    let opening = BleLink::connect(Box::new(memory.clone()), address(), limits, Arc::default());
    let opened = async { opening.await?.learn().await };
    let opened = opened.await;
    (memory, opened)
}

/// Opens a link and sends one request to the version endpoint.
async fn ask(script: Script) -> (Memory, BleTransport, Result<Vec<u8>, TransportError>) {
    let (memory, opened) = open(script).await;
    let mut transport = opened.unwrap();
    memory.asked.lock().unwrap().clear();
    let endpoint = EndpointName::from_static("proto-ver");
    let answer = transport.exchange(&endpoint, b"ESP").await;
    (memory, transport, answer)
}

#[tokio::test]
async fn a_request_is_written_and_its_answer_read_once() {
    let (memory, mut transport, answer) = ask(Script::default()).await;
    assert_eq!(answer.unwrap(), b"answer");
    assert_eq!(memory.asked(), ["write ESP", "read"]);
    let endpoint = EndpointName::from_static("ch_resp");
    let error = transport.exchange(&endpoint, b"x").await.unwrap_err();
    assert!(matches!(error, TransportError::NoSuchEndpoint { .. }));
    assert_eq!(transport.capacity().answer, Some(257));
}

#[tokio::test]
async fn after_a_write_that_failed_nothing_is_read() {
    for (error, meant) in [
        (GattError::Att(0x04), "Refused"),
        (GattError::Att(0x80), "Refused"),
        (GattError::Att(0x85), "Refused"),
        (GattError::Att(0x0d), "TooLong"),
        (GattError::Att(0x0e), "Refused"),
        (GattError::LinkLost, "Disconnected"),
        (GattError::Busy, "Disconnected"),
    ] {
        let (memory, _transport, answer) = ask(Script {
            writes: [error].into(),
            ..Script::default()
        })
        .await;
        let said = format!("{:?}", answer.unwrap_err());
        assert!(said.starts_with(meant), "{said}");
        assert!(!memory.asked().contains(&"read".to_owned()), "{meant}");
    }
}

#[tokio::test]
async fn an_error_of_a_link_that_is_gone_is_no_answer() {
    let (memory, opened) = open(Script::default()).await;
    let mut transport = opened.unwrap();
    {
        let mut script = memory.script.lock().unwrap();
        script.writes.push_back(GattError::Att(0x0e));
        script.is_dead = true;
    }
    let endpoint = EndpointName::from_static("proto-ver");
    let error = transport.exchange(&endpoint, b"x").await.unwrap_err();
    assert!(!error.may_be_refusal(), "{error}");
    assert!(matches!(error, TransportError::Disconnected { .. }));
    // The link is no longer used.
    assert_eq!(memory.asked().last().unwrap(), "disconnect");
    let error = transport.exchange(&endpoint, b"x").await.unwrap_err();
    assert!(matches!(error, TransportError::Disconnected { .. }));
}

#[tokio::test]
async fn a_request_that_hangs_ends_the_link() {
    let (memory, _transport, answer) = ask(Script {
        hangs: true,
        ..Script::default()
    })
    .await;
    let error = answer.unwrap_err();
    assert!(matches!(error, TransportError::TimedOut { .. }), "{error}");
    assert_eq!(memory.asked(), ["write ESP", "disconnect"]);
}

#[tokio::test]
async fn a_device_that_wants_encryption_is_paired_with_once() {
    for error in [
        || GattError::NotPaired,
        || GattError::Att(0x05),
        || GattError::Att(0x0f),
    ] {
        let (memory, _transport, answer) = ask(Script {
            writes: [error()].into(),
            ..Script::default()
        })
        .await;
        assert_eq!(answer.unwrap(), b"answer");
        assert_eq!(memory.asked(), ["write ESP", "pair", "write ESP", "read"]);
        let (memory, _transport, answer) = ask(Script {
            writes: [error(), error()].into(),
            ..Script::default()
        })
        .await;
        let error = answer.unwrap_err();
        assert!(matches!(error, TransportError::NotPaired { .. }), "{error}");
        assert_eq!(memory.asked(), ["write ESP", "pair", "write ESP"]);
    }
    let (memory, _transport, answer) = ask(Script {
        writes: [GattError::NotPaired].into(),
        pairs: [GattError::Other("Authentication Failed".to_owned())].into(),
        ..Script::default()
    })
    .await;
    let error = answer.unwrap_err();
    assert!(matches!(error, TransportError::NotPaired { .. }), "{error}");
    assert_eq!(memory.asked(), ["write ESP", "pair"]);
}

#[tokio::test]
async fn a_table_from_before_is_forgotten_once() {
    let (memory, opened) = open(Script {
        old_tables: [vec![attribute(0xff53)]].into(),
        ..Script::default()
    })
    .await;
    opened.unwrap();
    let steps = ["connect", "attributes", "forget", "connect", "attributes"];
    assert_eq!(memory.asked()[..5], steps);

    let (memory, opened) = open(Script {
        old_tables: [vec![], vec![]].into(),
        ..Script::default()
    })
    .await;
    let error = opened.unwrap_err();
    assert!(
        matches!(error, TransportError::NotADevice { .. }),
        "{error}"
    );
    assert_eq!(memory.asked()[..5], steps);

    // Systems that cannot discard their cache.
    let (_memory, opened) = open(Script {
        old_tables: [vec![]].into(),
        forgets: [GattError::Unsupported("forget a device")].into(),
        ..Script::default()
    })
    .await;
    let error = opened.unwrap_err();
    assert!(
        matches!(error, TransportError::NotADevice { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn handles_that_lead_nowhere_are_renewed_before_anything_was_said() {
    let (memory, mut transport, answer) = ask(Script {
        writes: [GattError::Att(0x01)].into(),
        ..Script::default()
    })
    .await;
    assert_eq!(answer.unwrap(), b"answer");
    let renewed = ["write ESP", "forget", "connect", "attributes", "write ESP"];
    assert_eq!(memory.asked()[..5], renewed);
    // Once a session may exist, a new connection would lose it.
    memory
        .script
        .lock()
        .unwrap()
        .writes
        .push_back(GattError::Att(0x01));
    let endpoint = EndpointName::from_static("proto-ver");
    let error = transport.exchange(&endpoint, b"x").await.unwrap_err();
    assert!(matches!(error, TransportError::Refused { .. }), "{error}");
}

#[tokio::test]
async fn connecting_is_tried_again_and_then_anew() {
    let passing = || GattError::Other("le-connection-abort-by-local".to_owned());
    let (memory, opened) = open(Script {
        connects: [passing(), passing()].into(),
        ..Script::default()
    })
    .await;
    opened.unwrap();
    let steps = ["connect", "connect", "forget", "connect", "attributes"];
    assert_eq!(memory.asked()[..5], steps);
    let (memory, opened) = open(Script {
        connects: [passing(), passing(), passing()].into(),
        ..Script::default()
    })
    .await;
    let error = opened.unwrap_err();
    assert!(
        matches!(error, TransportError::Unreachable { .. }),
        "{error}"
    );
    assert_eq!(memory.asked()[..4], steps[..4]);
    let (_memory, opened) = open(Script {
        connects: [GattError::Radio(crate::host::BluetoothProblem::Off)].into(),
        ..Script::default()
    })
    .await;
    let error = opened.unwrap_err();
    assert!(matches!(error, TransportError::Bluetooth(_)), "{error}");
}

#[tokio::test]
async fn gatt_table_is_not_renewed_in_the_middle_of_a_session() {
    let (memory, mut transport, answer) = ask(Script::default()).await;
    assert_eq!(answer.unwrap(), b"answer");
    memory
        .script
        .lock()
        .unwrap()
        .writes
        .push_back(GattError::Att(0x01));
    memory.asked.lock().unwrap().clear();
    let endpoint = EndpointName::from_static("proto-ver");
    let error = transport.exchange(&endpoint, b"x").await.unwrap_err();
    assert!(matches!(error, TransportError::Refused { .. }), "{error}");
    assert_eq!(memory.asked(), ["write x"]);
}

/// `NimBLE` returns 0x0e for an endpoint without a handler, and BlueZ for a lost link.
#[tokio::test]
async fn att_0x0e_is_no_such_endpoint_only_for_an_application_on_a_live_link() {
    for (name, is_dead, meant) in [
        ("claim", false, "NoSuchEndpoint"),
        ("claim", true, "Disconnected"),
        ("prov-session", false, "Refused"),
        ("prov-session", true, "Disconnected"),
    ] {
        let (memory, opened) = open(Script::default()).await;
        let mut transport = opened.unwrap();
        let endpoint = EndpointName::from_static(name);
        let (claim, session) = (attribute(0xff54), attribute(0xff51));
        let table = [
            (claim, Some("claim".to_owned())),
            (session, Some("prov-session".to_owned())),
        ];
        transport.endpoints = Endpoints::of(&table).unwrap();
        {
            let mut script = memory.script.lock().unwrap();
            script.writes.push_back(GattError::Att(0x0e));
            script.is_dead = is_dead;
        }
        let error = transport.exchange(&endpoint, b"x").await.unwrap_err();
        let words = format!("{error:?}");
        assert!(words.starts_with(meant), "{name}, {is_dead}: {words}");
    }
}

/// The cache was discarded before, so the table is right and the device has no endpoints.
#[tokio::test]
async fn stale_handles_after_renewal_are_not_a_device() {
    let (memory, _transport, answer) = ask(Script {
        writes: [GattError::Att(0x01), GattError::Att(0x01)].into(),
        ..Script::default()
    })
    .await;
    let error = answer.unwrap_err();
    assert!(
        matches!(error, TransportError::NotADevice { .. }),
        "{error}"
    );
    let forgotten = memory.asked().iter().filter(|one| *one == "forget").count();
    assert_eq!(forgotten, 1);
}

/// Opens a link over this adapter that takes `closing_time` to close.
async fn connect_over(
    adapters: &Adapters,
    adapter: &str,
    closing_time: Duration,
) -> (Memory, BleLink) {
    let memory = Memory::with(Script {
        closing_time,
        ..Script::default()
    });
    let closing = adapters.closing_tasks(adapter);
    let gatt = Box::new(memory.clone());
    let link = BleLink::connect(gatt, address(), MEDIUM.limits.clone(), closing).await;
    (memory, link.unwrap())
}

fn is_disconnected(memory: &Memory) -> bool {
    memory.asked().contains(&"disconnected".to_owned())
}

#[tokio::test(start_paused = true)]
async fn closing_link_delays_only_its_own_adapter() {
    let adapters = Adapters::default();
    let (first, first_link) = connect_over(&adapters, "hci0", CLOSE_TIMEOUT / 3).await;
    let (second, second_link) = connect_over(&adapters, "hci1", CLOSE_TIMEOUT / 2).await;
    drop(first_link);
    drop(second_link);
    let start = Instant::now();
    adapters.closing_tasks("hci2").wait().await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    adapters.closing_tasks("hci0").wait().await;
    assert_eq!(start.elapsed(), CLOSE_TIMEOUT / 3);
    assert!(is_disconnected(&first) && !is_disconnected(&second));
    adapters.finish_closing().await;
    assert_eq!(start.elapsed(), CLOSE_TIMEOUT / 2);
    assert!(is_disconnected(&second));
}

#[tokio::test(start_paused = true)]
async fn finish_closing_waits_for_slow_links_a_limited_time() {
    let adapters = Adapters::default();
    let slow = CLOSE_TIMEOUT * 3 / 2;
    let (memory, link) = connect_over(&adapters, "hci0", slow).await;
    let (_hanging, hanging_link) = connect_over(&adapters, "hci1", Duration::MAX).await;
    drop(link);
    drop(hanging_link);
    let start = Instant::now();
    adapters.finish_closing().await;
    assert_eq!(start.elapsed(), CLOSE_TIMEOUT);
    // Tasks stay listed when a wait is canceled or runs twice.
    let hci0 = adapters.closing_tasks("hci0");
    tokio::join!(hci0.wait(), hci0.wait());
    assert_eq!(start.elapsed(), slow);
    assert!(is_disconnected(&memory));
}

#[tokio::test(start_paused = true)]
async fn interrupted_close_is_completed_after_drop() {
    let adapters = Adapters::default();
    let (memory, BleLink(mut transport)) = connect_over(&adapters, "hci0", CLOSE_TIMEOUT / 3).await;
    let interrupted = tokio::time::timeout(CLOSE_TIMEOUT / 6, transport.close()).await;
    assert!(interrupted.is_err());
    drop(transport);
    adapters.finish_closing().await;
    assert!(is_disconnected(&memory));
}
