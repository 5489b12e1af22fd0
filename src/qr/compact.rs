//! The compact form `NP:<name>|<pop>|<b or s>` (`CONFIG_APP_NETWORK_PROV_COMPACT_QR`). Nothing in it
//! is escaped, so a bar can only be part of the PoP.

use super::{Fault, Payload, Tail, Wrong};
use crate::secret::Secret;

/// Reads a text that begins with `NP:`, in whatever case.
pub(super) fn read(body: &str, tail: Tail) -> Result<Payload, Wrong> {
    let end = body.trim_end().len();
    let missing = |expected, at| Fault::NotCompact { expected }.in_body(at);
    if let Some(at) = body.trim_end().find(char::is_control) {
        return Err(Fault::Control.in_body(at));
    }
    let fields = body.get(PREFIX..end).unwrap_or_default();
    let Some((name, rest)) = fields.split_once('|') else {
        return Err(missing("the bar after the name", end));
    };
    if name.is_empty() {
        return Err(missing("the name", PREFIX));
    }
    let Some((pop, last)) = rest.rsplit_once('|') else {
        return Err(missing("the bar after the PoP", end));
    };
    let letter = match tail {
        Tail::Nothing | Tail::Anything => last,
        Tail::OfUrl => last.split(['&', '#']).next().unwrap_or(last),
    };
    let transport = match letter {
        "b" => "ble",
        "s" => "softap",
        _ => {
            let at = end.saturating_sub(last.len());
            return Err(missing("b or s at the end", at));
        }
    };
    Ok(Payload {
        name: Some(name.to_owned()),
        pop: (!pop.is_empty()).then(|| Secret::new(pop.to_owned())),
        transport: Some(transport.to_owned()),
        ..Payload::default()
    })
}

/// The bytes of `NP:`.
const PREFIX: usize = 3;
