//! The calls for a user's nodes: lists, configuration, values, tags.

use serde_json::{Value, json};

use super::exchange::{ApiAnswer, ApiResult, members};
use super::extras::{MappingExtras, parse_tags};
use super::nodes::CloudNode;
use super::paging::Page;
use super::refusal::MALFORMED;
use super::{Call, Cloud};

impl Cloud {
    /// `GET user/nodes`.
    pub(super) fn list_nodes(&mut self, call: &Call<'_>) -> ApiResult {
        let mut ids = self.nodes.list_mapped(&call.user.id);
        if let Some(id) = call.request.node_id() {
            self.nodes.find_mapped(&call.user.id, id)?;
            ids = vec![id.to_owned()];
        }
        let page = Page::select(call.request, ids, self.page_size)?;
        let with_details = call.request.has_true("node_details");
        Ok(ApiAnswer::ok(members(json!({
            "nodes": page.ids,
            "node_details": with_details.then(|| self.describe_nodes(&page.ids, call)),
            "next_id": page.next,
            "total": page.total,
        }))))
    }

    /// Describes nodes, without the parts that the request excludes.
    pub(super) fn describe_nodes(&mut self, ids: &[String], call: &Call<'_>) -> Value {
        let wants = |name: &str| call.request.parameter(name) != Some("false");
        let describe = |id: &String| {
            let node = self.nodes.find_mapped(&call.user.id, id).ok()?;
            Some(node.describe(id, &call.user.id, wants))
        };
        ids.iter().filter_map(describe).collect()
    }

    /// `GET user/nodes/config`: an empty object for a node that has not reported one.
    pub(super) fn read_node_config(&mut self, call: &Call<'_>) -> ApiResult {
        Ok(ApiAnswer::ok(match &self.find_node(call)?.config {
            Value::Null => json!({}),
            config => config.clone(),
        }))
    }

    /// `GET user/nodes/status`.
    pub(super) fn read_node_status(&mut self, call: &Call<'_>) -> ApiResult {
        Ok(ApiAnswer::ok(self.find_node(call)?.status()))
    }

    /// `GET user/nodes/params`.
    pub(super) fn read_node_params(&mut self, call: &Call<'_>) -> ApiResult {
        Ok(ApiAnswer::ok(self.find_node(call)?.params.clone()))
    }

    /// `PUT user/nodes/params`: a list of nodes and values or, with `node_id`, the values alone.
    /// Each entry succeeds or fails by itself.
    pub(super) fn set_params(&mut self, call: &Call<'_>) -> ApiResult {
        let entries = match (call.request.node_id(), call.request.parse_json()?) {
            (None, Value::Array(entries)) => entries,
            (Some(id), payload @ Value::Object(_)) => {
                vec![json!({"node_id": id, "payload": payload})]
            }
            _ => return Err(MALFORMED.because("expected a list of node_id and payload")),
        };
        let mut status = 200;
        let mut outcomes = Vec::new();
        for entry in entries {
            let node_id = entry.get("node_id").and_then(Value::as_str);
            let node_id = node_id.unwrap_or_default();
            let mut outcome = match self.set_node_params(call, node_id, &entry) {
                Ok(()) => members(json!({"status": "success", "description": "Success"})),
                Err(refusal) => {
                    status = 207;
                    refusal.into_members()
                }
            };
            outcome.insert("node_id".to_owned(), node_id.into());
            outcomes.push(Value::Object(outcome));
        }
        Ok(ApiAnswer::new(status, outcomes))
    }

    fn set_node_params(&mut self, call: &Call<'_>, id: &str, entry: &Value) -> ApiResult<()> {
        let node = self.nodes.find_mapped(&call.user.id, id)?;
        let payload = entry.get("payload").and_then(Value::as_object);
        let payload = payload.filter(|payload| payload.values().all(Value::is_object));
        let payload = payload
            .ok_or_else(|| MALFORMED.because("payload is not an object of services and values"))?;
        node.write_params(payload);
        Ok(())
    }

    /// `PUT user/nodes?node_id=N`: adds tags, changes metadata.
    pub(super) fn tag_node(&mut self, call: &Call<'_>) -> ApiResult {
        let extras = MappingExtras::from_body(&call.request.parse_object()?)?;
        if extras.tags.is_empty() && extras.metadata.is_none() {
            return Err(MALFORMED.because("neither tags nor metadata"));
        }
        self.find_node(call)?.add_extras(&extras);
        Ok(ApiAnswer::success())
    }

    /// `DELETE user/nodes?node_id=N`: removes tags.
    pub(super) fn untag_node(&mut self, call: &Call<'_>) -> ApiResult {
        let tags = parse_tags(&call.request.parse_object()?)?;
        let node = self.find_node(call)?;
        node.tags.retain(|tag| !tags.contains(tag));
        Ok(ApiAnswer::success())
    }

    /// The node of a query, if it is the user's.
    fn find_node(&mut self, call: &Call<'_>) -> ApiResult<&mut CloudNode> {
        let id = call.request.node_id();
        let id = id.ok_or_else(|| MALFORMED.because("node_id is missing"))?;
        self.nodes.find_mapped(&call.user.id, id)
    }
}
