//! Recognizes advertisements of devices that can be provisioned. An advertisement is not
//! authenticated.
//!
//! Sources: `scheme_ble.c` and ESP-IDF's examples (service UUIDs).

use uuid::{Uuid, uuid};

use crate::transport::candidate::Hints;

/// Whether the device advertises as provisioning firmware does: a known service, RainMaker's
/// manufacturer data, or a usual name prefix.
pub(super) fn looks_like_provisioning(name: Option<&str>, hints: &Hints) -> bool {
    let is_known = |service| PROVISIONING_SERVICES.contains(service);
    hints.services.iter().any(is_known)
        || hints.manufacturer.is_some()
        || name.is_some_and(|name| NAME_PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

/// Provisioning services: that of the examples and RainMaker, the default of `scheme_ble`, the
/// legacy one.
pub const PROVISIONING_SERVICES: [Uuid; 3] = [
    uuid!("021a9004-0382-4aea-bff4-6b3f1c5adfb4"),
    uuid!("1775244d-6b43-439b-877c-060f2d9bed07"),
    uuid!("0000ffff-0000-1000-8000-00805f9b34fb"),
];
const NAME_PREFIXES: [&str; 2] = ["PROV_", "ESP-Prov"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_service_manufacturer_data_and_name() {
        let nothing = Hints::default();
        assert!(looks_like_provisioning(Some("PROV_d76c30"), &nothing));
        assert!(!looks_like_provisioning(Some("Headphones"), &nothing));
        assert!(!looks_like_provisioning(None, &nothing));
        let service = Hints {
            services: vec![PROVISIONING_SERVICES[1]],
            ..Hints::default()
        };
        assert!(looks_like_provisioning(None, &service));
    }
}
