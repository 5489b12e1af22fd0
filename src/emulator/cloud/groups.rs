//! Groups of nodes, and groups within them. `group_calls` has their calls.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::exchange::Object;
use super::random;
use super::refusal::{ApiRefusal, GROUP_EXISTS, NO_GROUP};

/// A group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    user_id: String,
    pub(super) parent: Option<String>,
    /// Name, type, description and the like, as the client sent them.
    pub(super) properties: Object,
    pub(super) nodes: BTreeSet<String>,
}

/// All groups.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeMap<String, Group>);

impl Groups {
    /// Creates a group. Its name must be unique among the user's groups with the same parent.
    pub(super) fn create(
        &mut self,
        user_id: &str,
        parent: Option<String>,
        properties: Object,
    ) -> Result<String, ApiRefusal> {
        let mut above = parent.clone();
        for level in 0.. {
            let Some(id) = &above else { break };
            if level == MAX_DEPTH {
                return Err(NO_GROUP.because("there are too many groups within each other"));
            }
            above = self.find(user_id, id)?.parent.clone();
        }
        let group = Group {
            user_id: user_id.to_owned(),
            parent,
            properties,
            nodes: BTreeSet::new(),
        };
        let id = random::alphanumerics(22);
        self.store(id.clone(), group)?;
        Ok(id)
    }

    /// Stores or replaces a group, if its name is free.
    fn store(&mut self, id: String, group: Group) -> Result<(), ApiRefusal> {
        let is_taken = self.0.iter().any(|(other_id, other)| {
            *other_id != id
                && other.user_id == group.user_id
                && other.parent == group.parent
                && other.properties.get("group_name") == group.properties.get("group_name")
        });
        if is_taken {
            return Err(GROUP_EXISTS.because("there is a group of that name"));
        }
        self.0.insert(id, group);
        Ok(())
    }

    /// A group of this user.
    pub(super) fn find(&mut self, user_id: &str, id: &str) -> Result<&mut Group, ApiRefusal> {
        let group = self.0.get_mut(id);
        group
            .filter(|group| group.user_id == user_id)
            .ok_or_else(|| NO_GROUP.because("there is no such group"))
    }

    /// The ids of a user's groups with this parent, sorted.
    pub(super) fn list_children(&self, user_id: &str, parent: Option<&str>) -> Vec<String> {
        let groups = self.0.iter();
        groups
            .filter(|(_, group)| group.user_id == user_id && group.parent.as_deref() == parent)
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Changes properties of a group.
    pub(super) fn edit(
        &mut self,
        user_id: &str,
        id: &str,
        change: Object,
    ) -> Result<(), ApiRefusal> {
        let mut edited = self.find(user_id, id)?.clone();
        edited.properties.extend(change);
        self.store(id.to_owned(), edited)
    }

    /// Adds nodes to a group. If it excludes its siblings, they lose the nodes.
    pub(super) fn add_nodes(
        &mut self,
        user_id: &str,
        id: &str,
        nodes: &[String],
    ) -> Result<(), ApiRefusal> {
        let group = self.find(user_id, id)?;
        group.nodes.extend(nodes.iter().cloned());
        let parent = group.parent.clone();
        let is_exclusive = parent.as_ref().is_some_and(|parent| {
            let parent = self.0.get(parent);
            parent.and_then(|group| group.properties.get("mutually_exclusive"))
                == Some(&json!(true))
        });
        if is_exclusive {
            for sibling in self.list_children(user_id, parent.as_deref()) {
                if sibling != id {
                    self.remove_nodes(user_id, &sibling, nodes)?;
                }
            }
        }
        Ok(())
    }

    /// Removes nodes from a group.
    pub(super) fn remove_nodes(
        &mut self,
        user_id: &str,
        id: &str,
        nodes: &[String],
    ) -> Result<(), ApiRefusal> {
        let group = self.find(user_id, id)?;
        group.nodes.retain(|node| !nodes.contains(node));
        Ok(())
    }

    /// Removes a node from all of this user's groups.
    pub(super) fn remove_node(&mut self, user_id: &str, node_id: &str) {
        for group in self.0.values_mut() {
            if group.user_id == user_id {
                group.nodes.remove(node_id);
            }
        }
    }

    /// Removes a group, and all groups within it.
    pub(super) fn remove(&mut self, user_id: &str, id: &str) -> Result<(), ApiRefusal> {
        self.find(user_id, id)?;
        let mut removed = vec![id.to_owned()];
        while let Some(id) = removed.pop() {
            self.0.remove(&id);
            removed.extend(self.list_children(user_id, Some(&id)));
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
        let id = groups.create("ann", None, home.clone()).unwrap();
        let again = groups.create("ann", None, home.clone()).unwrap_err();
        assert_eq!(again.kind, GROUP_EXISTS);
        groups.create("bob", None, home.clone()).unwrap();
        groups
            .create("ann", Some(id.clone()), home.clone())
            .unwrap();
        groups.edit("ann", &id, home.clone()).unwrap();
        let other = members(json!({"group_name": "other"}));
        let other = groups.create("ann", None, other).unwrap();
        assert!(groups.edit("ann", &other, home.clone()).is_err());
        assert!(groups.create("bob", Some(id.clone()), home).is_err());
        groups.remove("ann", &id).unwrap();
        assert_eq!(groups.list_children("ann", None), [other]);
        assert_eq!(groups.list_children("ann", Some(&id)), Vec::<String>::new());
    }

    #[test]
    fn groups_are_at_most_eight_deep() {
        let mut groups = Groups::default();
        let room = members(json!({"group_name": "room"}));
        let mut id = None;
        for _ in 0..=MAX_DEPTH {
            id = Some(groups.create("ann", id, room.clone()).unwrap());
        }
        assert!(groups.create("ann", id, room).is_err());
    }

    #[test]
    fn siblings_of_exclusive_group_share_no_node() {
        for exclusive in [true, false] {
            let mut groups = Groups::default();
            let home = members(json!({"group_name": "home", "mutually_exclusive": exclusive}));
            let home = groups.create("ann", None, home).unwrap();
            let [hall, attic] = ["hall", "attic"].map(|name| {
                let room = members(json!({"group_name": name}));
                groups.create("ann", Some(home.clone()), room).unwrap()
            });
            let nodes = ["n".to_owned()];
            for room in [&hall, &attic, &attic] {
                groups.add_nodes("ann", room, &nodes).unwrap();
            }
            let mut count = |id| groups.find("ann", id).unwrap().nodes.len();
            assert_eq!((count(&hall), count(&attic)), (usize::from(!exclusive), 1));
            assert!(groups.add_nodes("bob", &hall, &nodes).is_err());
        }
    }
}
