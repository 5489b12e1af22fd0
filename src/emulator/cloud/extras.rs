//! Tags, metadata and group of a node, which a mapping can set: their checks, and merging metadata.

use serde_json::Value;

use super::exchange::{ApiResult, Object, nonempty_text, texts};
use super::refusal::{BAD_TAG, MALFORMED};

/// The tags, metadata and group in a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct MappingExtras {
    pub(super) tags: Vec<String>,
    /// `Null` removes all.
    pub(super) metadata: Option<Value>,
    pub(super) group_id: Option<String>,
}

impl MappingExtras {
    /// Parses those of a body. One invalid part refuses all.
    pub(super) fn from_body(body: &Object) -> ApiResult<Self> {
        let metadata = match body.get("metadata") {
            Some(Value::Null | Value::Object(_)) | None => body.get("metadata").cloned(),
            Some(_) => return Err(MALFORMED.because("metadata is not an object")),
        };
        Ok(Self {
            tags: parse_tags(body)?,
            metadata,
            group_id: nonempty_text(body, "group_id")?.map(str::to_owned),
        })
    }
}

/// Parses the tags of a body, which all must have a colon.
pub(super) fn parse_tags(body: &Object) -> ApiResult<Vec<String>> {
    let tags = texts(body, "tags")?;
    match tags.iter().find(|tag| !tag.contains(':')) {
        Some(tag) => Err(BAD_TAG.because(format!("the tag {tag:?} has no colon"))),
        None => Ok(tags),
    }
}

/// Merges metadata: adds new keys, replaces existing ones, removes keys that are `null`; a whole `null`
/// removes all.
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
    fn invalid_part_refuses_all_extras() {
        let refusal =
            MappingExtras::from_body(&object(json!({"tags": ["a:b", "nothing"]}))).unwrap_err();
        assert_eq!(refusal.kind, BAD_TAG);
        assert!(refusal.description.contains("nothing"));
        for body in [
            json!({"tags": "a:b"}),
            json!({"metadata": [1]}),
            json!({"group_id": 1}),
        ] {
            assert_eq!(
                MappingExtras::from_body(&object(body)).unwrap_err().kind,
                MALFORMED
            );
        }
        assert_eq!(
            MappingExtras::from_body(&Object::new()),
            Ok(MappingExtras::default())
        );
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
