//! The calls about a user's nodes: lists, configuration, values, tags.

use serde_json::{Map, Value, json};

use super::exchange::{Answer, Body, Request};
use super::extras::{Extras, merge, tags_of};
use super::paging::Page;
use super::refusal::{MALFORMED, Refusal};
use super::{Caller, Cloud};

impl Cloud {
    /// `GET user/nodes`.
    pub(super) fn list_nodes(&self, caller: &Caller, request: &Request) -> Result<Answer, Refusal> {
        let user_id = &caller.user_id;
        let ids = match request.node_id() {
            Some(id) => self
                .nodes
                .mapped(user_id, id)
                .map(|_| vec![id.to_owned()])?,
            None => self.nodes.of_user(user_id),
        };
        let page = Page::of(request, ids, self.page_size)?;
        let mut answer = Map::new();
        answer.insert("nodes".to_owned(), json!(page.ids));
        if request.asks_for("node_details") {
            let details = self.details_of(user_id, &page.ids, request);
            answer.insert("node_details".to_owned(), details);
        }
        page.note(&mut answer);
        Ok(Answer::of(Value::Object(answer)))
    }

    /// The details of nodes, as far as a request does not say no to parts of them.
    pub(super) fn details_of(&self, user_id: &str, ids: &[String], request: &Request) -> Value {
        let wants = |name: &str| request.parameter(&[name]) != Some("false");
        ids.iter()
            .filter_map(|id| {
                Some(
                    self.nodes
                        .mapped(user_id, id)
                        .ok()?
                        .details(id, user_id, wants),
                )
            })
            .collect()
    }

    /// `GET user/nodes/config`. A node that has not reported one has none: an empty object.
    pub(super) fn node_config(
        &self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let node = self.nodes.mapped(&caller.user_id, named(request)?)?;
        Ok(Answer::of(match &node.config {
            Value::Null => json!({}),
            config => config.clone(),
        }))
    }

    /// `GET user/nodes/status`.
    pub(super) fn node_status(
        &self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let node = self.nodes.mapped(&caller.user_id, named(request)?)?;
        Ok(Answer::of(node.status()))
    }

    /// `GET user/nodes/params`.
    pub(super) fn node_params(
        &self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let node = self.nodes.mapped(&caller.user_id, named(request)?)?;
        Ok(Answer::of(Value::Object(node.params.clone())))
    }

    /// `PUT user/nodes/params`: a list of nodes and values or, with `node_id`, the values alone.
    /// Each entry succeeds or fails for itself.
    pub(super) fn set_params(
        &mut self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let entries = match (request.node_id(), request.json()?) {
            (None, Value::Array(entries)) => entries,
            (Some(id), payload @ Value::Object(_)) => {
                vec![json!({"node_id": id, "payload": payload})]
            }
            _ => return Err(MALFORMED.because("expected a list of node_id and payload")),
        };
        let mut all_done = true;
        let mut told = Vec::new();
        for entry in entries {
            let node_id = entry.get("node_id").and_then(Value::as_str);
            let node_id = node_id.unwrap_or_default().to_owned();
            told.push(match self.set_params_of(caller, &node_id, &entry) {
                Ok(()) => json!({
                    "node_id": node_id,
                    "status": "success",
                    "description": "Success",
                }),
                Err(refusal) => {
                    all_done = false;
                    json!({
                        "node_id": node_id,
                        "status": "failure",
                        "error_code": refusal.code,
                        "description": refusal.description,
                    })
                }
            });
        }
        Ok(Answer {
            status: if all_done { 200 } else { 207 },
            body: Body::Json(Value::Array(told)),
        })
    }

    fn set_params_of(
        &mut self,
        caller: &Caller,
        node_id: &str,
        entry: &Value,
    ) -> Result<(), Refusal> {
        let node = self.nodes.mapped_mut(&caller.user_id, node_id)?;
        let payload = entry.get("payload").and_then(Value::as_object);
        let payload = payload.filter(|payload| payload.values().all(Value::is_object));
        let payload = payload
            .ok_or_else(|| MALFORMED.because("payload is not an object of services and values"))?;
        node.write_params(payload);
        Ok(())
    }

    /// `PUT user/nodes?node_id=N`: more tags, other metadata.
    pub(super) fn tag_node(
        &mut self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let body = request.object()?;
        let extras = Extras::of(&body)?;
        if extras.tags.is_empty() && extras.metadata.is_none() {
            return Err(MALFORMED.because("neither tags nor metadata"));
        }
        let node = self.nodes.mapped_mut(&caller.user_id, named(request)?)?;
        node.add_tags(&extras.tags);
        if let Some(change) = &extras.metadata {
            merge(&mut node.metadata, change);
        }
        Ok(Answer::done())
    }

    /// `DELETE user/nodes?node_id=N`: fewer tags.
    pub(super) fn untag_node(
        &mut self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let tags = tags_of(&request.object()?)?;
        let node = self.nodes.mapped_mut(&caller.user_id, named(request)?)?;
        node.tags.retain(|tag| !tags.contains(tag));
        Ok(Answer::done())
    }
}

/// The node that a query names.
fn named(request: &Request) -> Result<&str, Refusal> {
    let id = request.node_id();
    id.ok_or_else(|| MALFORMED.because("node_id is missing"))
}
