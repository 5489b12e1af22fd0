//! Groups of nodes, and groups within them. Not the calls about them, which are `group_calls`'.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::random;
use super::refusal::{GROUP_EXISTS, NO_GROUP, Refusal};

/// One group.
#[derive(Debug)]
pub(super) struct Group {
    user_id: String,
    pub(super) parent: Option<String>,
    /// What it was given: name, type, description and the like, as it came.
    pub(super) about: Map<String, Value>,
    pub(super) nodes: BTreeSet<String>,
}

impl Group {
    fn name(&self) -> Option<&str> {
        self.about.get("group_name")?.as_str()
    }

    /// Whether a node can be in one of its sub-groups only.
    fn is_exclusive(&self) -> bool {
        self.about.get("mutually_exclusive") == Some(&Value::Bool(true))
    }

    /// As the API tells it, without its nodes.
    pub(super) fn describe(&self, id: &str) -> Map<String, Value> {
        let mut told = Map::new();
        told.insert("group_id".to_owned(), json!(id));
        told.insert("primary".to_owned(), json!(true));
        told.insert("total".to_owned(), json!(self.nodes.len()));
        if let Some(parent) = &self.parent {
            told.insert("parent_group_id".to_owned(), json!(parent));
        }
        told.extend(self.about.clone());
        told
    }
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
        about: Map<String, Value>,
    ) -> Result<String, Refusal> {
        let mut above = parent.clone();
        for level in 0.. {
            let Some(id) = &above else { break };
            if level == DEEPEST {
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
        self.check_name(&group, None)?;
        let id = random::alphanumerics(22);
        self.0.insert(id.clone(), group);
        Ok(id)
    }

    fn check_name(&self, group: &Group, own_id: Option<&str>) -> Result<(), Refusal> {
        let taken = self.0.iter().any(|(id, other)| {
            Some(id.as_str()) != own_id
                && other.user_id == group.user_id
                && other.parent == group.parent
                && other.name() == group.name()
        });
        if taken {
            return Err(GROUP_EXISTS.because("there is a group of that name"));
        }
        Ok(())
    }

    /// A group of this user.
    pub(super) fn of_user(&self, user_id: &str, id: &str) -> Result<&Group, Refusal> {
        let group = self.0.get(id);
        group
            .filter(|group| group.user_id == user_id)
            .ok_or_else(no_group)
    }

    fn of_user_mut(&mut self, user_id: &str, id: &str) -> Result<&mut Group, Refusal> {
        let group = self.0.get_mut(id);
        group
            .filter(|group| group.user_id == user_id)
            .ok_or_else(no_group)
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
    pub(super) fn edit(
        &mut self,
        user_id: &str,
        id: &str,
        change: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        let group = self.of_user(user_id, id)?;
        let mut about = group.about.clone();
        about.extend(change.clone());
        let edited = Group {
            user_id: user_id.to_owned(),
            parent: group.parent.clone(),
            nodes: group.nodes.clone(),
            about,
        };
        self.check_name(&edited, Some(id))?;
        self.0.insert(id.to_owned(), edited);
        Ok(())
    }

    /// Puts nodes into a group; whose they are was looked at before. Once more is no harm. Where
    /// groups exclude each other, they leave the others.
    pub(super) fn add(&mut self, user_id: &str, id: &str, nodes: &[String]) -> Result<(), Refusal> {
        let group = self.of_user_mut(user_id, id)?;
        group.nodes.extend(nodes.iter().cloned());
        let parent = group.parent.clone();
        let exclusive = parent
            .as_deref()
            .and_then(|parent| self.0.get(parent))
            .is_some_and(Group::is_exclusive);
        if exclusive {
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
        let group = self.of_user_mut(user_id, id)?;
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

fn no_group() -> Refusal {
    NO_GROUP.because("there is no such group")
}

/// How many groups can be around one.
const DEEPEST: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn about(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            _ => panic!(),
        }
    }

    #[test]
    fn a_name_is_taken_once_beside_the_same_parent() {
        let mut groups = Groups::default();
        let home = about(json!({"group_name": "home"}));
        let id = groups.create("ann", None, home.clone()).unwrap();
        let again = groups.create("ann", None, home.clone()).unwrap_err();
        assert_eq!(again.code, Some(108_007));
        groups.create("bob", None, home.clone()).unwrap();
        groups
            .create("ann", Some(id.clone()), home.clone())
            .unwrap();
        groups.edit("ann", &id, &home).unwrap();
        let other = about(json!({"group_name": "other"}));
        let other = groups.create("ann", None, other).unwrap();
        assert!(groups.edit("ann", &other, &home).is_err());
        assert!(groups.create("bob", Some(id.clone()), home).is_err());
        groups.remove("ann", &id).unwrap();
        assert_eq!(groups.below("ann", None), [other]);
        assert_eq!(groups.below("ann", Some(&id)), Vec::<String>::new());
    }

    #[test]
    fn groups_go_eight_deep() {
        let mut groups = Groups::default();
        let room = about(json!({"group_name": "room"}));
        let mut id = None;
        for _ in 0..=DEEPEST {
            id = Some(groups.create("ann", id, room.clone()).unwrap());
        }
        assert!(groups.create("ann", id, room).is_err());
    }

    #[test]
    fn sub_groups_of_an_exclusive_group_share_no_node() {
        for exclusive in [true, false] {
            let mut groups = Groups::default();
            let home = about(json!({"group_name": "home", "mutually_exclusive": exclusive}));
            let home = groups.create("ann", None, home).unwrap();
            let [hall, attic] = ["hall", "attic"].map(|name| {
                let room = about(json!({"group_name": name}));
                groups.create("ann", Some(home.clone()), room).unwrap()
            });
            let nodes = ["n".to_owned()];
            for room in [&hall, &attic, &attic] {
                groups.add("ann", room, &nodes).unwrap();
            }
            let count = |id| groups.of_user("ann", id).unwrap().nodes.len();
            assert_eq!((count(&hall), count(&attic)), (usize::from(!exclusive), 1));
            assert!(groups.add("bob", &hall, &nodes).is_err());
        }
    }
}
