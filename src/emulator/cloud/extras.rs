//! What a node gets when it is mapped, beside its owner: tags, metadata, a group. Here is which
//! of them are refused, and how metadata is merged.

use serde_json::Value;

use super::exchange::{Object, nonempty_text, texts};
use super::refusal::{BAD_TAG, MALFORMED, Refusal};

/// Tags, metadata, a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Extras {
    pub(super) tags: Vec<String>,
    /// `Null` takes all away.
    pub(super) metadata: Option<Value>,
    pub(super) group_id: Option<String>,
}

impl Extras {
    /// Those of a body. Nothing is applied when one of them is wrong.
    pub(super) fn of(body: &Object) -> Result<Self, Refusal> {
        let metadata = match body.get("metadata") {
            Some(Value::Null | Value::Object(_)) | None => body.get("metadata").cloned(),
            Some(_) => return Err(MALFORMED.because("metadata is not an object")),
        };
        Ok(Self {
            tags: tags_of(body)?,
            metadata,
            group_id: nonempty_text(body, "group_id")?.map(str::to_owned),
        })
    }
}

/// The tags of a body, if all of them have the form of a tag.
pub(super) fn tags_of(body: &Object) -> Result<Vec<String>, Refusal> {
    let tags = texts(body, "tags")?;
    match tags.iter().find(|tag| !tag.contains(':')) {
        Some(tag) => Err(BAD_TAG.because(format!("the tag {tag:?} has no colon"))),
        None => Ok(tags),
    }
}

/// What metadata becomes: new keys are added, known ones replaced, a key that is `null` goes, and
/// a whole `null` takes all away.
pub(super) fn merge(metadata: &mut Object, change: &Value) {
    match change {
        Value::Null => metadata.clear(),
        Value::Object(change) => {
            for (key, value) in change {
                if value.is_null() {
                    metadata.shift_remove(key);
                } else {
                    metadata.insert(key.clone(), value.clone());
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Object {
        match value {
            Value::Object(object) => object,
            _ => panic!(),
        }
    }

    #[test]
    fn one_bad_part_spoils_all_extras() {
        let refusal = Extras::of(&object(json!({"tags": ["a:b", "nothing"]}))).unwrap_err();
        assert_eq!(refusal.kind, BAD_TAG);
        assert!(refusal.description.contains("nothing"));
        for body in [
            json!({"tags": "a:b"}),
            json!({"metadata": [1]}),
            json!({"group_id": 1}),
        ] {
            assert_eq!(Extras::of(&object(body)).unwrap_err().kind, MALFORMED);
        }
        assert_eq!(Extras::of(&Object::new()), Ok(Extras::default()));
    }

    #[test]
    fn merge_replaces_top_level_keys() {
        let mut metadata = object(json!({"a": 1, "b": [1, 2], "c": {"x": 1}}));
        merge(&mut metadata, &json!({}));
        assert_eq!(metadata.len(), 3);
        merge(&mut metadata, &json!({"a": null, "b": [3], "d": "new"}));
        assert_eq!(
            Value::Object(metadata.clone()),
            json!({"b": [3], "c": {"x": 1}, "d": "new"})
        );
        merge(&mut metadata, &Value::Null);
        assert!(metadata.is_empty());
    }
}
