//! The calls for a user's groups of nodes.

use serde_json::{Value, json};

use super::exchange::{
    ApiAnswer, ApiResult, Object, members, nonempty_text, required_text, text, texts,
};
use super::groups::Groups;
use super::paging::Page;
use super::refusal::MALFORMED;
use super::{Call, Cloud};

impl Cloud {
    /// `GET user/node_group`.
    pub(super) fn list_groups(&mut self, call: &Call<'_>) -> ApiResult {
        let groups = self.groups_of(&call.user.id);
        let mut ids = groups.list_children(None);
        if let Some(id) = call.request.parameter("group_id") {
            groups.find(id)?;
            ids = vec![id.to_owned()];
        }
        let page = Page::select(call.request, ids, self.page_size)?;
        Ok(ApiAnswer::ok(members(json!({
            "groups": self.describe_groups(&page.ids, call),
            "next_id": page.next,
            "total": page.total,
        }))))
    }

    /// Calls itself for each level; creating a group limits the levels.
    fn describe_groups(&mut self, ids: &[String], call: &Call<'_>) -> Value {
        let has_true = |name| call.request.has_true(name);
        let describe = |id: &String| {
            let groups = self.groups_of(&call.user.id);
            let group = groups.find(id).ok()?.clone();
            let children = groups.list_children(Some(id));
            let nodes: Vec<String> = group.nodes.into_iter().collect();
            let mut described = members(json!({
                "group_id": id,
                "primary": true,
                "total": nodes.len(),
                "parent_group_id": group.parent,
                "nodes": has_true("node_list").then_some(&nodes),
                "node_details": has_true("node_details").then(|| self.describe_nodes(&nodes, call)),
                "sub_groups": has_true("sub_groups").then(|| self.describe_groups(&children, call)),
            }));
            described.extend(group.properties);
            Some(Value::Object(described))
        };
        ids.iter().filter_map(describe).collect()
    }

    /// `POST user/node_group`.
    pub(super) fn create_group(&mut self, call: &Call<'_>) -> ApiResult {
        let mut properties = call.request.parse_object()?;
        required_text(&properties, "group_name")?;
        let nodes = self.parse_nodes(call, &properties)?;
        let parent = nonempty_text(&properties, "parent_group_id")?.map(str::to_owned);
        properties.retain(|key, _| PROPERTIES.contains(&key.as_str()));
        let groups = self.groups_of(&call.user.id);
        let group_id = groups.add(parent, properties)?;
        groups.add_nodes(&group_id, &nodes)?;
        Ok(ApiAnswer::ok(
            json!({"status": "success", "group_id": group_id}),
        ))
    }

    /// `PUT user/node_group`: adds or removes nodes, or changes the group's properties.
    pub(super) fn change_group(&mut self, call: &Call<'_>) -> ApiResult {
        let id = call.request.required_parameter("group_id")?;
        let mut change = call.request.parse_object()?;
        let nodes = match text(&change, "operation")? {
            Some("add") => {
                let nodes = self.parse_nodes(call, &change)?;
                self.groups_of(&call.user.id).add_nodes(id, &nodes)?;
                nodes
            }
            Some("remove") => {
                let nodes = texts(&change, "nodes")?;
                self.groups_of(&call.user.id).remove_nodes(id, &nodes)?;
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
        self.groups_of(&call.user.id).edit(id, change)?;
        Ok(ApiAnswer::success_with("the group was changed"))
    }

    /// `DELETE user/node_group`.
    pub(super) fn remove_group(&mut self, call: &Call<'_>) -> ApiResult {
        let id = call.request.required_parameter("group_id")?;
        self.groups_of(&call.user.id).remove(id)?;
        Ok(ApiAnswer::success())
    }

    /// The groups of a user.
    pub(super) fn groups_of(&mut self, user_id: &str) -> &mut Groups {
        self.groups.entry(user_id.to_owned()).or_default()
    }

    /// The nodes of a body, if all of them are the user's.
    fn parse_nodes(&mut self, call: &Call<'_>, body: &Object) -> ApiResult<Vec<String>> {
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
