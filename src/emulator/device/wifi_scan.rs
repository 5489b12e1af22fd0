//! prov-scan on the device (`NP/src/network_scan.c`): raw messages to what the manager's scan
//! found. Not when a scan ends, which is the manager's.

use std::time::Duration;

use prost::Message as _;
use tokio::time::Instant;

use super::manager::Manager;
use super::reply::{
    Refusal, decode, refuse, response_to, status_of, unknown_command, without_body,
};
use crate::proto::network_provisioning::network_scan_payload::Payload;
use crate::proto::network_provisioning::{
    CmdScanWifiResult, NetworkScanMsgType as Msg, NetworkScanPayload, RespScanThreadResult,
    RespScanThreadStart, RespScanThreadStatus, RespScanWifiResult, RespScanWifiStart,
    RespScanWifiStatus, WiFiScanResult,
};
use crate::proto::protocomm::Status;

/// The answer, and how long the radio is busy before it leaves.
pub(super) fn handle(
    manager: &mut Manager,
    now: Instant,
    request: &[u8],
) -> Result<(Vec<u8>, Duration), Refusal> {
    let request: NetworkScanPayload = decode(request)?;
    let rules = manager.rules();
    let mut after = Duration::ZERO;
    // What a device with Wi-Fi answers to the commands for Thread.
    let mut status = Status::InvalidArgument;
    let payload = match (Msg::try_from(request.msg), request.payload) {
        (Ok(Msg::TypeCmdScanWifiStart), Some(Payload::CmdScanWifiStart(command))) => {
            let takes = manager.scan(now, command);
            if command.blocking {
                after = takes;
            }
            status = Status::Success;
            Payload::RespScanWifiStart(RespScanWifiStart {})
        }
        // The one command of which the body is not looked at.
        (Ok(Msg::TypeCmdScanWifiStatus), _) => {
            status = Status::Success;
            Payload::RespScanWifiStatus(RespScanWifiStatus {
                scan_finished: manager.scan_finished(now),
                result_count: u32::try_from(manager.seen(now).len()).unwrap_or(u32::MAX),
            })
        }
        (Ok(Msg::TypeCmdScanWifiResult), Some(Payload::CmdScanWifiResult(command))) => {
            let reply;
            (status, reply) = results(manager, now, command)?;
            Payload::RespScanWifiResult(reply)
        }
        (Ok(Msg::TypeCmdScanThreadStart), _) if rules.knows_thread => {
            Payload::RespScanThreadStart(RespScanThreadStart {})
        }
        (Ok(Msg::TypeCmdScanThreadStatus), _) if rules.knows_thread => {
            Payload::RespScanThreadStatus(RespScanThreadStatus::default())
        }
        (Ok(Msg::TypeCmdScanThreadResult), _) if rules.knows_thread => {
            Payload::RespScanThreadResult(RespScanThreadResult::default())
        }
        (Ok(Msg::TypeCmdScanWifiStart | Msg::TypeCmdScanWifiResult), _) => {
            return Err(without_body(rules));
        }
        _ => return Err(unknown_command()),
    };
    let message = NetworkScanPayload {
        msg: response_to(request.msg),
        status: status.into(),
        payload: Some(payload),
    };
    Ok((message.encode_to_vec(), after))
}

/// One index too many fails the whole request, or, in older firmware, leaves empty entries.
fn results(
    manager: &Manager,
    now: Instant,
    command: CmdScanWifiResult,
) -> Result<(Status, RespScanWifiResult), Refusal> {
    let seen = manager.seen(now);
    let too_far = || refuse("more scan results than there are");
    let first = usize::try_from(command.start_index).map_err(|_| too_far())?;
    let count = usize::try_from(command.count).map_err(|_| too_far())?;
    let end = first.checked_add(count).ok_or_else(too_far)?;
    let within = count == 0 || end <= seen.len();
    let refuses = manager.rules().refuses_results_beyond;
    // The older ones allocate before they look, and a microcontroller has little to give.
    if !within && (refuses || count > MOST_EMPTY_ENTRIES) {
        return Err(too_far());
    }
    let entries = seen.iter().skip(first).take(count);
    let mut entries: Vec<WiFiScanResult> = entries
        .map(|point| WiFiScanResult {
            // A C string: it ends at the first NUL.
            ssid: if point.hidden {
                Vec::new()
            } else {
                until_nul(&point.ssid)
            },
            channel: point.channel.into(),
            rssi: point.rssi.into(),
            bssid: point.bssid.to_vec(),
            auth: point.auth.into(),
        })
        .collect();
    entries.resize_with(count, WiFiScanResult::default);
    Ok((status_of(within), RespScanWifiResult { entries }))
}

/// What `CONFIG_WIFI_PROV_SCAN_MAX_ENTRIES` can be set to.
const MOST_EMPTY_ENTRIES: usize = 255;

pub(super) fn until_nul(bytes: &[u8]) -> Vec<u8> {
    let text = bytes.split(|byte| *byte == 0).next();
    text.unwrap_or_default().to_vec()
}
