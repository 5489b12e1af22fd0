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
struct ScriptedGatt {
    script: Arc<Mutex<Script>>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl ScriptedGatt {
    fn with(script: Script) -> Self {
        Self {
            script: Arc::new(Mutex::new(script)),
            calls: Arc::default(),
        }
    }

    fn fail_next_write(&self, error: GattError) {
        self.script.lock().unwrap().writes.push_back(error);
    }

    fn record_call(&self, call: &str) {
        self.calls.lock().unwrap().push(call.to_owned());
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    fn next(
        &self,
        of: impl FnOnce(&mut Script) -> &mut VecDeque<GattError>,
    ) -> Result<(), GattError> {
        let mut script = self.script.lock().unwrap();
        of(&mut script).pop_front().map_or(Ok(()), Err)
    }
}

fn failing_connects<const N: usize>(errors: [GattError; N]) -> Script {
    Script {
        connects: errors.into(),
        ..Script::default()
    }
}

fn failing_writes<const N: usize>(errors: [GattError; N]) -> Script {
    Script {
        writes: errors.into(),
        ..Script::default()
    }
}

#[track_caller]
fn assert_kind(error: &TransportError, variant: &str) {
    assert!(format!("{error:?}").starts_with(variant), "{error:?}");
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
impl Gatt for ScriptedGatt {
    async fn connect(&mut self, _services: Duration) -> Result<(), GattError> {
        self.record_call("connect");
        self.next(|script| &mut script.connects)
    }

    async fn wait_while_busy(&self) {
        self.record_call("wait_while_busy");
    }

    async fn discover_attributes(&mut self) -> Result<Vec<Attribute>, GattError> {
        self.record_call("attributes");
        let old = self.script.lock().unwrap().old_tables.pop_front();
        Ok(old.unwrap_or_else(|| vec![attribute(0xff51), attribute(0xff53)]))
    }

    async fn read_descriptions(&self, of: &[Attribute]) -> Vec<Result<Vec<u8>, GattError>> {
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
        self.record_call(&format!("write {}", String::from_utf8_lossy(value)));
        let hangs = self.script.lock().unwrap().hangs;
        if hangs {
            std::future::pending::<()>().await;
        }
        self.next(|script| &mut script.writes)
    }

    async fn read(&self, _from: Attribute) -> Result<Vec<u8>, GattError> {
        self.record_call("read");
        self.next(|script| &mut script.reads)
            .map(|()| b"answer".to_vec())
    }

    async fn is_connected(&self) -> bool {
        !self.script.lock().unwrap().is_dead
    }

    async fn pair(&self) -> Result<(), GattError> {
        self.record_call("pair");
        self.next(|script| &mut script.pairs)
    }

    async fn forget(&mut self) -> Result<(), GattError> {
        self.record_call("forget");
        self.next(|script| &mut script.forgets)
    }

    async fn disconnect(&self) -> Result<(), GattError> {
        self.record_call("disconnect");
        let closing_time = self.script.lock().unwrap().closing_time;
        if !closing_time.is_zero() {
            sleep(closing_time).await;
            self.record_call("disconnected");
        }
        Ok(())
    }
}

fn address() -> Address {
    Address::new("C0").with_id("hci0/dev_C0")
}

async fn open(script: Script) -> (ScriptedGatt, Result<BleTransport, TransportError>) {
    let memory = ScriptedGatt::with(script);
    let limits = Limits {
        other: Duration::from_millis(50),
        ..MEDIUM.limits.clone()
    };
    let opening = BleLink::connect(Box::new(memory.clone()), address(), limits, Arc::default());
    let opened = async { opening.await?.discover_endpoints().await };
    let opened = opened.await;
    (memory, opened)
}

/// Opens a link and sends one request to the version endpoint.
async fn exchange_once(
    script: Script,
) -> (ScriptedGatt, BleTransport, Result<Vec<u8>, TransportError>) {
    let (memory, opened) = open(script).await;
    let mut transport = opened.unwrap();
    memory.calls.lock().unwrap().clear();
    let endpoint = EndpointName::from_static("proto-ver");
    let answer = transport.exchange(&endpoint, b"ESP").await;
    (memory, transport, answer)
}

#[tokio::test]
async fn writes_request_and_reads_answer_once() {
    let (memory, mut transport, answer) = exchange_once(Script::default()).await;
    assert_eq!(answer.unwrap(), b"answer");
    assert_eq!(memory.calls(), ["write ESP", "read"]);
    let endpoint = EndpointName::from_static("ch_resp");
    let error = transport.exchange(&endpoint, b"x").await.unwrap_err();
    assert_kind(&error, "NoSuchEndpoint");
    assert_eq!(transport.capacity().answer, Some(257));
}

#[tokio::test]
async fn does_not_read_after_failed_write() {
    for (error, expected) in [
        (GattError::Att(0x04), "Refused"),
        (GattError::Att(0x80), "Refused"),
        (GattError::Att(0x85), "Refused"),
        (GattError::Att(0x0d), "TooLong"),
        (GattError::Att(0x0e), "Refused"),
        (GattError::LinkLost, "Disconnected"),
        (GattError::Busy, "Disconnected"),
    ] {
        let (memory, _transport, answer) = exchange_once(failing_writes([error])).await;
        let error = format!("{:?}", answer.unwrap_err());
        assert!(error.starts_with(expected), "{error}");
        assert!(!memory.calls().contains(&"read".to_owned()), "{expected}");
    }
}

#[tokio::test]
async fn error_on_dead_link_is_not_refusal() {
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
    assert_kind(&error, "Disconnected");
    // The link is no longer used.
    assert_eq!(memory.calls().last().unwrap(), "disconnect");
    let error = transport.exchange(&endpoint, b"x").await.unwrap_err();
    assert_kind(&error, "Disconnected");
}

#[tokio::test]
async fn timed_out_request_closes_link() {
    let (memory, _transport, answer) = exchange_once(Script {
        hangs: true,
        ..Script::default()
    })
    .await;
    let error = answer.unwrap_err();
    assert_kind(&error, "TimedOut");
    assert_eq!(memory.calls(), ["write ESP", "disconnect"]);
}

#[tokio::test]
async fn pairs_once_when_device_requires_encryption() {
    for error in [
        || GattError::NotPaired,
        || GattError::Att(0x05),
        || GattError::Att(0x0f),
    ] {
        let (memory, _transport, answer) = exchange_once(failing_writes([error()])).await;
        assert_eq!(answer.unwrap(), b"answer");
        assert_eq!(memory.calls(), ["write ESP", "pair", "write ESP", "read"]);
        let (memory, _transport, answer) = exchange_once(failing_writes([error(), error()])).await;
        let error = answer.unwrap_err();
        assert_kind(&error, "NotPaired");
        assert_eq!(memory.calls(), ["write ESP", "pair", "write ESP"]);
    }
    let (memory, _transport, answer) = exchange_once(Script {
        writes: [GattError::NotPaired].into(),
        pairs: [GattError::Other("Authentication Failed".to_owned())].into(),
        ..Script::default()
    })
    .await;
    let error = answer.unwrap_err();
    assert_kind(&error, "NotPaired");
    assert_eq!(memory.calls(), ["write ESP", "pair"]);
}

#[tokio::test]
async fn discards_stale_table_once() {
    let (memory, opened) = open(Script {
        old_tables: [vec![attribute(0xff53)]].into(),
        ..Script::default()
    })
    .await;
    opened.unwrap();
    let steps = ["connect", "attributes", "forget", "connect", "attributes"];
    assert_eq!(memory.calls()[..5], steps);

    let (memory, opened) = open(Script {
        old_tables: [vec![], vec![]].into(),
        ..Script::default()
    })
    .await;
    let error = opened.unwrap_err();
    assert_kind(&error, "NotADevice");
    assert_eq!(memory.calls()[..5], steps);

    // Systems that cannot discard their cache.
    let (_memory, opened) = open(Script {
        old_tables: [vec![]].into(),
        forgets: [GattError::Unsupported("forget a device")].into(),
        ..Script::default()
    })
    .await;
    let error = opened.unwrap_err();
    assert_kind(&error, "NotADevice");
}

#[tokio::test]
async fn discards_stale_handles_before_first_answer() {
    let (memory, mut transport, answer) =
        exchange_once(failing_writes([GattError::Att(0x01)])).await;
    assert_eq!(answer.unwrap(), b"answer");
    let renewed = ["write ESP", "forget", "connect", "attributes", "write ESP"];
    assert_eq!(memory.calls()[..5], renewed);
    // Once a session may exist, a new connection would lose it.
    memory.fail_next_write(GattError::Att(0x01));
    let endpoint = EndpointName::from_static("proto-ver");
    let error = transport.exchange(&endpoint, b"x").await.unwrap_err();
    assert_kind(&error, "Refused");
}

#[tokio::test]
async fn retries_connection_then_discards_cache() {
    let passing = || GattError::Other("le-connection-abort-by-local".to_owned());
    let (memory, opened) = open(failing_connects([passing(), passing()])).await;
    opened.unwrap();
    let steps = ["connect", "connect", "forget", "connect", "attributes"];
    assert_eq!(memory.calls()[..5], steps);
    let (memory, opened) = open(failing_connects([passing(), passing(), passing()])).await;
    let error = opened.unwrap_err();
    assert_kind(&error, "Unreachable");
    assert_eq!(memory.calls()[..4], steps[..4]);
    let (_memory, opened) = open(failing_connects([GattError::Radio(
        crate::host::BluetoothProblem::Off,
    )]))
    .await;
    let error = opened.unwrap_err();
    assert!(matches!(error, TransportError::Bluetooth(_)), "{error}");
}

#[tokio::test]
async fn stale_cache_is_kept_during_session() {
    let (memory, mut transport, answer) = exchange_once(Script::default()).await;
    assert_eq!(answer.unwrap(), b"answer");
    memory.fail_next_write(GattError::Att(0x01));
    memory.calls.lock().unwrap().clear();
    let endpoint = EndpointName::from_static("proto-ver");
    let error = transport.exchange(&endpoint, b"x").await.unwrap_err();
    assert_kind(&error, "Refused");
    assert_eq!(memory.calls(), ["write x"]);
}

/// `NimBLE` returns 0x0e for an endpoint without a handler, and BlueZ for a lost link.
#[tokio::test]
async fn att_0x0e_is_classified_by_endpoint_and_link() {
    for (name, is_dead, expected) in [
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
        transport.endpoints = Endpoints::from_table(&table).unwrap();
        {
            let mut script = memory.script.lock().unwrap();
            script.writes.push_back(GattError::Att(0x0e));
            script.is_dead = is_dead;
        }
        let error = transport.exchange(&endpoint, b"x").await.unwrap_err();
        let words = format!("{error:?}");
        assert!(words.starts_with(expected), "{name}, {is_dead}: {words}");
    }
}

/// The cache was discarded before, so the table is right and the device has no endpoints.
#[tokio::test]
async fn stale_handles_after_renewal_are_not_a_device() {
    let (memory, _transport, answer) =
        exchange_once(failing_writes([GattError::Att(0x01), GattError::Att(0x01)])).await;
    let error = answer.unwrap_err();
    assert_kind(&error, "NotADevice");
    let forget_calls = memory
        .calls()
        .iter()
        .filter(|call| *call == "forget")
        .count();
    assert_eq!(forget_calls, 1);
}

/// Opens a link over this adapter that takes `closing_time` to close.
async fn connect_over(
    adapters: &Adapters,
    adapter: &str,
    closing_time: Duration,
) -> (ScriptedGatt, BleLink) {
    let memory = ScriptedGatt::with(Script {
        closing_time,
        ..Script::default()
    });
    let closing = adapters.closing_tasks(adapter);
    let gatt = Box::new(memory.clone());
    let link = BleLink::connect(gatt, address(), MEDIUM.limits.clone(), closing).await;
    (memory, link.unwrap())
}

fn is_disconnected(memory: &ScriptedGatt) -> bool {
    memory.calls().contains(&"disconnected".to_owned())
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
async fn finish_closing_has_time_limit() {
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
async fn drop_completes_interrupted_close() {
    let adapters = Adapters::default();
    let (memory, BleLink(mut transport)) = connect_over(&adapters, "hci0", CLOSE_TIMEOUT / 3).await;
    let interrupted = tokio::time::timeout(CLOSE_TIMEOUT / 6, transport.close()).await;
    assert!(interrupted.is_err());
    drop(transport);
    adapters.finish_closing().await;
    assert!(is_disconnected(&memory));
}
