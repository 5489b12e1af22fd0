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
pub(super) fn entries<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let all = Option::<Vec<Value>>::deserialize(from)?.unwrap_or_default();
    Ok(keep_valid(all))
}

/// The valid entries of a list; anything else is an empty list.
pub(super) fn entries_if_any<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(match Value::deserialize(from)? {
        Value::Array(all) => keep_valid(all),
        _ => Vec::new(),
    })
}

fn keep_valid<T: DeserializeOwned>(all: Vec<Value>) -> Vec<T> {
    let total = all.len();
    let parse = |entry| serde_json::from_value(entry).ok();
    let valid: Vec<T> = all.into_iter().filter_map(parse).collect();
    if valid.len() < total {
        let skipped = total - valid.len();
        tracing::debug!(skipped, "invalid entries of a list");
    }
    valid
}

/// A text; anything else is `None`.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

/// A text; anything else is empty.
pub(super) fn text_or_empty<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    text(from).map(Option::unwrap_or_default)
}

/// More pages than any account has, even with one node on each.
const MAX_PAGES: usize = 1000;
