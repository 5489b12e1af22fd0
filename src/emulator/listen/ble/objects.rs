//! The D-Bus objects that BlueZ exports, with their properties, and its messages in order: each change is
//! signaled before the next answer.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use zbus::message::{Flags, Message, Sequence};
use zbus::wire::DynamicType;
use zbus::{ObjectPath, Variant};

use super::answer::{Answered, DbusAnswer, DbusError};

/// The properties of an object.
pub(super) type Properties = BTreeMap<&'static str, Variant<'static>>;

/// All objects by path, and the messages to send.
#[derive(Debug, Default)]
pub(super) struct Objects {
    by_path: BTreeMap<ObjectPath<'static>, BusObject>,
    outgoing: Vec<zbus::Result<Message>>,
    /// The calls that are not answered yet.
    unanswered: BTreeMap<Sequence, Message>,
}

/// An object with one interface. Introspection, and the access to properties, are not listed.
#[derive(Debug)]
struct BusObject {
    interface: &'static str,
    properties: Properties,
}

impl BusObject {
    fn interfaces(&self) -> BTreeMap<&'static str, &Properties> {
        BTreeMap::from([(self.interface, &self.properties)])
    }
}

impl Objects {
    /// Exports an object.
    pub(super) fn add(
        &mut self,
        path: ObjectPath<'static>,
        interface: &'static str,
        properties: Properties,
    ) {
        let object = BusObject {
            interface,
            properties,
        };
        let signal = Message::signal("/", OBJECT_MANAGER, "InterfacesAdded");
        self.outgoing
            .push(signal.build(&(&path, object.interfaces())));
        self.by_path.insert(path, object);
    }

    /// Removes an object and its descendants, leaves first.
    pub(super) fn remove(&mut self, path: &ObjectPath<'_>) {
        let below = format!("{path}/");
        let is_removed = |known: &ObjectPath<'_>| known == path || known.starts_with(&below);
        let removed = self.by_path.extract_if(.., |known, _| is_removed(known));
        let removed: Vec<_> = removed.collect();
        for (path, object) in removed.into_iter().rev() {
            let signal = Message::signal("/", OBJECT_MANAGER, "InterfacesRemoved");
            self.outgoing
                .push(signal.build(&(path, &[object.interface][..])));
        }
    }

    /// Changes properties and signals them together, also unchanged ones: BlueZ repeats the properties of a
    /// repeated advertisement.
    pub(super) fn set(&mut self, path: &ObjectPath<'static>, changes: impl Into<Properties>) {
        self.change(path, changes.into(), &[]);
    }

    /// Removes a property, if it exists.
    pub(super) fn invalidate(&mut self, path: &ObjectPath<'static>, name: &'static str) {
        let object = self.by_path.get_mut(path);
        if object.is_some_and(|object| object.properties.remove(name).is_some()) {
            self.change(path, Properties::new(), &[name]);
        }
    }

    fn change(&mut self, path: &ObjectPath<'static>, changes: Properties, removed: &[&str]) {
        if let Some(object) = self.by_path.get_mut(path) {
            let signal = Message::signal(path, PROPERTIES, "PropertiesChanged");
            let signal = signal.build(&(object.interface, &changes, removed));
            self.outgoing.push(signal);
            object.properties.extend(changes);
        }
    }

    /// The interface of an object, if there is such an object.
    pub(super) fn interface(&self, path: &ObjectPath<'static>) -> Option<&'static str> {
        self.by_path.get(path).map(|object| object.interface)
    }

    /// The properties of an object that a client wants.
    fn properties(
        &self,
        path: &ObjectPath<'static>,
        interface: &str,
    ) -> Result<&Properties, DbusError> {
        let object = self.by_path.get(path);
        let object = object.filter(|object| object.interface == interface);
        let object = object.ok_or_else(|| DbusError::no_such("interface", interface))?;
        Ok(&object.properties)
    }

    /// The property of an object that a client wants.
    pub(super) fn property(
        &self,
        path: &ObjectPath<'static>,
        interface: &str,
        name: &str,
    ) -> Result<&Variant<'static>, DbusError> {
        let property = self.properties(path, interface)?.get(name);
        property.ok_or_else(|| DbusError::no_such("property", name))
    }

    /// Answers `Get` and `GetAll`.
    pub(super) fn reply_property(
        &mut self,
        call: &Message,
        member: &str,
        path: &ObjectPath<'static>,
    ) -> Answered {
        let body = call.body();
        let header = call.header();
        let reply = Message::method_return(&header);
        let reply = match member {
            "GetAll" => {
                let (interface,): (&str,) = body.deserialize()?;
                reply.build(&(self.properties(path, interface)?,))
            }
            "Get" => {
                let (interface, name): (&str, &str) = body.deserialize()?;
                reply.build(&(self.property(path, interface, name)?,))
            }
            _ => return Err(DbusError::UNKNOWN_METHOD),
        };
        self.send_reply(call, reply);
        Ok(DbusAnswer::Sent)
    }

    /// Answers `GetManagedObjects`.
    pub(super) fn reply_managed_objects(&mut self, call: &Message) {
        let objects = self.by_path.iter();
        let managed = objects.map(|(path, object)| (path, object.interfaces()));
        let managed = managed.collect::<BTreeMap<_, _>>();
        let reply = Message::method_return(&call.header()).build(&(managed,));
        self.send_reply(call, reply);
    }

    /// Writes the answer to `Introspect`: the names of the children. `None` if there is no such object.
    pub(super) fn introspect(&self, path: &ObjectPath<'static>) -> Option<String> {
        let below = format!("{}/", path.trim_end_matches('/'));
        let names = self
            .by_path
            .keys()
            .filter_map(|known| known.strip_prefix(&below)?.split('/').next());
        let names = names.collect::<BTreeSet<_>>();
        if names.is_empty() && self.interface(path).is_none() {
            return None;
        }
        let nodes = names.iter().map(|name| format!("<node name=\"{name}\"/>"));
        Some(format!("<node>{}</node>", nodes.collect::<String>()))
    }

    /// Registers a call that will be answered.
    pub(super) fn expect_answer(&mut self, call: &Message) {
        self.unanswered.insert(call.recv_position(), call.clone());
    }

    pub(super) fn take_unanswered(&mut self) -> impl Iterator<Item = Message> + use<> {
        std::mem::take(&mut self.unanswered).into_values()
    }

    /// Answers a call.
    pub(super) fn reply(&mut self, call: &Message, body: &(impl Serialize + DynamicType)) {
        self.send_reply(call, Message::method_return(&call.header()).build(body));
    }

    /// Answers a call with an error.
    pub(super) fn refuse(&mut self, call: &Message, refusal: &DbusError) {
        let reply = Message::error(&call.header(), refusal.full_name());
        self.send_reply(call, reply.build(&(&*refusal.text,)));
    }

    fn send_reply(&mut self, call: &Message, reply: zbus::Result<Message>) {
        self.unanswered.remove(&call.recv_position());
        let flags = call.primary_header().flags();
        if !flags.contains(Flags::NO_REPLY_EXPECTED) {
            self.outgoing.push(reply);
        }
    }

    /// Takes the messages to send.
    pub(super) fn take_messages(&mut self) -> Vec<zbus::Result<Message>> {
        std::mem::take(&mut self.outgoing)
    }
}

pub(super) const OBJECT_MANAGER: &str = "org.freedesktop.DBus.ObjectManager";
pub(super) const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
pub(super) const INTROSPECTABLE: &str = "org.freedesktop.DBus.Introspectable";

#[cfg(test)]
mod tests {
    use super::*;

    const BLUEZ: ObjectPath<'static> = ObjectPath::from_static_str_unchecked("/org/bluez");
    const ADAPTER: ObjectPath<'static> = ObjectPath::from_static_str_unchecked("/org/bluez/hci0");

    fn objects() -> Objects {
        let mut objects = Objects::default();
        for path in ["/org/bluez", "/org/bluez/hci0", "/org/bluez/hci0/dev_A"] {
            let path = ObjectPath::from_static_str_unchecked(path);
            objects.add(path, "org.example.A", [("Name", "a".into())].into());
        }
        objects.take_messages();
        objects
    }

    #[test]
    fn removes_object_and_descendants_leaves_first() {
        let mut objects = objects();
        objects.remove(&ADAPTER);
        assert!(objects.interface(&BLUEZ).is_some() && objects.interface(&ADAPTER).is_none());
        let removed: Vec<String> = objects
            .take_messages()
            .into_iter()
            .map(|signal| {
                let body = signal.unwrap().body();
                let (path, _) = body.deserialize::<(ObjectPath<'_>, Vec<String>)>().unwrap();
                path.to_string()
            })
            .collect();
        assert_eq!(removed, ["/org/bluez/hci0/dev_A", "/org/bluez/hci0"]);
    }

    #[test]
    fn introspection_lists_children_by_name() {
        let objects = objects();
        for (parent, child) in [
            ("/", "<node name=\"org\"/>"),
            ("/org", "<node name=\"bluez\"/>"),
            ("/org/bluez/hci0", "<node name=\"dev_A\"/>"),
        ] {
            let parent = ObjectPath::from_static_str_unchecked(parent);
            assert!(objects.introspect(&parent).unwrap().contains(child));
        }
        let missing = ObjectPath::from_static_str_unchecked("/org/bluez/hci1");
        assert_eq!(objects.introspect(&missing), None);
    }

    #[test]
    fn invalidates_only_properties_that_exist() {
        let mut objects = objects();
        objects.invalidate(&BLUEZ, "RSSI");
        assert!(objects.take_messages().is_empty());
        objects.invalidate(&BLUEZ, "Name");
        assert_eq!(objects.take_messages().len(), 1);
        assert!(objects.property(&BLUEZ, "org.example.A", "Name").is_err());
    }
}
