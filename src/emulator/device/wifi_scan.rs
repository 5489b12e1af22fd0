//! prov-scan on the device (`NP/src/network_scan.c`): the results of the manager's scan.

use std::time::Duration;

use tokio::time::Instant;

use super::Device;
use super::reply::{Refusal, decode, refuse, respond, status_of, unknown_command, without_body};
use crate::proto::network_provisioning::{
    self as np, NetworkScanMsgType as Msg, WiFiScanResult, network_scan_payload::Payload,
};
use crate::proto::protocomm::Status;

impl Device {
    /// Answers a request. Returns how long the radio is busy before the answer is sent.
    pub(super) fn handle_scan(
        &mut self,
        now: Instant,
        request: &[u8],
    ) -> Result<(Vec<u8>, Duration), Refusal> {
        let np::NetworkScanPayload { msg, payload, .. } = decode(request)?;
        let (manager, rules) = (&mut self.manager, self.settings.rules());
        let mut after = Duration::ZERO;
        let reply = match (Msg::try_from(msg), payload) {
            (Ok(Msg::TypeCmdScanWifiStart), Some(Payload::CmdScanWifiStart(command))) => {
                let duration = manager.scan(now, command);
                if command.blocking {
                    after = duration;
                }
                respond(msg, Status::Success, &())
            }
            // The one command whose body is not read.
            (Ok(Msg::TypeCmdScanWifiStatus), _) => {
                let count = manager.scan_results(now).len();
                let status = np::RespScanWifiStatus {
                    scan_finished: manager.is_scan_finished(now),
                    result_count: u32::try_from(count).unwrap_or(u32::MAX),
                };
                respond(msg, Status::Success, &status)
            }
            (Ok(Msg::TypeCmdScanWifiResult), Some(Payload::CmdScanWifiResult(command))) => {
                let (status, results) = self.scan_results(now, command)?;
                respond(msg, status, &results)
            }
            (Ok(Msg::TypeCmdScanWifiStart | Msg::TypeCmdScanWifiResult), _) => {
                return Err(without_body(rules));
            }
            // Of Thread, which this device does not have. All values of the bodies are defaults.
            (
                Ok(
                    Msg::TypeCmdScanThreadStart
                    | Msg::TypeCmdScanThreadStatus
                    | Msg::TypeCmdScanThreadResult,
                ),
                _,
            ) if rules.has_thread => respond(msg, Status::InvalidArgument, &()),
            _ => return Err(unknown_command()),
        };
        Ok((reply, after))
    }

    /// A range beyond the results fails the whole request or, in older firmware, adds empty entries.
    fn scan_results(
        &self,
        now: Instant,
        command: np::CmdScanWifiResult,
    ) -> Result<(Status, np::RespScanWifiResult), Refusal> {
        let points = self.manager.scan_results(now);
        let too_far = || refuse("more scan results than there are");
        let [first, count] = [command.start_index, command.count].map(usize::try_from);
        let (first, count) = first.ok().zip(count.ok()).ok_or_else(too_far)?;
        let end = first.checked_add(count).ok_or_else(too_far)?;
        let is_within = count == 0 || end <= points.len();
        // Older firmware allocates before it checks, and a microcontroller has little memory.
        let refuses = self.settings.rules().refuses_results_beyond;
        if !is_within && (refuses || count > MAX_EMPTY_ENTRIES) {
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
}

/// The maximum of `CONFIG_WIFI_PROV_SCAN_MAX_ENTRIES`.
const MAX_EMPTY_ENTRIES: usize = 255;

/// The C string at the beginning of these bytes.
pub(super) fn until_nul(bytes: &[u8]) -> Vec<u8> {
    let text = bytes.split(|byte| *byte == 0).next();
    text.unwrap_or_default().to_vec()
}
