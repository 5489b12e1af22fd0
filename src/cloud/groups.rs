//! The groups of the account: lists them, and adds nodes.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::Call;
use super::client::Client;
use super::error::CloudError;
use super::paging::{entries, entries_if_any, valid_or_default};

/// A group, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Group {
    /// The group's id in the account.
    pub group_id: String,
    /// The group's name; empty if it has none.
    #[serde(default, deserialize_with = "valid_or_default")]
    pub group_name: String,
    /// The id of the parent group.
    #[serde(default, deserialize_with = "valid_or_default")]
    pub parent_group_id: Option<String>,
    /// The groups inside this one.
    #[serde(default, deserialize_with = "entries_if_any")]
    pub sub_groups: Vec<Self>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default, deserialize_with = "entries")]
    groups: Vec<Group>,
}

impl Client {
    /// Every group of the account; subgroups are inside their parents.
    pub async fn list_groups(&self) -> Result<Vec<Group>, CloudError> {
        let query = [("sub_groups", "true")];
        let pages = self.fetch_pages("the list of groups", "user/node_group", &query);
        let pages: Vec<Page> = pages.await?;
        Ok(pages.into_iter().flat_map(|page| page.groups).collect())
    }

    /// Adds a node to a group. Repeating it is harmless.
    pub async fn add_to_group(&self, group_id: &str, node_id: &str) -> Result<(), CloudError> {
        let call = Call::put("the node's group", "user/node_group")
            .query(&[("group_id", group_id)])
            .json(&json!({"operation": "add", "nodes": [node_id]}));
        self.call_for_success(call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_groups_without_name_or_subgroups() {
        let page: Page = serde_json::from_str(
            r#"{"groups":[{"group_id":"1","group_name":null,"sub_groups":null,"parent_group_id":null},
                null,{"group_name":"nobody"},
                {"group_id":"2","group_name":"Home","sub_groups":[{"group_id":"3"},"odd"]}]}"#,
        )
        .unwrap();
        let ids: Vec<&str> = page
            .groups
            .iter()
            .map(|group| group.group_id.as_str())
            .collect();
        assert_eq!(ids, ["1", "2"]);
        assert_eq!(page.groups[0].group_name, "");
        assert_eq!(page.groups[1].sub_groups[0].group_id, "3");
        let none: Page = serde_json::from_str(r#"{"groups":null}"#).unwrap();
        assert!(none.groups.is_empty());
    }
}
