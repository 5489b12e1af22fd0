//! Nodes as the cloud knows them: keys, configuration, values, and whose they are. Not the calls
//! about them, which are `node_calls`'.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

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
    pub(super) params: Map<String, Value>,
    connected: bool,
    connected_at: Duration,
    pub(super) tags: Vec<String>,
    pub(super) metadata: Map<String, Value>,
    /// By user id: since when.
    owners: BTreeMap<String, Duration>,
}

impl Node {
    /// That it came or went.
    pub(super) fn set_connected(&mut self, now: Duration, connected: bool) {
        self.connected = connected;
        self.connected_at = now;
    }

    /// As `user/nodes/status` tells it.
    pub(super) fn status(&self) -> Value {
        let timestamp = u64::try_from(self.connected_at.as_millis()).unwrap_or(u64::MAX);
        json!({"connectivity": {"connected": self.connected, "timestamp": timestamp}})
    }

    /// As a list tells it to that user, with those of its parts that are wanted.
    pub(super) fn details(&self, id: &str, user_id: &str, wants: impl Fn(&str) -> bool) -> Value {
        let since = self.owners.get(user_id).copied().unwrap_or_default();
        let mut details = Map::new();
        let mut put = |key: &str, value: Value| details.insert(key.to_owned(), value);
        put("id", json!(id));
        put("node_id", json!(id));
        put("role", json!("primary"));
        put("primary", json!(true));
        put("is_matter", json!(false));
        put("mapping_timestamp", json!(since.as_secs()));
        // A node that has not reported its configuration has none here either.
        if wants("config") && !self.config.is_null() {
            put("config", self.config.clone());
        }
        if wants("status") {
            put("status", self.status());
        }
        if wants("params") {
            put("params", Value::Object(self.params.clone()));
        }
        if wants("show_tags") {
            put("tags", json!(self.tags));
        }
        put("metadata", Value::Object(self.metadata.clone()));
        Value::Object(details)
    }

    /// Writes values: of each service or device those that are named.
    pub(super) fn write_params(&mut self, payload: &Map<String, Value>) {
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

    pub(super) fn add_tags(&mut self, tags: &[String]) {
        for tag in tags {
            if !self.tags.contains(tag) {
                self.tags.push(tag.clone());
            }
        }
    }
}

/// All nodes.
#[derive(Debug, Default)]
pub(super) struct Nodes(BTreeMap<String, Node>);

impl Nodes {
    /// Makes a node known, or gives it other keys and another configuration. What it has become
    /// since stays.
    pub(super) fn register(&mut self, id: &str, keys: Vec<PublicKey>, config: Value) -> &mut Node {
        let node = self.0.entry(id.to_owned()).or_default();
        node.keys = keys;
        node.config = config;
        node
    }

    pub(super) fn known(&self, id: &str) -> Result<&Node, Refusal> {
        self.0.get(id).ok_or_else(|| unknown(id))
    }

    pub(super) fn known_mut(&mut self, id: &str) -> Result<&mut Node, Refusal> {
        self.0.get_mut(id).ok_or_else(|| unknown(id))
    }

    /// A node of this user's account.
    pub(super) fn mapped(&self, user_id: &str, id: &str) -> Result<&Node, Refusal> {
        let node = self.0.get(id);
        node.filter(|node| node.owners.contains_key(user_id))
            .ok_or_else(|| not_mapped(id))
    }

    /// A node of this user's account, to be changed.
    pub(super) fn mapped_mut(&mut self, user_id: &str, id: &str) -> Result<&mut Node, Refusal> {
        let node = self.0.get_mut(id);
        node.filter(|node| node.owners.contains_key(user_id))
            .ok_or_else(|| not_mapped(id))
    }

    /// The ids of this user's nodes, sorted.
    pub(super) fn of_user(&self, user_id: &str) -> Vec<String> {
        let nodes = self.0.iter();
        nodes
            .filter(|(_, node)| node.owners.contains_key(user_id))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Puts a node into an account, with tags and metadata. Once more is no harm.
    pub(super) fn map(
        &mut self,
        now: Duration,
        user_id: &str,
        id: &str,
        extras: &Extras,
    ) -> Result<(), Refusal> {
        let node = self.known_mut(id)?;
        node.owners.entry(user_id.to_owned()).or_insert(now);
        node.add_tags(&extras.tags);
        if let Some(change) = &extras.metadata {
            merge(&mut node.metadata, change);
        }
        Ok(())
    }

    /// Takes a node out of an account. One that is nobody's has no tags and no metadata.
    pub(super) fn unmap(&mut self, user_id: &str, id: &str) -> Result<(), Refusal> {
        let node = self.mapped_mut(user_id, id)?;
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

fn unknown(id: &str) -> Refusal {
    NO_NODE.because(format!("there is no node {id}"))
}

fn not_mapped(id: &str) -> Refusal {
    NOT_MAPPED.because(format!("the node {id} is not in this account"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_one_by_one() {
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
    fn a_node_that_left_its_last_account_is_a_blank_one() {
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
