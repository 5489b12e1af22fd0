//! Groups of nodes, and groups within them. `group_calls` has their calls.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::exchange::{ApiResult, Object};
use super::random;
use super::refusal::{GROUP_EXISTS, NO_GROUP};

/// A group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) parent: Option<String>,
    /// Name, type, description and the like, as the client sent them.
    pub(super) properties: Object,
    pub(super) nodes: BTreeSet<String>,
}

/// The groups of a user, by id.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeMap<String, Group>);

impl Groups {
    /// Adds a group. Its name must be unique among the groups with the same parent.
    pub(super) fn add(&mut self, parent: Option<String>, properties: Object) -> ApiResult<String> {
        let mut above = parent.clone();
        for level in 0.. {
            let Some(id) = &above else { break };
            if level == MAX_DEPTH {
                return Err(NO_GROUP.because("there are too many groups within each other"));
            }
            above = self.find(id)?.parent.clone();
        }
        let id = random::alphanumerics(22);
        let nodes = BTreeSet::new();
        self.store(
            id.clone(),
            Group {
                parent,
                properties,
                nodes,
            },
        )?;
        Ok(id)
    }

    /// Stores or replaces a group, if its name is free.
    fn store(&mut self, id: String, group: Group) -> ApiResult<()> {
        let name = |group: &Group| group.properties.get("group_name").cloned();
        let is_taken = self.0.iter().any(|(other_id, other)| {
            *other_id != id && other.parent == group.parent && name(other) == name(&group)
        });
        if is_taken {
            return Err(GROUP_EXISTS.because("there is a group of that name"));
        }
        self.0.insert(id, group);
        Ok(())
    }

    pub(super) fn find(&mut self, id: &str) -> ApiResult<&mut Group> {
        let group = self.0.get_mut(id);
        group.ok_or_else(|| NO_GROUP.because("there is no such group"))
    }

    /// The ids of the groups with this parent, sorted.
    pub(super) fn list_children(&self, parent: Option<&str>) -> Vec<String> {
        let groups = self.0.iter();
        let children = groups.filter(|(_, group)| group.parent.as_deref() == parent);
        children.map(|(id, _)| id.clone()).collect()
    }

    /// Changes properties of a group.
    pub(super) fn edit(&mut self, id: &str, change: Object) -> ApiResult<()> {
        let mut edited = self.find(id)?.clone();
        edited.properties.extend(change);
        self.store(id.to_owned(), edited)
    }

    /// Adds nodes to a group. If its parent excludes that siblings share nodes, they lose them.
    pub(super) fn add_nodes(&mut self, id: &str, nodes: &[String]) -> ApiResult<()> {
        let group = self.find(id)?;
        group.nodes.extend(nodes.iter().cloned());
        let Some(parent) = group.parent.clone() else {
            return Ok(());
        };
        if self.find(&parent)?.properties.get("mutually_exclusive") == Some(&json!(true)) {
            for (other_id, other) in &mut self.0 {
                if other_id != id && other.parent.as_ref() == Some(&parent) {
                    other.nodes.retain(|node| !nodes.contains(node));
                }
            }
        }
        Ok(())
    }

    /// Removes nodes from a group.
    pub(super) fn remove_nodes(&mut self, id: &str, nodes: &[String]) -> ApiResult<()> {
        let group = self.find(id)?;
        group.nodes.retain(|node| !nodes.contains(node));
        Ok(())
    }

    /// Removes a node from all groups.
    pub(super) fn remove_node(&mut self, node_id: &str) {
        for group in self.0.values_mut() {
            group.nodes.remove(node_id);
        }
    }

    /// Removes a group, and all groups within it.
    pub(super) fn remove(&mut self, id: &str) -> ApiResult<()> {
        self.find(id)?;
        let mut removed = vec![id.to_owned()];
        while let Some(id) = removed.pop() {
            self.0.remove(&id);
            removed.extend(self.list_children(Some(&id)));
        }
        Ok(())
    }
}

/// The maximum number of groups around a group.
const MAX_DEPTH: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::cloud::exchange::members;

    #[test]
    fn name_is_taken_once_below_the_same_parent() {
        let mut groups = Groups::default();
        let home = members(json!({"group_name": "home"}));
        let id = groups.add(None, home.clone()).unwrap();
        let again = groups.add(None, home.clone()).unwrap_err();
        assert_eq!(again.kind, GROUP_EXISTS);
        groups.add(Some(id.clone()), home.clone()).unwrap();
        groups.edit(&id, home.clone()).unwrap();
        let other = members(json!({"group_name": "other"}));
        let other = groups.add(None, other).unwrap();
        assert!(groups.edit(&other, home.clone()).is_err());
        assert!(groups.add(Some("other".to_owned()), home).is_err());
        groups.remove(&id).unwrap();
        assert_eq!(groups.list_children(None), [other]);
        assert_eq!(groups.list_children(Some(&id)), Vec::<String>::new());
    }

    #[test]
    fn groups_are_at_most_eight_deep() {
        let mut groups = Groups::default();
        let room = members(json!({"group_name": "room"}));
        let mut id = None;
        for _ in 0..=MAX_DEPTH {
            id = Some(groups.add(id, room.clone()).unwrap());
        }
        assert!(groups.add(id, room).is_err());
    }

    #[test]
    fn siblings_of_exclusive_group_share_no_node() {
        for exclusive in [true, false] {
            let mut groups = Groups::default();
            let home = members(json!({"group_name": "home", "mutually_exclusive": exclusive}));
            let home = groups.add(None, home).unwrap();
            let [hall, attic] = ["hall", "attic"].map(|name| {
                let room = members(json!({"group_name": name}));
                groups.add(Some(home.clone()), room).unwrap()
            });
            let nodes = ["n".to_owned()];
            for room in [&hall, &attic, &attic] {
                groups.add_nodes(room, &nodes).unwrap();
            }
            let mut count = |id| groups.find(id).unwrap().nodes.len();
            assert_eq!((count(&hall), count(&attic)), (usize::from(!exclusive), 1));
            assert!(groups.add_nodes("other", &nodes).is_err());
        }
    }
}
