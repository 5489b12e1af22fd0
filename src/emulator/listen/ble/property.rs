//! What a property of an object of BlueZ's can hold, in the types that it has on D-Bus. Not which
//! properties there are.

use std::collections::BTreeMap;

use zbus::{ObjectPath, Variant};

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Property {
    Bytes(Vec<u8>),
    Flag(bool),
    /// Company to data.
    Manufacturer(BTreeMap<u16, Vec<u8>>),
    Number16(u16),
    Number32(u32),
    Path(ObjectPath<'static>),
    Paths(Vec<ObjectPath<'static>>),
    Signed16(i16),
    Text(String),
    Texts(Vec<String>),
}

/// The properties of one interface.
pub(super) type Properties = BTreeMap<&'static str, Property>;

impl Property {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// As it travels.
    pub(super) fn to_variant(&self) -> Variant<'_> {
        match self {
            Self::Bytes(bytes) => Variant::from(bytes),
            Self::Flag(flag) => Variant::from(*flag),
            Self::Manufacturer(data) => {
                let data: BTreeMap<u16, Variant<'_>> = data
                    .iter()
                    .map(|(company, bytes)| (*company, Variant::from(bytes)))
                    .collect();
                Variant::from(data)
            }
            Self::Number16(number) => Variant::from(*number),
            Self::Number32(number) => Variant::from(*number),
            Self::Path(path) => Variant::from(path.clone()),
            Self::Paths(paths) => Variant::from(paths.clone()),
            Self::Signed16(number) => Variant::from(*number),
            Self::Text(text) => Variant::from(text.as_str()),
            Self::Texts(texts) => Variant::from(texts),
        }
    }
}

/// All of them, as they travel.
pub(super) fn to_variants(properties: &Properties) -> BTreeMap<&'static str, Variant<'_>> {
    properties
        .iter()
        .map(|(name, property)| (*name, property.to_variant()))
        .collect()
}
