//! The nodes of the cloud: keys, configuration, values, and the users that they are mapped to.
//! `node_calls` has their calls.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::exchange::{ApiResult, Object, members};
use super::extras::{MappingExtras, merge};
use super::refusal::{NO_NODE, NOT_MAPPED};
use super::signature::PublicKey;

/// A node.
#[derive(Debug, Default)]
pub(super) struct CloudNode {
    pub(super) keys: Vec<PublicKey>,
    /// `Null` until the node reports one.
    pub(super) config: Value,
    /// The values, by service or device and by parameter.
    pub(super) params: Object,
    is_connected: bool,
    connected_at: Duration,
    pub(super) tags: Vec<String>,
    pub(super) metadata: Object,
    /// The users that the node is mapped to, by id, with the time of the mapping.
    pub(super) owners: BTreeMap<String, Duration>,
}

impl CloudNode {
    /// Sets whether the node is online.
    pub(super) fn set_connected(&mut self, now: Duration, connected: bool) {
        self.is_connected = connected;
        self.connected_at = now;
    }

    /// The status, as `user/nodes/status` shows it.
    pub(super) fn status(&self) -> Value {
        let timestamp = u64::try_from(self.connected_at.as_millis()).unwrap_or(u64::MAX);
        json!({"connectivity": {"connected": self.is_connected, "timestamp": timestamp}})
    }

    /// Describes the node to a user, as lists do, with the requested parts.
    pub(super) fn describe(&self, id: &str, user_id: &str, wants: impl Fn(&str) -> bool) -> Value {
        let since = self.owners.get(user_id).copied().unwrap_or_default();
        Value::Object(members(json!({
            "id": id,
            "node_id": id,
            "role": "primary",
            "primary": true,
            "is_matter": false,
            "mapping_timestamp": since.as_secs(),
            "config": wants("config").then_some(&self.config),
            "status": wants("status").then(|| self.status()),
            "params": wants("params").then_some(&self.params),
            "tags": wants("show_tags").then_some(&self.tags),
            "metadata": self.metadata,
        })))
    }

    /// Writes the named values of each service or device.
    pub(super) fn write_params(&mut self, payload: &Object) {
        for (name, change) in payload {
            let known = self.params.entry(name).or_insert_with(|| json!({}));
            if let (Value::Object(known), Value::Object(change)) = (known, change) {
                known.extend(change.clone());
            }
        }
    }

    /// Adds tags, and changes metadata.
    pub(super) fn add_extras(&mut self, extras: &MappingExtras) {
        for tag in &extras.tags {
            if !self.tags.contains(tag) {
                self.tags.push(tag.clone());
            }
        }
        if let Some(change) = &extras.metadata {
            merge(&mut self.metadata, change);
        }
    }
}

/// All nodes.
#[derive(Debug, Default)]
pub(super) struct Nodes(BTreeMap<String, CloudNode>);

impl Nodes {
    /// Registers a node, or replaces its keys and configuration.
    pub(super) fn register(&mut self, id: &str, keys: Vec<PublicKey>, config: Value) {
        let node = self.0.entry(id.to_owned()).or_default();
        node.keys = keys;
        node.config = config;
    }

    /// A registered node.
    pub(super) fn find(&mut self, id: &str) -> ApiResult<&mut CloudNode> {
        let node = self.0.get_mut(id);
        node.ok_or_else(|| NO_NODE.because(format!("there is no node {id}")))
    }

    /// A node of this user's account.
    pub(super) fn find_mapped(&mut self, user_id: &str, id: &str) -> ApiResult<&mut CloudNode> {
        let node = self.0.get_mut(id);
        node.filter(|node| node.owners.contains_key(user_id))
            .ok_or_else(|| NOT_MAPPED.because(format!("the node {id} is not in this account")))
    }

    /// The ids of this user's nodes, sorted.
    pub(super) fn list_mapped(&self, user_id: &str) -> Vec<String> {
        let nodes = self.0.iter();
        let mapped = nodes.filter(|(_, node)| node.owners.contains_key(user_id));
        mapped.map(|(id, _)| id.clone()).collect()
    }

    /// Adds a node to an account, with tags and metadata. It can be in the account before.
    pub(super) fn map(
        &mut self,
        now: Duration,
        user_id: &str,
        id: &str,
        extras: &MappingExtras,
    ) -> ApiResult<()> {
        let node = self.find(id)?;
        node.owners.entry(user_id.to_owned()).or_insert(now);
        node.add_extras(extras);
        Ok(())
    }

    /// Removes a node from an account. A node without a user loses tags and metadata.
    pub(super) fn unmap(&mut self, user_id: &str, id: &str) -> ApiResult<()> {
        let node = self.find_mapped(user_id, id)?;
        node.owners.remove(user_id);
        if node.owners.is_empty() {
            node.tags.clear();
            node.metadata.clear();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_params_keeps_other_values() {
        let mut node = CloudNode::default();
        for change in [
            json!({"Time": {"TZ": "Asia/Kolkata", "TZ-POSIX": "IST"}}),
            json!({"Time": {"TZ": "Europe/Berlin"}, "Light": {"Power": true}}),
        ] {
            node.write_params(change.as_object().unwrap());
        }
        let expected = json!({
            "Time": {"TZ": "Europe/Berlin", "TZ-POSIX": "IST"}, "Light": {"Power": true},
        });
        assert_eq!(Value::Object(node.params), expected);
    }

    #[test]
    fn unmapped_node_loses_tags_and_metadata() {
        let mut nodes = Nodes::default();
        nodes.register("n", Vec::new(), json!({"node_id": "n"}));
        let extras = MappingExtras {
            tags: vec!["a:b".to_owned()],
            metadata: Some(json!({"k": 1})),
            group_id: None,
        };
        for user in ["ann", "bob"] {
            nodes.map(Duration::ZERO, user, "n", &extras).unwrap();
        }
        nodes.unmap("ann", "n").unwrap();
        assert!(nodes.unmap("ann", "n").is_err());
        assert_eq!(nodes.find_mapped("bob", "n").unwrap().tags, ["a:b"]);
        nodes.unmap("bob", "n").unwrap();
        let node = nodes.find("n").unwrap();
        assert!(node.tags.is_empty() && node.metadata.is_empty());
        assert!(nodes.map(Duration::ZERO, "ann", "other", &extras).is_err());
    }
}
