//! Reads the cloud's lists page by page, with a limit. The caller defines the content of a page.
//! Invalid entries of a list are skipped.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::call::Call;
use super::client::Client;
use super::error::CloudError;

#[derive(Deserialize)]
struct Page<T> {
    #[serde(flatten)]
    content: T,
    next_id: Option<String>,
}

impl Client {
    /// Fetches every page of a list, in order.
    pub(super) async fn fetch_pages<T: DeserializeOwned>(
        &self,
        name: &'static str,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, CloudError> {
        let mut pages = Vec::new();
        let mut start: Option<String> = None;
        // A page that was fetched before would repeat forever.
        let mut seen = HashSet::new();
        while pages.len() < MAX_PAGES {
            let mut query = query.to_vec();
            query.extend(start.as_deref().map(|start| ("start_id", start)));
            let page: Page<T> = self.call(Call::get(name, path).query(&query)).await?;
            pages.push(page.content);
            let Some(next) = page.next_id.filter(|next| !next.is_empty()) else {
                return Ok(pages);
            };
            if !seen.insert(next.clone()) {
                break;
            }
            start = Some(next);
        }
        Err(self.malformed(name, "its pages do not end"))
    }
}

/// The valid entries of a list; `null` is an empty list.
pub(super) fn entries<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    let all = Option::<Vec<Value>>::deserialize(from)?.unwrap_or_default();
    let total = all.len();
    let parse = |entry| serde_json::from_value(entry).ok();
    let valid: Vec<T> = all.into_iter().filter_map(parse).collect();
    if valid.len() < total {
        let skipped = total - valid.len();
        tracing::debug!(skipped, "invalid entries of a list");
    }
    Ok(valid)
}

/// The valid entries of a list; anything else is an empty list.
pub(super) fn entries_if_any<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    Ok(entries(Value::deserialize(from)?).unwrap_or_default())
}

/// A value of this type; anything else is its default.
pub(super) fn valid_or_default<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    from: D,
) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(from)?).unwrap_or_default())
}

/// More pages than any account has, even with one node on each.
const MAX_PAGES: usize = 1000;
