//! Validates node ids.

/// Returns the node id if it is valid: it becomes part of addresses and messages.
pub(super) fn parse_node_id(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    ((1..=MAX_NODE_ID_BYTES).contains(&text.len()) && text.chars().all(fits))
        .then(|| text.to_owned())
}

/// RainMaker's node ids have 22 characters, MAC addresses 12, UUIDs 36.
const MAX_NODE_ID_BYTES: usize = 128;
