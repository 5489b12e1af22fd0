//! A raw BlueZ client: calls, objects, signals and errors exactly as they are on D-Bus. It is not
//! the shipped client.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde::Serialize;
use tokio::time::timeout;
use zbus::message::{Message, Type};
use zbus::wire::DynamicType;
use zbus::{
    Connection, DBusError as _, MessageStream, ObjectPath, OwnedObjectPath, OwnedVariant,
    connection,
};

use super::device::fresh_path;

/// Starts a bus without an emulator, which runs until the tests end. Returns its address.
pub(crate) fn start_bus() -> String {
    let address = format!("unix:path={}", fresh_path("bus").display());
    let (opened, is_open) = std::sync::mpsc::channel();
    let at = address.clone();
    std::thread::spawn(move || {
        zruntime::block_on(async move {
            let mut bus = busd::bus::Bus::for_address(Some(&at)).await.unwrap();
            opened.send(()).unwrap();
            bus.run().await.unwrap();
        });
    });
    is_open.recv().expect("a bus");
    address
}

/// The properties of an interface.
pub(crate) type Properties = HashMap<String, OwnedVariant>;
/// The interfaces of an object.
pub(crate) type Interfaces = HashMap<String, Properties>;
type Objects = HashMap<OwnedObjectPath, Interfaces>;
type Options = HashMap<&'static str, zbus::Variant<'static>>;

/// A client on the bus.
pub(crate) struct Client {
    connection: Connection,
    messages: MessageStream,
}

/// The name and the message of an error.
pub(crate) type Error = (String, String);

impl Client {
    /// Connects a client that receives all signals from now on.
    pub(crate) async fn connect(address: &str) -> Self {
        // Signals are queued here until a test reads them, and must not block answers.
        let connection = connection::Builder::address(address)
            .max_queued(NonZeroUsize::new(1 << 14).unwrap())
            .build()
            .await
            .unwrap();
        let messages = MessageStream::from(&connection);
        let bus = Some("org.freedesktop.DBus");
        connection
            .call_method(
                bus,
                "/org/freedesktop/DBus",
                bus,
                "AddMatch",
                &("type='signal'",),
            )
            .await
            .unwrap();
        Self {
            connection,
            messages,
        }
    }

    /// Disconnects from the bus.
    pub(crate) async fn leave(self) {
        self.connection.close().await.unwrap();
    }

    /// Calls a method of BlueZ.
    pub(crate) async fn call(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &(impl Serialize + DynamicType),
    ) -> Result<Message, Error> {
        let called =
            self.connection
                .call_method(Some("org.bluez"), path, Some(interface), method, body);
        match timeout(LIMIT, called).await.expect("an answer in time") {
            Ok(message) => Ok(message),
            Err(zbus::Error::MethodError(name, text, _)) => {
                Err((name.to_string(), text.unwrap_or_default()))
            }
            Err(zbus::Error::FDO(error)) => {
                let text = error.description().unwrap_or_default();
                Err((error.name().to_string(), text.to_owned()))
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn objects(&self) -> Objects {
        let answer = self.call("/", OBJECTS, "GetManagedObjects", &()).await;
        answer.unwrap().body().deserialize().unwrap()
    }

    pub(crate) async fn start_discovery(&self) -> Result<Message, Error> {
        self.call(ADAPTER, "org.bluez.Adapter1", "StartDiscovery", &())
            .await
    }

    pub(crate) async fn stop_discovery(&self) -> Result<Message, Error> {
        self.call(ADAPTER, "org.bluez.Adapter1", "StopDiscovery", &())
            .await
    }

    /// Calls a method of a device.
    pub(crate) async fn device(&self, path: &str, method: &str) -> Result<Message, Error> {
        self.call(path, "org.bluez.Device1", method, &()).await
    }

    /// Reads a property; `None` if it does not exist.
    pub(crate) async fn property<T: TryFrom<OwnedVariant>>(
        &self,
        path: &str,
        interface: &str,
        name: &str,
    ) -> Option<T> {
        let body = (interface, name);
        let reply = self.call(path, PROPERTIES, "Get", &body);
        let value: OwnedVariant = reply.await.ok()?.body().deserialize().unwrap();
        T::try_from(value).ok()
    }

    /// Waits for the next signal with this name, and skips all others.
    pub(crate) async fn signal(&mut self, member: &str) -> Message {
        let next = async {
            loop {
                let message = self.messages.next().await.unwrap().unwrap();
                let is_match = message.message_type() == Type::Signal
                    && message.header().member().is_some_and(|name| name == member);
                if is_match {
                    return message;
                }
            }
        };
        let waited = timeout(LIMIT, next).await;
        waited.unwrap_or_else(|_| panic!("no signal {member}"))
    }

    /// Waits for the next signal with a change of this property. Returns all changed and all
    /// removed properties.
    pub(crate) async fn change(&mut self, name: &str) -> (Properties, Vec<String>) {
        loop {
            let signal = self.signal("PropertiesChanged").await;
            let body = signal.body();
            let (_, changed, removed): (String, Properties, Vec<String>) =
                body.deserialize().unwrap();
            if changed.contains_key(name) || removed.iter().any(|property| property == name) {
                return (changed, removed);
            }
        }
    }

    /// Waits for the next new object.
    pub(crate) async fn added(&mut self) -> (String, Interfaces) {
        let signal = self.signal("InterfacesAdded").await;
        let body = signal.body();
        let (path, interfaces): (ObjectPath<'_>, Interfaces) = body.deserialize().unwrap();
        (path.to_string(), interfaces)
    }

    /// Waits for the next removed object.
    pub(crate) async fn removed(&mut self) -> String {
        let signal = self.signal("InterfacesRemoved").await;
        let body = signal.body();
        let (path, _): (ObjectPath<'_>, Vec<String>) = body.deserialize().unwrap();
        path.to_string()
    }

    /// Discovers the first device and connects to it, until its services are resolved.
    pub(crate) async fn reach(&mut self) -> String {
        self.start_discovery().await.unwrap();
        let (path, _) = self.added().await;
        self.stop_discovery().await.unwrap();
        self.link(&path).await;
        path
    }

    /// Connects to a device, until its services are resolved.
    pub(crate) async fn link(&mut self, path: &str) {
        self.device(path, "Connect").await.unwrap();
        while !flag(&self.change("ServicesResolved").await.0, "ServicesResolved") {}
    }

    /// The object whose UUID starts like this.
    pub(crate) async fn with_uuid(&self, start: &str) -> Option<String> {
        let objects = self.objects().await;
        let object = objects.iter().find(|(_, interfaces)| {
            interfaces.values().any(|properties| {
                properties
                    .get("UUID")
                    .is_some_and(|uuid| <&str>::try_from(&**uuid).unwrap().starts_with(start))
            })
        });
        object.map(|(path, _)| path.to_string())
    }

    /// The characteristic of the endpoint with this number.
    pub(crate) async fn endpoint(&self, number: u16) -> String {
        let path = self.with_uuid(&format!("021a{number:04x}-0382")).await;
        path.unwrap_or_else(|| panic!("no characteristic {number:04x}"))
    }

    pub(crate) async fn write(&self, path: &str, value: &[u8]) -> Result<(), Error> {
        let body = (value, Options::new());
        let written = self.call(path, CHARACTERISTIC, "WriteValue", &body).await;
        written.map(drop)
    }

    pub(crate) async fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.read_from(path, 0).await
    }

    pub(crate) async fn read_from(&self, path: &str, offset: u16) -> Result<Vec<u8>, Error> {
        let interface = if path.contains("/desc") {
            "org.bluez.GattDescriptor1"
        } else {
            CHARACTERISTIC
        };
        let options = Options::from([("offset", offset.into())]);
        let read = self.call(path, interface, "ReadValue", &(options,)).await?;
        Ok(read.body().deserialize().unwrap())
    }
}

/// A boolean property.
pub(crate) fn flag(properties: &Properties, name: &str) -> bool {
    bool::try_from(&*properties[name]).unwrap()
}

/// A BlueZ error with this name.
pub(crate) fn error<T>(name: &str, text: &str) -> Result<T, Error> {
    Err((format!("org.bluez.Error.{name}"), text.to_owned()))
}

pub(crate) const ADAPTER: &str = "/org/bluez/hci0";
pub(crate) const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";
const OBJECTS: &str = "org.freedesktop.DBus.ObjectManager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// Longer than any answer takes.
const LIMIT: Duration = Duration::from_mins(1);
