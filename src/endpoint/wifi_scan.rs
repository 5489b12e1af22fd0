//! `prov-scan`: the Wi-Fi networks that the device sees. `provisioner::protocomm` fetches the
//! pages.
//!
//! Source: `NP/src/network_scan.c`.

use std::fmt;

use prost::Message as _;
use serde::{Serialize, Serializer};
use serde_json::json;
use zeroize::Zeroizing;

use super::command::{Command, ReplyError, check_status, decode_message, unexpected};
use crate::ident::{Bssid, Ssid};
use crate::proto::EndpointName;
use crate::proto::network_provisioning::network_scan_payload::Payload;
use crate::proto::network_provisioning::{
    CmdScanWifiResult, CmdScanWifiStart, CmdScanWifiStatus, NetworkScanMsgType as Msg,
    NetworkScanPayload, WiFiScanResult,
};

/// Starts a scan. A second request while a scan is running succeeds at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartScan {
    /// Whether the device answers only when the scan is done. Its HTTP server cannot answer any
    /// client meanwhile.
    pub blocking: bool,
    /// Whether the device only listens, and sends no probe requests.
    pub passive: bool,
    /// 0: scan all channels without a pause. n: scan channels 1 to 13 one by one, with a pause of
    /// 120 ms after each n, so that a SoftAP keeps its clients.
    pub group_channels: u32,
    /// The time on each channel, in milliseconds; 0 is the Wi-Fi driver's default.
    pub period_ms: u32,
}

impl Command for StartScan {
    const ENDPOINT: EndpointName = EndpointName::PROV_SCAN;
    type Reply = ();

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let command = CmdScanWifiStart {
            blocking: self.blocking,
            passive: self.passive,
            group_channels: self.group_channels,
            period_ms: self.period_ms,
        };
        encode(
            Msg::TypeCmdScanWifiStart,
            Payload::CmdScanWifiStart(command),
        )
    }

    fn decode(response: &[u8]) -> Result<(), ReplyError> {
        match decode(response, Msg::TypeRespScanWifiStart)? {
            Some(Payload::RespScanWifiStart(_)) => Ok(()),
            _ => Err(unexpected("the start of a scan")),
        }
    }
}

/// Asks for the progress of the scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanStatus;

/// The progress of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanProgress {
    /// Whether the results can be fetched.
    pub finished: bool,
    /// The number of results. A request beyond it crashes old firmware.
    pub count: u32,
}

impl Command for ScanStatus {
    const ENDPOINT: EndpointName = EndpointName::PROV_SCAN;
    type Reply = ScanProgress;

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let payload = Payload::CmdScanWifiStatus(CmdScanWifiStatus {});
        encode(Msg::TypeCmdScanWifiStatus, payload)
    }

    fn decode(response: &[u8]) -> Result<ScanProgress, ReplyError> {
        match decode(response, Msg::TypeRespScanWifiStatus)? {
            Some(Payload::RespScanWifiStatus(status)) if status.result_count > MAX_NETWORKS => {
                Err(unexpected("a number of networks that a device can hold"))
            }
            Some(Payload::RespScanWifiStatus(status)) => Ok(ScanProgress {
                finished: status.scan_finished,
                count: status.result_count,
            }),
            _ => Err(unexpected("the progress of a scan")),
        }
    }
}

/// Fetches a page of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanResults {
    /// The index of the first result.
    pub start: u32,
    /// The number of results. Each has up to 59 bytes.
    pub count: u32,
}

impl Command for ScanResults {
    const ENDPOINT: EndpointName = EndpointName::PROV_SCAN;
    type Reply = Vec<AccessPoint>;

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let command = CmdScanWifiResult {
            start_index: self.start,
            count: self.count,
        };
        encode(
            Msg::TypeCmdScanWifiResult,
            Payload::CmdScanWifiResult(command),
        )
    }

    fn decode(response: &[u8]) -> Result<Vec<AccessPoint>, ReplyError> {
        match decode(response, Msg::TypeRespScanWifiResult)? {
            Some(Payload::RespScanWifiResult(results)) => {
                Ok(results.entries.into_iter().map(AccessPoint::from).collect())
            }
            _ => Err(unexpected("the results of a scan")),
        }
    }
}

/// An access point that the device sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPoint {
    /// `None` if the network hides its name.
    pub ssid: Option<Ssid>,
    /// The address of the access point.
    pub bssid: Bssid,
    /// 1 to 14, or a 5 GHz channel number.
    pub channel: u32,
    /// Signal strength in dBm, negative.
    pub rssi: i32,
    /// The authentication mode.
    pub auth: AuthMode,
}

/// For events and results. `ssid_hex` has the exact bytes; it is empty if the name is hidden.
impl Serialize for AccessPoint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let keys = json!({
            "ssid": self.ssid,
            "ssid_hex": self.ssid.as_ref().map(Ssid::to_hex).unwrap_or_default(),
            "bssid": self.bssid,
            "channel": self.channel,
            "rssi": self.rssi,
            "auth": self.auth,
            "auth_name": self.auth.to_string(),
        });
        keys.serialize(to)
    }
}

impl From<WiFiScanResult> for AccessPoint {
    fn from(entry: WiFiScanResult) -> Self {
        Self {
            // A name that cannot be sent back (empty, or with NUL bytes) is treated as hidden.
            ssid: Ssid::from_bytes(entry.ssid).ok(),
            bssid: Bssid::from_bytes(&entry.bssid),
            channel: entry.channel,
            rssi: entry.rssi,
            auth: AuthMode(entry.auth),
        }
    }
}

/// The Wi-Fi driver's number of an authentication mode (`esp_wifi_types_generic.h`). Any number may
/// arrive, because newer firmware has more modes, and all networks must be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AuthMode(pub i32);

impl AuthMode {
    /// Whether joining requires no passphrase: open, or OWE.
    pub const fn takes_no_passphrase(self) -> bool {
        matches!(self.0, 0 | 9)
    }

    /// Whether joining requires an identity, for which the protocol has no field.
    pub const fn is_enterprise(self) -> bool {
        matches!(self.0, 5 | 10 | 14..=16)
    }

    /// The Wi-Fi driver's name of the mode.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "Open",
            1 => "WEP",
            2 => "WPA_PSK",
            3 => "WPA2_PSK",
            4 => "WPA_WPA2_PSK",
            5 => "WPA2_ENTERPRISE",
            6 => "WPA3_PSK",
            7 => "WPA2_WPA3_PSK",
            8 => "WAPI_PSK",
            9 => "OWE",
            10 => "WPA3_ENT_192",
            11 => "WPA3_EXT_PSK",
            12 => "WPA3_EXT_PSK_MIXED",
            13 => "DPP",
            14 => "WPA3_ENTERPRISE",
            15 => "WPA2_WPA3_ENTERPRISE",
            16 => "WPA_ENTERPRISE",
            _ => return None,
        })
    }
}

impl fmt::Display for AuthMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("auth {}", self.0)),
        }
    }
}

/// The largest `NETWORK_PROV_SCAN_MAX_ENTRIES` that firmware can be built with.
const MAX_NETWORKS: u32 = 255;

fn encode(msg: Msg, payload: Payload) -> Zeroizing<Vec<u8>> {
    let message = NetworkScanPayload {
        msg: msg.into(),
        status: 0,
        payload: Some(payload),
    };
    Zeroizing::new(message.encode_to_vec())
}

fn decode(response: &[u8], expected: Msg) -> Result<Option<Payload>, ReplyError> {
    let message: NetworkScanPayload = decode_message("prov-scan", response)?;
    if message.msg != i32::from(expected) {
        return Err(unexpected("an answer about a scan"));
    }
    check_status(message.status)?;
    Ok(message.payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::network_provisioning::RespScanWifiStatus;

    #[test]
    fn unknown_auth_modes_are_shown_by_number() {
        assert_eq!(AuthMode(3).to_string(), "WPA2_PSK");
        assert_eq!(AuthMode(42).to_string(), "auth 42");
        assert_eq!(format!("{:<8}|", AuthMode(1)), "WEP     |");
    }

    #[test]
    fn rejects_empty_answer() {
        assert_eq!(
            ScanStatus::decode(&[]),
            Err(ReplyError::Unexpected {
                expected: "an answer about a scan"
            })
        );
        // The right type without its payload.
        assert_eq!(
            ScanStatus::decode(&[0x08, 0x03]),
            Err(ReplyError::Unexpected {
                expected: "the progress of a scan"
            })
        );
    }

    #[test]
    fn rejects_scan_count_no_device_can_hold() {
        let decode = |result_count| {
            let status = RespScanWifiStatus {
                scan_finished: true,
                result_count,
            };
            let payload = Payload::RespScanWifiStatus(status);
            ScanStatus::decode(&encode(Msg::TypeRespScanWifiStatus, payload))
        };
        for count in [0, 1, 255] {
            let finished = true;
            assert_eq!(decode(count), Ok(ScanProgress { finished, count }));
        }
        for count in [256, 1_000_000_000, u32::MAX] {
            let expected = "a number of networks that a device can hold";
            assert_eq!(decode(count), Err(ReplyError::Unexpected { expected }));
        }
    }
}
