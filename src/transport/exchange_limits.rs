//! Time limits for exchanges with a device.

use std::time::Duration;

use crate::proto::EndpointName;

/// Time limits for exchanges with a device, which is slow when it computes or scans.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Opening one connection.
    pub connect: Duration,
    /// Discovering the endpoints, if the medium requires it.
    pub services: Duration,
    /// One handshake message. An ESP32 needs seconds for SRP6a.
    pub handshake: Duration,
    /// One request to `prov-scan`: a blocking scan listens on every channel before it answers.
    /// Bluetooth also allows 30 s for one answer.
    pub wifi_scan: Duration,
    /// Any other request.
    pub other: Duration,
}

impl Limits {
    /// The limits of a medium that defines none of its own.
    pub const USUAL: Self = Self {
        connect: Duration::from_secs(5),
        services: Duration::from_secs(15),
        handshake: Duration::from_secs(15),
        wifi_scan: Duration::from_secs(30),
        other: Duration::from_secs(10),
    };

    /// The limit for one exchange with `endpoint`.
    pub fn for_endpoint(&self, endpoint: &EndpointName) -> Duration {
        match endpoint.as_str() {
            "prov-scan" => self.wifi_scan,
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
    fn slow_endpoints_have_own_limits() {
        let limits = Limits {
            handshake: Duration::from_secs(1),
            wifi_scan: Duration::from_secs(2),
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
