//! Which texts can be a node's id.

/// A node's id, if it can be one: it becomes part of addresses and messages.
pub(super) fn parse_node_id(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    ((1..=LONGEST_NODE_ID).contains(&text.len()) && text.chars().all(fits)).then(|| text.to_owned())
}

/// RainMaker's have 22 characters, MAC addresses 12, UUIDs 36.
const LONGEST_NODE_ID: usize = 128;
