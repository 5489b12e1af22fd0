//! The calls about a user's groups of nodes.

use serde_json::{Value, json};

use super::exchange::{
    Answer, Object, Outcome, members, nonempty_text, required_text, text, texts,
};
use super::paging::Page;
use super::refusal::{MALFORMED, Refusal};
use super::{Call, Cloud};

impl Cloud {
    /// `GET user/node_group`.
    pub(super) fn list_groups(&mut self, call: &Call<'_>) -> Outcome {
        let mut ids = self.groups.below(&call.user.id, None);
        if let Some(id) = call.request.parameter("group_id") {
            self.groups.of_user(&call.user.id, id)?;
            ids = vec![id.to_owned()];
        }
        let page = Page::of(call.request, ids, self.page_size)?;
        let groups = page.ids.iter().filter_map(|id| self.describe(id, call));
        Ok(Answer::of(members(json!({
            "groups": groups.collect::<Vec<_>>(),
            "next_id": page.next,
            "total": page.total,
        }))))
    }

    /// Calls itself once a level; how many levels there can be is limited when they are made.
    fn describe(&mut self, id: &str, call: &Call<'_>) -> Option<Value> {
        let group = self.groups.of_user(&call.user.id, id).ok()?.clone();
        let nodes: Vec<String> = group.nodes.into_iter().collect();
        let asks_for = |name| call.request.asks_for(name);
        let details = asks_for("node_details").then(|| self.details(&nodes, call));
        let sub_groups = asks_for("sub_groups").then(|| {
            let below = self.groups.below(&call.user.id, Some(id));
            let below = below.iter().filter_map(|id| self.describe(id, call));
            below.collect::<Vec<_>>()
        });
        let mut described = members(json!({
            "group_id": id,
            "primary": true,
            "total": nodes.len(),
            "parent_group_id": group.parent,
            "nodes": asks_for("node_list").then_some(nodes),
            "node_details": details,
            "sub_groups": sub_groups,
        }));
        described.extend(group.about);
        Some(Value::Object(described))
    }

    /// `POST user/node_group`.
    pub(super) fn create_group(&mut self, call: &Call<'_>) -> Outcome {
        let mut about = call.request.object()?;
        required_text(&about, "group_name")?;
        let nodes = self.own_nodes(call, &about)?;
        let parent = nonempty_text(&about, "parent_group_id")?.map(str::to_owned);
        about.retain(|key, _| ABOUT.contains(&key.as_str()));
        let group_id = self.groups.create(&call.user.id, parent, about)?;
        self.groups.add(&call.user.id, &group_id, &nodes)?;
        Ok(Answer::of(
            json!({"status": "success", "group_id": group_id}),
        ))
    }

    /// `PUT user/node_group`: nodes in or out, or what the group says of itself.
    pub(super) fn change_group(&mut self, call: &Call<'_>) -> Outcome {
        let user_id = &call.user.id;
        let id = call.request.required_parameter("group_id")?;
        let mut change = call.request.object()?;
        let nodes = match text(&change, "operation")? {
            Some("add") => {
                let nodes = self.own_nodes(call, &change)?;
                self.groups.add(user_id, id, &nodes)?;
                nodes
            }
            Some("remove") => {
                let nodes = texts(&change, "nodes")?;
                self.groups.take_out(user_id, id, &nodes)?;
                nodes
            }
            Some(_) => return Err(MALFORMED.because("operation is add or remove")),
            None => Vec::new(),
        };
        change.retain(|key, _| ABOUT.contains(&key.as_str()));
        if nodes.is_empty() && change.is_empty() {
            return Err(MALFORMED.because("nothing to change"));
        }
        text(&change, "group_name")?;
        self.groups.edit(user_id, id, change)?;
        Ok(Answer::done_as("the group was changed"))
    }

    /// `DELETE user/node_group`.
    pub(super) fn remove_group(&mut self, call: &Call<'_>) -> Outcome {
        let id = call.request.required_parameter("group_id")?;
        self.groups.remove(&call.user.id, id)?;
        Ok(Answer::done())
    }

    /// The nodes that a body names, if all of them are the user's.
    fn own_nodes(&mut self, call: &Call<'_>, body: &Object) -> Result<Vec<String>, Refusal> {
        let nodes = texts(body, "nodes")?;
        for node in &nodes {
            self.nodes.mapped(&call.user.id, node)?;
        }
        Ok(nodes)
    }
}

/// What a group says of itself.
const ABOUT: [&str; 7] = [
    "group_name",
    "type",
    "description",
    "mutually_exclusive",
    "custom_data",
    "group_metadata",
    "is_matter",
];
