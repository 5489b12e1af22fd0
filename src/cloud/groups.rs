//! The groups of the account: which there are, and adding nodes to one.

use serde::{Deserialize, Serialize};

use super::{Call, Client, CloudError};

/// A group, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Group {
    /// Its id.
    pub group_id: String,
    /// Its name.
    #[serde(default)]
    pub group_name: String,
    /// The group that it is part of.
    #[serde(default)]
    pub parent_group_id: Option<String>,
    /// Its parts.
    #[serde(default)]
    pub sub_groups: Vec<Self>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    groups: Vec<Group>,
    #[serde(default)]
    next_id: Option<String>,
}

#[derive(Serialize)]
struct Change<'a> {
    operation: &'static str,
    nodes: [&'a str; 1],
}

impl Client {
    /// Every group of the account, parts below their wholes.
    pub async fn groups(&self) -> Result<Vec<Group>, CloudError> {
        const NAME: &str = "the list of groups";
        let mut found: Vec<Group> = Vec::new();
        let mut start: Option<String> = None;
        loop {
            let mut query = vec![("sub_groups", "true")];
            if let Some(start) = &start {
                query.push(("start_id", start));
            }
            let page: Page = self
                .call(Call::get(NAME, "user/node_group").query(&query))
                .await?;
            let empty = page.groups.is_empty();
            found.extend(page.groups);
            match page.next_id.filter(|next| !next.is_empty()) {
                None => return Ok(found),
                // A page that brings nothing new would come for ever.
                Some(next) if empty || start.as_ref() == Some(&next) => {
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

    /// Has a node join a group. Twice is as good as once.
    pub async fn add_to_group(&self, group_id: &str, node_id: &str) -> Result<(), CloudError> {
        let body = Change {
            operation: "add",
            nodes: [node_id],
        };
        let query = [("group_id", group_id)];
        let call = Call::put("the node's group", "user/node_group")
            .query(&query)
            .json(&body);
        self.call_for_success(call).await
    }
}
