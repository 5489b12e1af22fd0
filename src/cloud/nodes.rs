//! The nodes of the account: lists, reads, tags and removes them.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::client::Client;
use super::error::CloudError;
use super::paging::{entries, entries_if_any, valid_or_default};

/// A node, with all data of the cloud.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Node {
    /// The node's id in the account.
    #[serde(default, deserialize_with = "valid_or_default")]
    pub node_id: String,
    /// The firmware's description of the node: name, type, model, version, devices, services.
    pub config: Option<Value>,
    /// Whether the node is connected, and since when (milliseconds since 1970).
    pub status: Option<Value>,
    /// Parameter values, by device or service and by name.
    pub params: Option<Value>,
    /// Tags, each `key:value`.
    #[serde(default, deserialize_with = "entries_if_any")]
    pub tags: Vec<String>,
    /// The owner's metadata.
    pub metadata: Option<Value>,
    /// `primary` or `secondary`.
    #[serde(default, deserialize_with = "valid_or_default")]
    pub role: Option<String>,
}

impl Node {
    /// The name set by the firmware.
    pub fn name(&self) -> Option<&str> {
        self.info("name")
    }

    /// The type of product, as set by the firmware.
    pub fn kind(&self) -> Option<&str> {
        self.info("type")
    }

    /// The firmware version.
    pub fn firmware(&self) -> Option<&str> {
        self.info("fw_version")
    }

    fn info(&self, key: &str) -> Option<&str> {
        self.config.as_ref()?.get("info")?.get(key)?.as_str()
    }

    /// Whether the node is connected to the cloud; `None` if it never was.
    pub fn is_connected(&self) -> Option<bool> {
        let connectivity = self.status.as_ref()?.get("connectivity")?;
        connectivity.get("connected")?.as_bool()
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default, deserialize_with = "entries")]
    nodes: Vec<String>,
    #[serde(default, deserialize_with = "entries")]
    node_details: Vec<Details>,
}

/// The details of a node. Deployments use `id`, `node_id`, or both.
#[derive(Deserialize)]
struct Details {
    #[serde(default, deserialize_with = "valid_or_default")]
    id: Option<String>,
    #[serde(flatten)]
    node: Node,
}

impl Details {
    /// The node; `None` if the details have no id.
    fn into_node(self) -> Option<Node> {
        let node_id = self.id.unwrap_or(self.node.node_id);
        (!node_id.is_empty()).then_some(Node {
            node_id,
            ..self.node
        })
    }
}

impl Page {
    /// The nodes with details, then the others, some of them again.
    fn into_nodes(self) -> impl Iterator<Item = Node> {
        let described = self.node_details.into_iter().filter_map(Details::into_node);
        described.chain(self.nodes.into_iter().map(|node_id| Node {
            node_id,
            ..Node::default()
        }))
    }
}

impl Client {
    /// Every node of the account, with details.
    pub async fn list_nodes(&self) -> Result<Vec<Node>, CloudError> {
        let query = [("node_details", "true"), ("show_tags", "true")];
        let pages = self.fetch_pages("the list of nodes", "user/nodes", &query);
        Ok(distinct_nodes(pages.await?))
    }

    /// One node of the account; `None` if the account does not have it.
    pub async fn fetch_node(&self, node_id: &str) -> Result<Option<Node>, CloudError> {
        let query = [
            ("node_id", node_id),
            ("node_details", "true"),
            ("show_tags", "true"),
        ];
        let call = Call::get("the node", "user/nodes").query(&query);
        match self.call::<Page>(call).await {
            Ok(page) => Ok(page.into_nodes().find(|node| node.node_id == node_id)),
            Err(error) if is_unknown_node(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds tags, each `key:value`.
    pub async fn add_tags(&self, node_id: &str, tags: &[String]) -> Result<(), CloudError> {
        let call = Call::put("the tags", "user/nodes")
            .query(&[("node_id", node_id)])
            .json(&json!({"tags": tags}));
        self.call_for_success(call).await
    }

    /// Merges metadata: members are added or replaced; a `null` removes one.
    pub async fn merge_metadata(
        &self,
        node_id: &str,
        metadata: &Map<String, Value>,
    ) -> Result<(), CloudError> {
        let call = Call::put("the metadata", "user/nodes")
            .query(&[("node_id", node_id)])
            .json(&json!({"metadata": metadata}));
        self.call_for_success(call).await
    }

    /// Removes a node from the account. Users who share it keep it.
    pub async fn remove_node(&self, node_id: &str) -> Result<(), CloudError> {
        // A second removal would be rejected, so the call is not repeated if it may have arrived.
        let call = Call::put("the removal", "user/nodes/mapping")
            .idempotent(false)
            .json(&json!({"node_id": node_id, "operation": "remove"}));
        self.call_for_success(call).await
    }
}

/// Whether a rejection means that the account does not have the node. Other rejections
/// do not concern the node.
fn is_unknown_node(error: &CloudError) -> bool {
    match error {
        CloudError::Rejected { status: 404, .. } => true,
        CloudError::Rejected {
            code: Some(code), ..
        } => UNKNOWN_NODE_CODES.contains(&code.as_str()),
        _ => false,
    }
}

/// The nodes of the pages, each once: with details if its page has them, or else only the id.
fn distinct_nodes(pages: Vec<Page>) -> Vec<Node> {
    let mut seen = HashSet::new();
    let nodes = pages.into_iter().flat_map(Page::into_nodes);
    nodes
        .filter(|node| seen.insert(node.node_id.clone()))
        .collect()
}

/// The emulated cloud's codes for "no such node" and "not in this account". The codes of other
/// clouds are not published.
const UNKNOWN_NODE_CODES: [&str; 2] = ["103904", "103905"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_node_id_of_either_key() {
        let page: Page = serde_json::from_str(
            r#"{"nodes":["a","b","c","d"],"next_id":null,"node_details":[
                {"id":"a","node_id":"a","role":"primary","tags":["k:v"]},
                {"id":"b","config":{"info":{"name":"Lamp","type":"Light","fw_version":"1.0"}}},
                {"node_id":"c","status":{"connectivity":{"connected":true}},"tags":null},
                {"role":"nobody"}]}"#,
        )
        .unwrap();
        let nodes = distinct_nodes(vec![page]);
        let ids: Vec<&str> = nodes.iter().map(|node| node.node_id.as_str()).collect();
        assert_eq!(ids, ["a", "b", "c", "d"]);
        assert_eq!(nodes[0].tags, ["k:v"]);
        assert_eq!(nodes[1].name(), Some("Lamp"));
        assert_eq!(nodes[1].kind(), Some("Light"));
        assert_eq!(nodes[1].firmware(), Some("1.0"));
        assert_eq!(nodes[2].is_connected(), Some(true));
        assert_eq!(nodes[3].is_connected(), None);
    }

    #[test]
    fn skips_invalid_entries() {
        let nodes_of = |page: &str| distinct_nodes(vec![serde_json::from_str(page).unwrap()]);
        assert!(nodes_of(r#"{"nodes":null,"node_details":null}"#).is_empty());
        // This is not a list of nodes, and must not count as an empty one.
        for other in [r#"{"nodes":"none"}"#, r#"{"node_details":{}}"#] {
            assert!(serde_json::from_str::<Page>(other).is_err(), "{other}");
        }
        let nodes = nodes_of(
            r#"{"nodes":["a",null,7,"b"],"node_details":[null,"a",
                {"id":"a","tags":["k:v",null,{"k":"v"}],"role":1},{"id":5,"node_id":"c","tags":{}}]}"#,
        );
        let names: Vec<&str> = nodes.iter().map(|node| node.node_id.as_str()).collect();
        assert_eq!(names, ["a", "c", "b"]);
        assert_eq!(nodes[0].tags, ["k:v"]);
        assert_eq!(nodes[0].role, None);
    }

    #[test]
    fn only_specific_rejections_mean_unknown_node() {
        let refusal = |status, code: Option<&str>| CloudError::Rejected {
            call: "the node",
            status,
            code: code.map(str::to_owned),
            description: None,
        };
        assert!(is_unknown_node(&refusal(404, None)));
        assert!(is_unknown_node(&refusal(400, Some("103905"))));
        for (status, code) in [(400, None), (403, None), (400, Some("100901")), (200, None)] {
            assert!(
                !is_unknown_node(&refusal(status, code)),
                "{status} {code:?}"
            );
        }
    }
}
