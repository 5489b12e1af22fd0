//! Control calls outside the API, without a token. Emulated devices and tests use them in place of the
//! factory, of MQTT and of waiting.

use std::fmt::Display;
use std::str::FromStr as _;
use std::time::Duration;

use serde_json::Value;

use super::Cloud;
use super::exchange::{ApiAnswer, ApiResult, Object, Request, texts};
use super::fault::CloudFault;
use super::log::CloudEvent;
use super::refusal::CONTROL;
use super::signature::PublicKey;
use crate::emulator::fault::Faults;

impl Cloud {
    /// Handles a call below `/emulator/`.
    pub(super) fn handle_control(&mut self, path: &str, request: &Request) -> ApiResult {
        let parts: Vec<&str> = path.split('/').collect();
        let body = || request.parse_object();
        match (request.method.as_str(), &parts[..]) {
            ("PUT", ["nodes", id]) => self.register(id, &body()?),
            ("POST", ["nodes", id, "user_mapping"]) => self.handle_node_message(id, &body()?),
            ("PUT", ["nodes", id, "connectivity"]) => self.set_connected(id, &body()?),
            ("PUT", ["faults"]) => self.replace_faults(&body()?),
            ("POST", ["clock"]) => self.move_clock(&body()?),
            _ => return Ok(ApiAnswer::not_found()),
        }?;
        Ok(ApiAnswer::success())
    }

    fn register(&mut self, id: &str, body: &Object) -> ApiResult<()> {
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if !(1..=64).contains(&id.len()) || !id.bytes().all(is_id) {
            return Err(CONTROL.because("a node id is 1 to 64 letters, digits and -_.:"));
        }
        let keys = parse_texts(body, "public_keys", PublicKey::from_pem)?;
        let config = body.get("config").cloned().unwrap_or_default();
        if !config.is_object() && !config.is_null() {
            return Err(CONTROL.because("config is not an object"));
        }
        self.log.write(&CloudEvent::NodeRegistered {
            node_id: id,
            keys: keys.iter().map(PublicKey::into_str).collect(),
        });
        self.nodes.register(id, keys, config);
        Ok(())
    }

    fn set_connected(&mut self, node_id: &str, body: &Object) -> ApiResult<()> {
        let connected = body.get("connected").and_then(Value::as_bool);
        let connected = connected.ok_or_else(|| CONTROL.because("connected is true or false"))?;
        let now = self.clock.now();
        self.nodes.find(node_id)?.set_connected(now, connected);
        self.log
            .write(&CloudEvent::Connectivity { node_id, connected });
        Ok(())
    }

    /// Replaces the faults. The new ones count requests from now on.
    fn replace_faults(&mut self, body: &Object) -> ApiResult<()> {
        let faults = parse_texts(body, "faults", CloudFault::from_str)?;
        let ordered = faults.len();
        self.log.write(&CloudEvent::FaultsOrdered { ordered });
        self.faults = Faults::new(faults);
        Ok(())
    }

    fn move_clock(&mut self, body: &Object) -> ApiResult<()> {
        let advance_s = body.get("advance_s").and_then(Value::as_u64);
        let advance_s = advance_s
            .filter(|seconds| *seconds <= MAX_ADVANCE)
            .ok_or_else(|| CONTROL.because("advance_s is a number of seconds"))?;
        self.clock.advance(Duration::from_secs(advance_s));
        self.log_timeouts();
        let now = self.clock.now().as_secs();
        self.log.write(&CloudEvent::Clock { advance_s, now });
        Ok(())
    }
}

/// Parses each text of a list.
fn parse_texts<T, E: Display>(
    body: &Object,
    key: &str,
    parse: fn(&str) -> Result<T, E>,
) -> ApiResult<Vec<T>> {
    let texts = texts(body, key)?;
    let parsed: Result<_, E> = texts.iter().map(|text| parse(text)).collect();
    parsed.map_err(|error| CONTROL.because(error.to_string()))
}

/// A century, in seconds; more is a mistake.
const MAX_ADVANCE: u64 = 3_155_760_000;
