//! The calls about a user's groups of nodes.

use serde_json::{Map, Value, json};

use super::exchange::{Answer, Request, needed, text, texts};
use super::paging::Page;
use super::refusal::{MALFORMED, Refusal};
use super::{Caller, Cloud};

impl Cloud {
    /// `GET user/node_group`.
    pub(super) fn list_groups(
        &self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let user_id = &caller.user_id;
        let ids = match request.parameter(&["group_id"]) {
            Some(id) => self
                .groups
                .of_user(user_id, id)
                .map(|_| vec![id.to_owned()])?,
            None => self.groups.below(user_id, None),
        };
        let page = Page::of(request, ids, self.page_size)?;
        let mut answer = Map::new();
        let groups: Vec<Value> = page
            .ids
            .iter()
            .filter_map(|id| self.describe_group(user_id, id, request))
            .collect();
        answer.insert("groups".to_owned(), Value::Array(groups));
        page.note(&mut answer);
        Ok(Answer::of(Value::Object(answer)))
    }

    /// One call a level; how many there can be is limited when they are made.
    fn describe_group(&self, user_id: &str, id: &str, request: &Request) -> Option<Value> {
        let group = self.groups.of_user(user_id, id).ok()?;
        let mut told = group.describe(id);
        let nodes: Vec<String> = group.nodes.iter().cloned().collect();
        if request.asks_for("node_list") {
            told.insert("nodes".to_owned(), json!(nodes));
        }
        if request.asks_for("node_details") {
            let details = self.details_of(user_id, &nodes, request);
            told.insert("node_details".to_owned(), details);
        }
        if request.asks_for("sub_groups") {
            let below = self.groups.below(user_id, Some(id));
            let below = below
                .iter()
                .filter_map(|id| self.describe_group(user_id, id, request));
            told.insert("sub_groups".to_owned(), below.collect());
        }
        Some(Value::Object(told))
    }

    /// `POST user/node_group`.
    pub(super) fn create_group(
        &mut self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let user_id = &caller.user_id;
        let mut about = request.object()?;
        needed(&about, "group_name")?;
        let nodes = self.owned(user_id, &about)?;
        let parent = text(&about, "parent_group_id")?
            .filter(|id| !id.is_empty())
            .map(str::to_owned);
        about.retain(|key, _| ABOUT.contains(&key.as_str()));
        let group_id = self.groups.create(user_id, parent, about)?;
        self.groups.add(user_id, &group_id, &nodes)?;
        Ok(Answer::of(
            json!({"status": "success", "group_id": group_id}),
        ))
    }

    /// `PUT user/node_group`: nodes in or out, or what the group says of itself.
    pub(super) fn change_group(
        &mut self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let user_id = &caller.user_id;
        let id = request.parameter(&["group_id"]);
        let id = id.ok_or_else(|| MALFORMED.because("group_id is missing"))?;
        let mut change = request.object()?;
        let nodes = match text(&change, "operation")? {
            Some("add") => {
                let nodes = self.owned(user_id, &change)?;
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
        self.groups.edit(user_id, id, &change)?;
        Ok(Answer::done_as("the group was changed"))
    }

    /// `DELETE user/node_group`.
    pub(super) fn remove_group(
        &mut self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let id = request.parameter(&["group_id"]);
        let id = id.ok_or_else(|| MALFORMED.because("group_id is missing"))?;
        self.groups.remove(&caller.user_id, id)?;
        Ok(Answer::done())
    }

    /// The nodes that a body names, if all of them are the user's.
    fn owned(&self, user_id: &str, body: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
        let nodes = texts(body, "nodes")?;
        for node in &nodes {
            self.nodes.mapped(user_id, node)?;
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
