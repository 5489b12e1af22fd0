//! Groups of nodes, and groups within them. The calls about them are in `group_calls`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::exchange::Object;
use super::random;
use super::refusal::{GROUP_EXISTS, NO_GROUP, Refusal};

/// One group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    user_id: String,
    pub(super) parent: Option<String>,
    /// What it was given: name, type, description and the like, as it came.
    pub(super) about: Object,
    pub(super) nodes: BTreeSet<String>,
}

/// All groups.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeMap<String, Group>);

impl Groups {
    /// Makes one. A name is taken once among the groups of a user with the same parent.
    pub(super) fn create(
        &mut self,
        user_id: &str,
        parent: Option<String>,
        about: Object,
    ) -> Result<String, Refusal> {
        let mut above = parent.clone();
        for level in 0.. {
            let Some(id) = &above else { break };
            if level == MAX_DEPTH {
                return Err(NO_GROUP.because("there are too many groups within each other"));
            }
            above = self.of_user(user_id, id)?.parent.clone();
        }
        let group = Group {
            user_id: user_id.to_owned(),
            parent,
            about,
            nodes: BTreeSet::new(),
        };
        let id = random::alphanumerics(22);
        self.put(id.clone(), group)?;
        Ok(id)
    }

    /// Adds a group or replaces it, if its name is free.
    fn put(&mut self, id: String, group: Group) -> Result<(), Refusal> {
        let is_taken = self.0.iter().any(|(other_id, other)| {
            *other_id != id
                && other.user_id == group.user_id
                && other.parent == group.parent
                && other.about.get("group_name") == group.about.get("group_name")
        });
        if is_taken {
            return Err(GROUP_EXISTS.because("there is a group of that name"));
        }
        self.0.insert(id, group);
        Ok(())
    }

    /// A group of this user.
    pub(super) fn of_user(&mut self, user_id: &str, id: &str) -> Result<&mut Group, Refusal> {
        let group = self.0.get_mut(id);
        group
            .filter(|group| group.user_id == user_id)
            .ok_or_else(|| NO_GROUP.because("there is no such group"))
    }

    /// The ids of a user's groups below that parent, sorted.
    pub(super) fn below(&self, user_id: &str, parent: Option<&str>) -> Vec<String> {
        let groups = self.0.iter();
        groups
            .filter(|(_, group)| group.user_id == user_id && group.parent.as_deref() == parent)
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Changes what a group says of itself.
    pub(super) fn edit(&mut self, user_id: &str, id: &str, change: Object) -> Result<(), Refusal> {
        let mut edited = self.of_user(user_id, id)?.clone();
        edited.about.extend(change);
        self.put(id.to_owned(), edited)
    }

    /// Puts nodes of this user into a group; a node can be in it already. In groups that exclude
    /// each other, they leave the others.
    pub(super) fn add(&mut self, user_id: &str, id: &str, nodes: &[String]) -> Result<(), Refusal> {
        let group = self.of_user(user_id, id)?;
        group.nodes.extend(nodes.iter().cloned());
        let parent = group.parent.clone();
        let is_exclusive = parent.as_ref().is_some_and(|parent| {
            let parent = self.0.get(parent);
            parent.and_then(|group| group.about.get("mutually_exclusive")) == Some(&json!(true))
        });
        if is_exclusive {
            for sibling in self.below(user_id, parent.as_deref()) {
                if sibling != id {
                    self.take_out(user_id, &sibling, nodes)?;
                }
            }
        }
        Ok(())
    }

    /// Takes nodes out of a group.
    pub(super) fn take_out(
        &mut self,
        user_id: &str,
        id: &str,
        nodes: &[String],
    ) -> Result<(), Refusal> {
        let group = self.of_user(user_id, id)?;
        group.nodes.retain(|node| !nodes.contains(node));
        Ok(())
    }

    /// A node left this user's account.
    pub(super) fn forget_node(&mut self, user_id: &str, node_id: &str) {
        for group in self.0.values_mut() {
            if group.user_id == user_id {
                group.nodes.remove(node_id);
            }
        }
    }

    /// Removes a group, and what is below it.
    pub(super) fn remove(&mut self, user_id: &str, id: &str) -> Result<(), Refusal> {
        self.of_user(user_id, id)?;
        let mut doomed = vec![id.to_owned()];
        while let Some(id) = doomed.pop() {
            self.0.remove(&id);
            doomed.extend(self.below(user_id, Some(&id)));
        }
        Ok(())
    }
}

/// How many groups can be around one.
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
        assert_eq!(groups.below("ann", None), [other]);
        assert_eq!(groups.below("ann", Some(&id)), Vec::<String>::new());
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
    fn sub_groups_of_exclusive_group_share_no_node() {
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
                groups.add("ann", room, &nodes).unwrap();
            }
            let mut count = |id| groups.of_user("ann", id).unwrap().nodes.len();
            assert_eq!((count(&hall), count(&attic)), (usize::from(!exclusive), 1));
            assert!(groups.add("bob", &hall, &nodes).is_err());
        }
    }
}
