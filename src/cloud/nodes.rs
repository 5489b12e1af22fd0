//! The nodes of the account: what there is, what each is, and letting go of one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Call, Client, CloudError};

/// A node, with whatever the cloud tells of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Node {
    /// Its id.
    pub node_id: String,
    /// What the firmware says about itself: name, type, model, version, devices, services.
    pub config: Option<Value>,
    /// Whether it is connected, and since when (milliseconds since 1970).
    pub status: Option<Value>,
    /// The values of its parameters, by device or service and name.
    pub params: Option<Value>,
    /// Each `key:value`.
    pub tags: Vec<String>,
    /// What its owner noted.
    pub metadata: Option<Value>,
    /// `primary` or `secondary`.
    pub role: Option<String>,
}

impl Node {
    /// What its firmware calls it.
    pub fn name(&self) -> Option<&str> {
        self.config.as_ref()?.pointer("/info/name")?.as_str()
    }

    /// What kind of thing it says to be.
    pub fn kind(&self) -> Option<&str> {
        self.config.as_ref()?.pointer("/info/type")?.as_str()
    }

    /// Its firmware's version.
    pub fn firmware(&self) -> Option<&str> {
        self.config.as_ref()?.pointer("/info/fw_version")?.as_str()
    }

    /// Whether it is connected to the cloud; `None` where it never was.
    pub fn is_connected(&self) -> Option<bool> {
        self.status
            .as_ref()?
            .pointer("/connectivity/connected")?
            .as_bool()
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    nodes: Vec<String>,
    #[serde(default)]
    node_details: Vec<Details>,
    #[serde(default)]
    next_id: Option<String>,
}

/// Some deployments say `id`, others `node_id`, or both.
#[derive(Deserialize)]
struct Details {
    id: Option<String>,
    node_id: Option<String>,
    config: Option<Value>,
    status: Option<Value>,
    params: Option<Value>,
    #[serde(default)]
    tags: Option<Vec<String>>,
    metadata: Option<Value>,
    role: Option<String>,
}

impl Node {
    /// `None` where it has no name to be called by.
    fn from_details(details: Details) -> Option<Self> {
        Some(Self {
            node_id: details.id.or(details.node_id)?,
            config: details.config,
            status: details.status,
            params: details.params,
            tags: details.tags.unwrap_or_default(),
            metadata: details.metadata,
            role: details.role,
        })
    }
}

#[derive(Serialize)]
struct Removal<'a> {
    node_id: &'a str,
    operation: &'static str,
}

impl Client {
    /// Every node of the account, with details.
    pub async fn nodes(&self) -> Result<Vec<Node>, CloudError> {
        const NAME: &str = "the list of nodes";
        let mut found: Vec<Node> = Vec::new();
        let mut start: Option<String> = None;
        loop {
            let mut query = vec![("node_details", "true"), ("show_tags", "true")];
            if let Some(start) = &start {
                query.push(("start_id", start));
            }
            let page: Page = self
                .call(Call::get(NAME, "user/nodes").query(&query))
                .await?;
            let before = found.len();
            add_page(&mut found, page.nodes, page.node_details);
            match page.next_id.filter(|next| !next.is_empty()) {
                None => return Ok(found),
                // A page that brings nothing new would come for ever.
                Some(next) if start.as_ref() == Some(&next) || found.len() == before => {
                    return Err(CloudError::Malformed {
                        host: self.host().to_owned(),
                        call: NAME,
                        what: "its pages do not end".to_owned(),
                    });
                }
                Some(next) => start = Some(next),
            }
        }
    }

    /// One node of the account; `None` if it has no such node.
    pub async fn node(&self, node_id: &str) -> Result<Option<Node>, CloudError> {
        let query = [
            ("node_id", node_id),
            ("node_details", "true"),
            ("show_tags", "true"),
        ];
        let call = Call::get("the node", "user/nodes").query(&query);
        let mut found = Vec::new();
        match self.call::<Page>(call).await {
            Ok(page) => add_page(&mut found, page.nodes, page.node_details),
            // Somebody else's, or nobody's: the cloud does not say which.
            Err(CloudError::Rejected {
                status: 400 | 403 | 404,
                ..
            }) => {}
            Err(error) => return Err(error),
        }
        Ok(found.into_iter().find(|node| node.node_id == node_id))
    }

    /// What its firmware says about itself.
    pub async fn node_config(&self, node_id: &str) -> Result<Value, CloudError> {
        let query = [("node_id", node_id)];
        self.call(Call::get("the node's description", "user/nodes/config").query(&query))
            .await
    }

    /// Whether it is connected.
    pub async fn node_status(&self, node_id: &str) -> Result<Value, CloudError> {
        let query = [("node_id", node_id)];
        self.call(Call::get("the node's state", "user/nodes/status").query(&query))
            .await
    }

    /// The values of its parameters.
    pub async fn params(&self, node_id: &str) -> Result<Value, CloudError> {
        let query = [("node_id", node_id)];
        self.call(Call::get("the node's parameters", "user/nodes/params").query(&query))
            .await
    }

    /// Sets parameters: `{"device or service": {"parameter": value}}`.
    pub async fn set_params(&self, node_id: &str, payload: &Value) -> Result<(), CloudError> {
        const NAME: &str = "the node's new parameters";
        let body = serde_json::json!([{"node_id": node_id, "payload": payload}]);
        // The answer has a verdict for each node, and its own says nothing about them.
        let verdicts: Value = self
            .call(Call::put(NAME, "user/nodes/params").json(&body))
            .await?;
        let refused = verdicts
            .as_array()
            .into_iter()
            .flatten()
            .find(|one| one.get("status").is_some_and(|status| status != "success"));
        match refused {
            None => Ok(()),
            Some(refusal) => Err(CloudError::Rejected {
                call: NAME,
                status: 200,
                code: None,
                description: refusal
                    .get("description")
                    .and_then(Value::as_str)
                    .map(|text| crate::ident::printable(text.as_bytes())),
            }),
        }
    }

    /// Adds tags, each `key:value`.
    pub async fn add_tags(&self, node_id: &str, tags: &[String]) -> Result<(), CloudError> {
        let body = serde_json::json!({"tags": tags});
        let query = [("node_id", node_id)];
        let call = Call::put("the tags", "user/nodes")
            .query(&query)
            .json(&body);
        self.call_for_success(call).await
    }

    /// Merges metadata: new members are added, others replaced, `null` removes one.
    pub async fn merge_metadata(
        &self,
        node_id: &str,
        metadata: &Map<String, Value>,
    ) -> Result<(), CloudError> {
        let body = serde_json::json!({"metadata": metadata});
        let query = [("node_id", node_id)];
        let call = Call::put("the metadata", "user/nodes")
            .query(&query)
            .json(&body);
        self.call_for_success(call).await
    }

    /// Lets go of a node: it is nobody's then, or the others' who share it.
    pub async fn remove_node(&self, node_id: &str) -> Result<(), CloudError> {
        let body = Removal {
            node_id,
            operation: "remove",
        };
        // Removed twice, the second is refused: so not again once it may have arrived.
        let call = Call {
            repeat: super::Repeat::Unsafe,
            ..Call::put("the removal", "user/nodes/mapping")
        };
        self.call_for_success(call.json(&body)).await
    }
}

/// Details where there are some, the bare id where not.
fn add_page(found: &mut Vec<Node>, ids: Vec<String>, details: Vec<Details>) {
    let mut add = |node: Node| {
        if found.iter().all(|known| known.node_id != node.node_id) {
            found.push(node);
        }
    };
    for node in details.into_iter().filter_map(Node::from_details) {
        add(node);
    }
    for node_id in ids {
        add(Node {
            node_id,
            config: None,
            status: None,
            params: None,
            tags: Vec::new(),
            metadata: None,
            role: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_known_by_either_name() {
        let page: Page = serde_json::from_str(
            r#"{"nodes":["a","b","c","d"],"next_id":null,"node_details":[
                {"id":"a","node_id":"a","role":"primary","tags":["k:v"]},
                {"id":"b","config":{"info":{"name":"Lamp","type":"Light","fw_version":"1.0"}}},
                {"node_id":"c","status":{"connectivity":{"connected":true}},"tags":null},
                {"role":"nobody"}]}"#,
        )
        .unwrap();
        let mut found = Vec::new();
        add_page(&mut found, page.nodes, page.node_details);
        let ids: Vec<&str> = found.iter().map(|node| node.node_id.as_str()).collect();
        assert_eq!(ids, ["a", "b", "c", "d"]);
        assert_eq!(found[0].tags, ["k:v"]);
        assert_eq!(found[1].name(), Some("Lamp"));
        assert_eq!(found[1].kind(), Some("Light"));
        assert_eq!(found[1].firmware(), Some("1.0"));
        assert_eq!(found[2].is_connected(), Some(true));
        assert_eq!(found[3].is_connected(), None);
    }
}
