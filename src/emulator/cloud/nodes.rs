//! Nodes as the cloud knows them: keys, configuration, values, and whose they are. The calls about
//! them are in `node_calls`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::exchange::{Object, members};
use super::extras::{Extras, merge};
use super::refusal::{NO_NODE, NOT_MAPPED, Refusal};
use super::signature::PublicKey;

/// One node.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) keys: Vec<PublicKey>,
    /// `Null` until it has reported one.
    pub(super) config: Value,
    /// Service or device → parameter → value.
    pub(super) params: Object,
    connected: bool,
    connected_at: Duration,
    pub(super) tags: Vec<String>,
    pub(super) metadata: Object,
    /// By user id: since when.
    owners: BTreeMap<String, Duration>,
}

impl Node {
    /// It came or went.
    pub(super) fn set_connected(&mut self, now: Duration, connected: bool) {
        self.connected = connected;
        self.connected_at = now;
    }

    /// As `user/nodes/status` has it.
    pub(super) fn status(&self) -> Value {
        let timestamp = u64::try_from(self.connected_at.as_millis()).unwrap_or(u64::MAX);
        json!({"connectivity": {"connected": self.connected, "timestamp": timestamp}})
    }

    /// As a list shows it to that user, with those of its parts that are wanted.
    pub(super) fn details(&self, id: &str, user_id: &str, wants: impl Fn(&str) -> bool) -> Value {
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

    /// Writes values: of each service or device those that are named.
    pub(super) fn write_params(&mut self, payload: &Object) {
        for (name, change) in payload {
            match (self.params.get_mut(name), change) {
                (Some(Value::Object(known)), Value::Object(change)) => {
                    known.extend(change.clone());
                }
                _ => {
                    self.params.insert(name.clone(), change.clone());
                }
            }
        }
    }

    /// Adds tags, and changes metadata.
    pub(super) fn add(&mut self, extras: &Extras) {
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
pub(super) struct Nodes(BTreeMap<String, Node>);

impl Nodes {
    /// Makes a node known, or gives it other keys and another configuration. What it has become
    /// since stays.
    pub(super) fn register(&mut self, id: &str, keys: Vec<PublicKey>, config: Value) {
        let node = self.0.entry(id.to_owned()).or_default();
        node.keys = keys;
        node.config = config;
    }

    pub(super) fn known(&mut self, id: &str) -> Result<&mut Node, Refusal> {
        let node = self.0.get_mut(id);
        node.ok_or_else(|| NO_NODE.because(format!("there is no node {id}")))
    }

    /// A node of this user's account.
    pub(super) fn mapped(&mut self, user_id: &str, id: &str) -> Result<&mut Node, Refusal> {
        let node = self.0.get_mut(id);
        node.filter(|node| node.owners.contains_key(user_id))
            .ok_or_else(|| NOT_MAPPED.because(format!("the node {id} is not in this account")))
    }

    /// The ids of this user's nodes, sorted.
    pub(super) fn of_user(&self, user_id: &str) -> Vec<String> {
        let nodes = self.0.iter();
        nodes
            .filter(|(_, node)| node.owners.contains_key(user_id))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Puts a node into an account, with tags and metadata; it can be there already.
    pub(super) fn map(
        &mut self,
        now: Duration,
        user_id: &str,
        id: &str,
        extras: &Extras,
    ) -> Result<(), Refusal> {
        let node = self.known(id)?;
        node.owners.entry(user_id.to_owned()).or_insert(now);
        node.add(extras);
        Ok(())
    }

    /// Takes a node out of an account. Without an owner, it has neither tags nor metadata.
    pub(super) fn unmap(&mut self, user_id: &str, id: &str) -> Result<(), Refusal> {
        let node = self.mapped(user_id, id)?;
        node.owners.remove(user_id);
        if node.owners.is_empty() {
            node.tags.clear();
            node.metadata.clear();
        }
        Ok(())
    }

    /// Whose it is.
    pub(super) fn owners(&self, id: &str) -> Vec<String> {
        let node = self.0.get(id);
        node.map(|node| node.owners.keys().cloned().collect())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_params_keeps_other_values() {
        let mut node = Node::default();
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
    fn node_without_owner_has_no_tags_and_no_metadata() {
        let mut nodes = Nodes::default();
        nodes.register("n", Vec::new(), json!({"node_id": "n"}));
        let extras = Extras {
            tags: vec!["a:b".to_owned()],
            metadata: Some(json!({"k": 1})),
            group_id: None,
        };
        for user in ["ann", "bob"] {
            nodes.map(Duration::ZERO, user, "n", &extras).unwrap();
        }
        nodes.unmap("ann", "n").unwrap();
        assert!(nodes.unmap("ann", "n").is_err());
        assert_eq!(nodes.mapped("bob", "n").unwrap().tags, ["a:b"]);
        nodes.unmap("bob", "n").unwrap();
        let node = nodes.known("n").unwrap();
        assert!(node.tags.is_empty() && node.metadata.is_empty());
        assert!(nodes.map(Duration::ZERO, "ann", "other", &extras).is_err());
    }
}
