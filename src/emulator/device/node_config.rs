//! The configuration that a node reports to its cloud: a lamp with the services of RainMaker's examples.
//! Only the id varies; the parameters have no effect.

use serde_json::{Map, Value};

/// The configuration of a node with this id.
pub fn node_config(node_id: &str) -> Value {
    let mut config: Map<String, Value> = serde_json::from_str(EXAMPLE).unwrap_or_default();
    config.insert("node_id".to_owned(), node_id.into());
    Value::Object(config)
}

const EXAMPLE: &str = include_str!("node_config.json");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn example_is_json_with_id_of_node() {
        let config = node_config("node-1");
        assert_eq!(config["node_id"], "node-1");
        assert_eq!(config["devices"][0]["name"], "Light");
    }
}
