//! Validates node ids.

/// Returns the node id if it is valid: it becomes part of addresses and messages.
pub(super) fn parse_node_id(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    ((1..=LONGEST_NODE_ID).contains(&text.len()) && text.chars().all(fits)).then(|| text.to_owned())
}

/// RainMaker's node ids have 22 characters, MAC addresses 12, UUIDs 36.
const LONGEST_NODE_ID: usize = 128;
