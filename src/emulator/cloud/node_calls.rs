//! The calls about a user's nodes: lists, configuration, values, tags.

use serde_json::{Value, json};

use super::exchange::{Answer, Outcome, members};
use super::extras::{Extras, tags_of};
use super::nodes::Node;
use super::paging::Page;
use super::refusal::{MALFORMED, Refusal};
use super::{Call, Cloud};

impl Cloud {
    /// `GET user/nodes`.
    pub(super) fn list_nodes(&mut self, call: &Call<'_>) -> Outcome {
        let mut ids = self.nodes.of_user(&call.user.id);
        if let Some(id) = call.request.node_id() {
            self.nodes.mapped(&call.user.id, id)?;
            ids = vec![id.to_owned()];
        }
        let page = Page::of(call.request, ids, self.page_size)?;
        let with_details = call.request.asks_for("node_details");
        Ok(Answer::of(members(json!({
            "nodes": page.ids,
            "node_details": with_details.then(|| self.details(&page.ids, call)),
            "next_id": page.next,
            "total": page.total,
        }))))
    }

    /// The details of nodes, as far as a request does not say no to parts of them.
    pub(super) fn details(&mut self, ids: &[String], call: &Call<'_>) -> Value {
        let wants = |name: &str| call.request.parameter(name) != Some("false");
        ids.iter()
            .filter_map(|id| {
                let node = self.nodes.mapped(&call.user.id, id).ok()?;
                Some(node.details(id, &call.user.id, wants))
            })
            .collect()
    }

    /// `GET user/nodes/config`: an empty object for a node that has not reported one.
    pub(super) fn node_config(&mut self, call: &Call<'_>) -> Outcome {
        Ok(Answer::of(match &self.named_node(call)?.config {
            Value::Null => json!({}),
            config => config.clone(),
        }))
    }

    /// `GET user/nodes/status`.
    pub(super) fn node_status(&mut self, call: &Call<'_>) -> Outcome {
        Ok(Answer::of(self.named_node(call)?.status()))
    }

    /// `GET user/nodes/params`.
    pub(super) fn node_params(&mut self, call: &Call<'_>) -> Outcome {
        Ok(Answer::of(self.named_node(call)?.params.clone()))
    }

    /// `PUT user/nodes/params`: a list of nodes and values or, with `node_id`, the values alone.
    /// Each entry succeeds or fails by itself.
    pub(super) fn set_params(&mut self, call: &Call<'_>) -> Outcome {
        let entries = match (call.request.node_id(), call.request.json()?) {
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
            let refusal = self.set_params_of(call, node_id, &entry).err();
            let refusal = refusal.as_ref();
            if refusal.is_some() {
                status = 207;
            }
            outcomes.push(members(json!({
                "node_id": node_id,
                "status": refusal.map_or("success", |_| "failure"),
                "error_code": refusal.and_then(|refusal| refusal.kind.code),
                "description": refusal.map_or("Success", |refusal| &refusal.description),
            })));
        }
        Ok(Answer::new(status, outcomes))
    }

    fn set_params_of(
        &mut self,
        call: &Call<'_>,
        node_id: &str,
        entry: &Value,
    ) -> Result<(), Refusal> {
        let node = self.nodes.mapped(&call.user.id, node_id)?;
        let payload = entry.get("payload").and_then(Value::as_object);
        let payload = payload.filter(|payload| payload.values().all(Value::is_object));
        let payload = payload
            .ok_or_else(|| MALFORMED.because("payload is not an object of services and values"))?;
        node.write_params(payload);
        Ok(())
    }

    /// `PUT user/nodes?node_id=N`: more tags, other metadata.
    pub(super) fn tag_node(&mut self, call: &Call<'_>) -> Outcome {
        let extras = Extras::of(&call.request.object()?)?;
        if extras.tags.is_empty() && extras.metadata.is_none() {
            return Err(MALFORMED.because("neither tags nor metadata"));
        }
        self.named_node(call)?.add(&extras);
        Ok(Answer::done())
    }

    /// `DELETE user/nodes?node_id=N`: fewer tags.
    pub(super) fn untag_node(&mut self, call: &Call<'_>) -> Outcome {
        let tags = tags_of(&call.request.object()?)?;
        let node = self.named_node(call)?;
        node.tags.retain(|tag| !tags.contains(tag));
        Ok(Answer::done())
    }

    /// The node that a query names, if it is the user's.
    fn named_node(&mut self, call: &Call<'_>) -> Result<&mut Node, Refusal> {
        let id = call.request.node_id();
        let id = id.ok_or_else(|| MALFORMED.because("node_id is missing"))?;
        self.nodes.mapped(&call.user.id, id)
    }
}
