//! prov-scan on the device (`NP/src/network_scan.c`): the results of the manager's scan.

use std::time::Duration;

use prost::Message as _;
use tokio::time::Instant;

use super::manager::Manager;
use super::reply::{
    Refusal, decode, refuse, response_to, status_of, unknown_command, without_body,
};
use crate::proto::network_provisioning::{
    self as np, NetworkScanMsgType as Msg, WiFiScanResult, network_scan_payload::Payload,
};
use crate::proto::protocomm::Status;

/// Answers a request. Returns how long the radio is busy before the answer is sent.
pub(super) fn handle(
    manager: &mut Manager,
    now: Instant,
    request: &[u8],
) -> Result<(Vec<u8>, Duration), Refusal> {
    let request: np::NetworkScanPayload = decode(request)?;
    let rules = manager.rules();
    let mut after = Duration::ZERO;
    // Of the commands for Thread, which this device does not have.
    let mut status = Status::InvalidArgument;
    let payload = match (Msg::try_from(request.msg), request.payload) {
        (Ok(Msg::TypeCmdScanWifiStart), Some(Payload::CmdScanWifiStart(command))) => {
            let duration = manager.scan(now, command);
            if command.blocking {
                after = duration;
            }
            status = Status::Success;
            Payload::RespScanWifiStart(np::RespScanWifiStart {})
        }
        // The one command whose body is not read.
        (Ok(Msg::TypeCmdScanWifiStatus), _) => {
            status = Status::Success;
            Payload::RespScanWifiStatus(np::RespScanWifiStatus {
                scan_finished: manager.is_scan_finished(now),
                result_count: u32::try_from(manager.scan_results(now).len()).unwrap_or(u32::MAX),
            })
        }
        (Ok(Msg::TypeCmdScanWifiResult), Some(Payload::CmdScanWifiResult(command))) => {
            let reply;
            (status, reply) = scan_results(manager, now, command)?;
            Payload::RespScanWifiResult(reply)
        }
        (Ok(Msg::TypeCmdScanThreadStart), _) if rules.has_thread => {
            Payload::RespScanThreadStart(np::RespScanThreadStart {})
        }
        (Ok(Msg::TypeCmdScanThreadStatus), _) if rules.has_thread => {
            Payload::RespScanThreadStatus(np::RespScanThreadStatus::default())
        }
        (Ok(Msg::TypeCmdScanThreadResult), _) if rules.has_thread => {
            Payload::RespScanThreadResult(np::RespScanThreadResult::default())
        }
        (Ok(Msg::TypeCmdScanWifiStart | Msg::TypeCmdScanWifiResult), _) => {
            return Err(without_body(rules));
        }
        _ => return Err(unknown_command()),
    };
    let message = np::NetworkScanPayload {
        msg: response_to(request.msg),
        status: status.into(),
        payload: Some(payload),
    };
    Ok((message.encode_to_vec(), after))
}

/// A range beyond the results fails the whole request or, in older firmware, adds empty entries.
fn scan_results(
    manager: &Manager,
    now: Instant,
    command: np::CmdScanWifiResult,
) -> Result<(Status, np::RespScanWifiResult), Refusal> {
    let points = manager.scan_results(now);
    let too_far = || refuse("more scan results than there are");
    let [first, count] = [command.start_index, command.count].map(usize::try_from);
    let (first, count) = first.ok().zip(count.ok()).ok_or_else(too_far)?;
    let end = first.checked_add(count).ok_or_else(too_far)?;
    let is_within = count == 0 || end <= points.len();
    // Older firmware allocates before it checks, and a microcontroller has little memory.
    if !is_within && (manager.rules().refuses_results_beyond || count > MAX_EMPTY_ENTRIES) {
        return Err(too_far());
    }
    let entries = points.iter().skip(first).take(count);
    let mut entries: Vec<WiFiScanResult> = entries
        .map(|point| WiFiScanResult {
            // A C string ends at the first NUL.
            ssid: until_nul(if point.hidden { b"" } else { &point.ssid }),
            channel: point.channel.into(),
            rssi: point.rssi.into(),
            bssid: point.bssid.to_vec(),
            auth: point.auth.into(),
        })
        .collect();
    entries.resize_with(count, WiFiScanResult::default);
    Ok((status_of(is_within), np::RespScanWifiResult { entries }))
}

/// The maximum of `CONFIG_WIFI_PROV_SCAN_MAX_ENTRIES`.
const MAX_EMPTY_ENTRIES: usize = 255;

/// The C string at the beginning of these bytes.
pub(super) fn until_nul(bytes: &[u8]) -> Vec<u8> {
    let text = bytes.split(|byte| *byte == 0).next();
    text.unwrap_or_default().to_vec()
}
