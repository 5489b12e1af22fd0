//! What the device of the VM offers to BlueZ: a service with a characteristic per endpoint, each with its
//! name in a descriptor. BlueZ does ATT; here a write is a request, and a read the answer to it. Not
//! the emulator's `org.bluez`, which plays BlueZ itself.
#![expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    reason = "what an object on the bus has and is handed is given"
)]

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use espctl::emulator::device::Device;
use tokio::sync::{Mutex, Notify};
use tokio::time::sleep;
use zbus::fdo::ObjectManager;
use zbus::{Connection, DBusError, ObjectPath, OwnedObjectPath, OwnedVariant, interface};

/// The service of the provisioning examples (`scheme_ble`).
pub(crate) const SERVICE: &str = "021a9004-0382-4aea-bff4-6b3f1c5adfb4";
/// Under which BlueZ asks for all of it.
pub(crate) const ROOT: &str = "/espctl";

const SERVICE_PATH: &str = "/espctl/service0";
/// Characteristic User Description.
const NAME_DESCRIPTOR: &str = "00002901-0000-1000-8000-00805f9b34fb";
/// In the order of their ids, from FF4F on.
const ENDPOINTS: [(&str, &str); 5] = [
    ("ff4f", "prov-ctrl"),
    ("ff50", "prov-scan"),
    ("ff51", "prov-session"),
    ("ff52", "prov-config"),
    ("ff53", "proto-ver"),
];

/// A device, and who is connected to it.
pub(crate) struct Peripheral {
    state: Mutex<State>,
    /// After every request: the end of the service may be settled by it.
    pub(crate) handled: Notify,
}

struct State {
    device: Device,
    session: Option<u32>,
    /// Kept until the link is lost, by endpoint.
    replies: HashMap<&'static str, Vec<u8>>,
}

impl Peripheral {
    pub(crate) fn new(device: Device) -> Self {
        Self {
            state: Mutex::new(State {
                device,
                session: None,
                replies: HashMap::new(),
            }),
            handled: Notify::new(),
        }
    }

    /// Asks the device.
    pub(crate) async fn ask<T>(&self, question: impl FnOnce(&mut Device) -> T) -> T {
        question(&mut self.state.lock().await.device)
    }

    /// The link is lost: its session is over, and the answers are gone.
    pub(crate) async fn disconnected(&self) {
        let mut state = self.state.lock().await;
        if let Some(session) = state.session.take() {
            state.device.close_session(session);
        }
        state.replies.clear();
    }

    async fn write(&self, endpoint: &'static str, request: &[u8]) -> Result<(), AttError> {
        let mut state = self.state.lock().await;
        let session = match state.session {
            Some(session) => session,
            None => state.device.draw_session_id(),
        };
        state.session = Some(session);
        let handled = state.device.handle(session, endpoint, request);
        self.handled.notify_one();
        let reply = handled.map_err(|refusal| AttError::Failed(refusal.to_string()))?;
        // It does nothing else meanwhile, so the lock is kept.
        sleep(reply.after).await;
        state.replies.insert(endpoint, reply.bytes);
        Ok(())
    }

    async fn read(&self, endpoint: &str, offset: usize) -> Result<Vec<u8>, AttError> {
        let state = self.state.lock().await;
        let reply = state.replies.get(endpoint).map_or(&[][..], Vec::as_slice);
        from(reply, offset)
    }
}

/// Puts everything below [`ROOT`].
pub(crate) async fn serve(bus: &Connection, peripheral: &Arc<Peripheral>) -> Result<()> {
    let server = bus.object_server();
    server.at(ROOT, ObjectManager).await?;
    server.at(SERVICE_PATH, Service).await?;
    for (number, (id, endpoint)) in ENDPOINTS.into_iter().enumerate() {
        let path = format!("{SERVICE_PATH}/char{number}");
        let characteristic = Characteristic {
            uuid: characteristic_uuid(id),
            endpoint,
            peripheral: Arc::clone(peripheral),
        };
        let name = NameDescriptor {
            characteristic: ObjectPath::try_from(path.clone())?.into(),
            endpoint,
        };
        server.at(path.as_str(), characteristic).await?;
        server.at(format!("{path}/desc0"), name).await?;
    }
    Ok(())
}

/// The service's, with its characters 4 to 8 replaced (`protocomm_ble.c`).
fn characteristic_uuid(id: &str) -> String {
    let mut uuid = SERVICE.to_owned();
    uuid.replace_range(4..8, id);
    uuid
}

fn from(value: &[u8], offset: usize) -> Result<Vec<u8>, AttError> {
    let rest = value.get(offset..);
    Ok(rest.ok_or(AttError::InvalidOffset(String::new()))?.to_vec())
}

/// How many bytes have been read or written before.
fn offset(options: &HashMap<String, OwnedVariant>) -> usize {
    let offset = options.get("offset");
    let offset = offset.and_then(|value| u16::try_from(&**value).ok());
    offset.unwrap_or_default().into()
}

/// What BlueZ makes an ATT error of.
#[derive(Debug, DBusError)]
#[zbus(prefix = "org.bluez.Error")]
enum AttError {
    #[zbus(error)]
    Bus(zbus::Error),
    Failed(String),
    InvalidOffset(String),
}

struct Service;

#[interface(name = "org.bluez.GattService1")]
impl Service {
    #[zbus(property, name = "UUID")]
    fn uuid(&self) -> &'static str {
        SERVICE
    }

    #[zbus(property)]
    fn primary(&self) -> bool {
        true
    }
}

struct Characteristic {
    uuid: String,
    endpoint: &'static str,
    peripheral: Arc<Peripheral>,
}

#[interface(name = "org.bluez.GattCharacteristic1")]
impl Characteristic {
    #[zbus(property, name = "UUID")]
    fn uuid(&self) -> &str {
        &self.uuid
    }

    #[zbus(property)]
    fn service(&self) -> ObjectPath<'static> {
        ObjectPath::from_static_str_unchecked(SERVICE_PATH)
    }

    #[zbus(property)]
    fn flags(&self) -> Vec<&'static str> {
        vec!["read", "write"]
    }

    async fn read_value(
        &self,
        options: HashMap<String, OwnedVariant>,
    ) -> Result<Vec<u8>, AttError> {
        self.peripheral.read(self.endpoint, offset(&options)).await
    }

    async fn write_value(
        &self,
        value: Vec<u8>,
        options: HashMap<String, OwnedVariant>,
    ) -> Result<(), AttError> {
        // A long write asks for leave first, and then comes whole.
        if options.contains_key("prepare-authorize") {
            return Ok(());
        }
        if offset(&options) != 0 {
            return Err(AttError::InvalidOffset(String::new()));
        }
        self.peripheral.write(self.endpoint, &value).await
    }
}

struct NameDescriptor {
    characteristic: OwnedObjectPath,
    endpoint: &'static str,
}

#[interface(name = "org.bluez.GattDescriptor1")]
impl NameDescriptor {
    #[zbus(property, name = "UUID")]
    fn uuid(&self) -> &'static str {
        NAME_DESCRIPTOR
    }

    #[zbus(property)]
    fn characteristic(&self) -> OwnedObjectPath {
        self.characteristic.clone()
    }

    #[zbus(property)]
    fn flags(&self) -> Vec<&'static str> {
        vec!["read"]
    }

    fn read_value(&self, options: HashMap<String, OwnedVariant>) -> Result<Vec<u8>, AttError> {
        from(self.endpoint.as_bytes(), offset(&options))
    }
}
