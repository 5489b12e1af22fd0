//! How long each kind of exchange with a device may take.

use std::time::Duration;

use crate::proto::EndpointName;

/// How long each kind of exchange may take. Devices are slow where they compute or listen.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Opening a path, once.
    pub connect: Duration,
    /// Learning which endpoints there are, where the medium has to ask.
    pub services: Duration,
    /// One handshake message: SRP6a takes an ESP32 seconds.
    pub handshake: Duration,
    /// A request to `prov-scan`: a blocking scan listens on every channel first. 30 s is also
    /// what Bluetooth allows for one answer.
    pub scan: Duration,
    /// Any other request.
    pub other: Duration,
}

impl Limits {
    /// Those of a medium without any of its own.
    pub const USUAL: Self = Self {
        connect: Duration::from_secs(5),
        services: Duration::from_secs(15),
        handshake: Duration::from_secs(15),
        scan: Duration::from_secs(30),
        other: Duration::from_secs(10),
    };

    /// The limit for one exchange with `endpoint`.
    pub fn for_endpoint(&self, endpoint: &EndpointName) -> Duration {
        match endpoint.as_str() {
            "prov-scan" => self.scan,
            "prov-session" | "esp_local_ctrl/session" => self.handshake,
            _ => self.other,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::USUAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_that_compute_or_listen_have_limits_of_their_own() {
        let limits = Limits {
            handshake: Duration::from_secs(1),
            scan: Duration::from_secs(2),
            other: Duration::from_secs(3),
            ..Limits::default()
        };
        for (endpoint, seconds) in [
            ("prov-session", 1),
            ("esp_local_ctrl/session", 1),
            ("prov-scan", 2),
            ("prov-config", 3),
            ("proto-ver", 3),
            ("custom", 3),
        ] {
            let limit = limits.for_endpoint(&EndpointName::from_static(endpoint));
            assert_eq!(limit.as_secs(), seconds, "{endpoint}");
        }
    }
}
