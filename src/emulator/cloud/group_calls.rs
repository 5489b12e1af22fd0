//! The calls for a user's groups of nodes.

use serde_json::{Value, json};

use super::exchange::{
    ApiAnswer, ApiResult, Object, members, nonempty_text, required_text, text, texts,
};
use super::paging::Page;
use super::refusal::{ApiRefusal, MALFORMED};
use super::{Call, Cloud};

impl Cloud {
    /// `GET user/node_group`.
    pub(super) fn list_groups(&mut self, call: &Call<'_>) -> ApiResult {
        let mut ids = self.groups.list_children(&call.user.id, None);
        if let Some(id) = call.request.parameter("group_id") {
            self.groups.find(&call.user.id, id)?;
            ids = vec![id.to_owned()];
        }
        let page = Page::select(call.request, ids, self.page_size)?;
        let groups = page
            .ids
            .iter()
            .filter_map(|id| self.describe_group(id, call));
        Ok(ApiAnswer::ok(members(json!({
            "groups": groups.collect::<Vec<_>>(),
            "next_id": page.next,
            "total": page.total,
        }))))
    }

    /// Calls itself for each level; creating a group limits the levels.
    fn describe_group(&mut self, id: &str, call: &Call<'_>) -> Option<Value> {
        let group = self.groups.find(&call.user.id, id).ok()?.clone();
        let nodes: Vec<String> = group.nodes.into_iter().collect();
        let has_true = |name| call.request.has_true(name);
        let details = has_true("node_details").then(|| self.describe_nodes(&nodes, call));
        let sub_groups = has_true("sub_groups").then(|| {
            let children = self.groups.list_children(&call.user.id, Some(id));
            let children = children
                .iter()
                .filter_map(|id| self.describe_group(id, call));
            children.collect::<Vec<_>>()
        });
        let mut described = members(json!({
            "group_id": id,
            "primary": true,
            "total": nodes.len(),
            "parent_group_id": group.parent,
            "nodes": has_true("node_list").then_some(nodes),
            "node_details": details,
            "sub_groups": sub_groups,
        }));
        described.extend(group.properties);
        Some(Value::Object(described))
    }

    /// `POST user/node_group`.
    pub(super) fn create_group(&mut self, call: &Call<'_>) -> ApiResult {
        let mut properties = call.request.parse_object()?;
        required_text(&properties, "group_name")?;
        let nodes = self.parse_nodes(call, &properties)?;
        let parent = nonempty_text(&properties, "parent_group_id")?.map(str::to_owned);
        properties.retain(|key, _| PROPERTIES.contains(&key.as_str()));
        let group_id = self.groups.create(&call.user.id, parent, properties)?;
        self.groups.add_nodes(&call.user.id, &group_id, &nodes)?;
        Ok(ApiAnswer::ok(
            json!({"status": "success", "group_id": group_id}),
        ))
    }

    /// `PUT user/node_group`: adds or removes nodes, or changes the group's properties.
    pub(super) fn change_group(&mut self, call: &Call<'_>) -> ApiResult {
        let user_id = &call.user.id;
        let id = call.request.required_parameter("group_id")?;
        let mut change = call.request.parse_object()?;
        let nodes = match text(&change, "operation")? {
            Some("add") => {
                let nodes = self.parse_nodes(call, &change)?;
                self.groups.add_nodes(user_id, id, &nodes)?;
                nodes
            }
            Some("remove") => {
                let nodes = texts(&change, "nodes")?;
                self.groups.remove_nodes(user_id, id, &nodes)?;
                nodes
            }
            Some(_) => return Err(MALFORMED.because("operation is add or remove")),
            None => Vec::new(),
        };
        change.retain(|key, _| PROPERTIES.contains(&key.as_str()));
        if nodes.is_empty() && change.is_empty() {
            return Err(MALFORMED.because("nothing to change"));
        }
        text(&change, "group_name")?;
        self.groups.edit(user_id, id, change)?;
        Ok(ApiAnswer::success_with("the group was changed"))
    }

    /// `DELETE user/node_group`.
    pub(super) fn remove_group(&mut self, call: &Call<'_>) -> ApiResult {
        let id = call.request.required_parameter("group_id")?;
        self.groups.remove(&call.user.id, id)?;
        Ok(ApiAnswer::success())
    }

    /// The nodes of a body, if all of them are the user's.
    fn parse_nodes(&mut self, call: &Call<'_>, body: &Object) -> Result<Vec<String>, ApiRefusal> {
        let nodes = texts(body, "nodes")?;
        for node in &nodes {
            self.nodes.find_mapped(&call.user.id, node)?;
        }
        Ok(nodes)
    }
}

/// The properties of a group.
const PROPERTIES: [&str; 7] = [
    "group_name",
    "type",
    "description",
    "mutually_exclusive",
    "custom_data",
    "group_metadata",
    "is_matter",
];
