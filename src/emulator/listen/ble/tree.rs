//! The objects that a client of BlueZ sees, with their interfaces and properties, and what has to be
//! told of their changes, in order. Not what the methods do.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use zbus::message::Message;
use zbus::{ObjectPath, Variant};

use super::property::{Properties, Property, to_variants};

/// The interfaces of one object.
pub(super) type Interfaces = BTreeMap<&'static str, Properties>;

/// All objects, by path.
#[derive(Debug, Default)]
pub(super) struct Tree {
    objects: BTreeMap<ObjectPath<'static>, Interfaces>,
    news: Vec<News>,
}

/// What clients are to be told.
#[derive(Debug)]
enum News {
    Added {
        path: ObjectPath<'static>,
        interfaces: Interfaces,
    },
    Changed {
        path: ObjectPath<'static>,
        interface: &'static str,
        properties: Properties,
        invalidated: Vec<&'static str>,
    },
    Removed {
        path: ObjectPath<'static>,
        interfaces: Vec<&'static str>,
    },
}

impl Tree {
    /// Puts an object there.
    pub(super) fn add(&mut self, path: ObjectPath<'static>, interfaces: Interfaces) {
        // As gdbus tells it: with the interfaces that every object has.
        let interfaces: Interfaces = STANDARD
            .into_iter()
            .map(|name| (name, Properties::new()))
            .chain(interfaces)
            .collect();
        self.news.push(News::Added {
            path: path.clone(),
            interfaces: interfaces.clone(),
        });
        self.objects.insert(path, interfaces);
    }

    /// Takes an object away, and with it all below it.
    pub(super) fn remove(&mut self, path: &ObjectPath<'_>) {
        let below = format!("{path}/");
        let gone: Vec<ObjectPath<'static>> = self
            .objects
            .keys()
            .filter(|known| *known == path || known.as_str().starts_with(&below))
            .cloned()
            .collect();
        // The leaves first.
        for path in gone.into_iter().rev() {
            if let Some(interfaces) = self.objects.remove(&path) {
                self.news.push(News::Removed {
                    path,
                    interfaces: interfaces.into_keys().collect(),
                });
            }
        }
    }

    /// Changes properties, and tells it in one signal; `None` takes a property away. What is as
    /// before is told as well: an advertisement that repeats itself is news.
    pub(super) fn set(
        &mut self,
        path: &ObjectPath<'static>,
        interface: &'static str,
        changes: impl IntoIterator<Item = (&'static str, Option<Property>)>,
    ) {
        let Some(known) = self
            .objects
            .get_mut(path)
            .and_then(|object| object.get_mut(interface))
        else {
            return;
        };
        let (mut properties, mut invalidated) = (Properties::new(), Vec::new());
        for (name, change) in changes {
            match change {
                Some(property) => {
                    known.insert(name, property.clone());
                    properties.insert(name, property);
                }
                None if known.remove(name).is_some() => invalidated.push(name),
                None => {}
            }
        }
        if !(properties.is_empty() && invalidated.is_empty()) {
            self.news.push(News::Changed {
                path: path.clone(),
                interface,
                properties,
                invalidated,
            });
        }
    }

    /// What is to be told by now, as signals.
    pub(super) fn take_signals(&mut self) -> Vec<zbus::Result<Message>> {
        std::mem::take(&mut self.news)
            .iter()
            .map(News::signal)
            .collect()
    }

    pub(super) fn has(&self, path: &ObjectPath<'static>) -> bool {
        self.objects.contains_key(path)
    }

    /// An object's interface.
    pub(super) fn interface(&self, path: &ObjectPath<'static>, name: &str) -> Option<&Properties> {
        self.objects.get(path)?.get(name)
    }

    /// What `GetManagedObjects` answers.
    pub(super) fn managed(
        &self,
    ) -> BTreeMap<&ObjectPath<'static>, BTreeMap<&'static str, BTreeMap<&'static str, Variant<'_>>>>
    {
        self.objects
            .iter()
            .map(|(path, interfaces)| (path, interfaces_on_the_wire(interfaces)))
            .collect()
    }

    /// What `Introspect` answers: interfaces and children, by name. `None`: no such object.
    pub(super) fn introspection(&self, path: &ObjectPath<'static>) -> Option<String> {
        let below = match path.as_str() {
            "/" => "/".to_owned(),
            path => format!("{path}/"),
        };
        let mut children: Vec<&str> = self
            .objects
            .keys()
            .filter_map(|known| known.as_str().strip_prefix(below.as_str()))
            .filter_map(|rest| rest.split('/').next())
            .filter(|name| !name.is_empty())
            .collect();
        children.dedup();
        let own = self.objects.get(path);
        if own.is_none() && children.is_empty() && path.as_str() != "/" {
            return None;
        }
        let mut text = String::from(DOCTYPE);
        text.push_str("<node>");
        let standard = if path.as_str() == "/" {
            vec!["org.freedesktop.DBus.Introspectable", OBJECT_MANAGER]
        } else {
            Vec::new()
        };
        let interfaces = own.into_iter().flat_map(BTreeMap::keys).copied();
        for name in standard.into_iter().chain(interfaces) {
            // Into a string, which has room for it.
            let _infallible = write!(text, "<interface name=\"{name}\"></interface>");
        }
        for name in children {
            let _infallible = write!(text, "<node name=\"{name}\"/>");
        }
        text.push_str("</node>");
        Some(text)
    }
}

impl News {
    fn signal(&self) -> zbus::Result<Message> {
        let manager = |member| Message::signal("/", OBJECT_MANAGER, member);
        match self {
            Self::Added { path, interfaces } => {
                let interfaces = interfaces_on_the_wire(interfaces);
                manager("InterfacesAdded").build(&(path, interfaces))
            }
            Self::Removed { path, interfaces } => {
                manager("InterfacesRemoved").build(&(path, interfaces))
            }
            Self::Changed {
                path,
                interface,
                properties,
                invalidated,
            } => Message::signal(path, PROPERTIES, "PropertiesChanged").build(&(
                interface,
                to_variants(properties),
                invalidated,
            )),
        }
    }
}

fn interfaces_on_the_wire(
    interfaces: &Interfaces,
) -> BTreeMap<&'static str, BTreeMap<&'static str, Variant<'_>>> {
    interfaces
        .iter()
        .map(|(name, properties)| (*name, to_variants(properties)))
        .collect()
}

pub(super) const OBJECT_MANAGER: &str = "org.freedesktop.DBus.ObjectManager";
pub(super) const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
pub(super) const INTROSPECTABLE: &str = "org.freedesktop.DBus.Introspectable";
const STANDARD: [&str; 2] = [INTROSPECTABLE, PROPERTIES];
const DOCTYPE: &str = "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\" \
     \"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ObjectPath<'static> {
        ObjectPath::try_from(text.to_owned()).unwrap()
    }

    fn tree() -> Tree {
        let mut tree = Tree::default();
        for one in ["/org/bluez", "/org/bluez/hci0", "/org/bluez/hci0/dev_A"] {
            let properties = Properties::from([("Name", Property::text("a"))]);
            tree.add(path(one), Interfaces::from([("org.example.A", properties)]));
        }
        tree
    }

    #[test]
    fn an_object_goes_with_all_below_it_leaves_first() {
        let mut tree = tree();
        tree.take_signals();
        tree.remove(&path("/org/bluez/hci0"));
        assert!(tree.has(&path("/org/bluez")) && !tree.has(&path("/org/bluez/hci0/dev_A")));
        let told: Vec<String> = tree
            .take_signals()
            .into_iter()
            .map(|signal| {
                let body = signal.unwrap().body();
                let (path, _) = body.deserialize::<(ObjectPath<'_>, Vec<String>)>().unwrap();
                path.to_string()
            })
            .collect();
        assert_eq!(told, ["/org/bluez/hci0/dev_A", "/org/bluez/hci0"]);
    }

    #[test]
    fn children_are_found_by_their_names() {
        let tree = tree();
        for (of, child) in [
            ("/", "<node name=\"org\"/>"),
            ("/org", "<node name=\"bluez\"/>"),
            ("/org/bluez/hci0", "<node name=\"dev_A\"/>"),
        ] {
            assert!(tree.introspection(&path(of)).unwrap().contains(child));
        }
        assert_eq!(tree.introspection(&path("/org/bluez/hci1")), None);
    }

    #[test]
    fn a_property_that_goes_is_invalidated_and_one_that_was_not_there_is_no_news() {
        let mut tree = tree();
        tree.take_signals();
        let object = path("/org/bluez");
        tree.set(&object, "org.example.A", [("RSSI", None)]);
        assert!(tree.take_signals().is_empty());
        tree.set(&object, "org.example.A", [("Name", None)]);
        assert_eq!(tree.take_signals().len(), 1);
        assert!(tree.interface(&object, "org.example.A").unwrap().is_empty());
    }
}
