//! Lists in pages: from `start_id` on, at most `num_records`, with `next_id` if there are more.

use std::num::NonZeroUsize;

use super::exchange::{ApiResult, Request};
use super::refusal::MALFORMED;

/// A page of ids.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) ids: Vec<String>,
    /// The first id of the next page.
    pub(super) next: Option<String>,
    /// The number of ids on all pages.
    pub(super) total: usize,
}

impl Page {
    /// Selects the requested page of `ids`, which are sorted.
    pub(super) fn select(request: &Request, ids: Vec<String>, longest: usize) -> ApiResult<Self> {
        let length = match request.parameter("num_records") {
            None => longest,
            Some(number) => number
                .parse::<NonZeroUsize>()
                .map_err(|_| MALFORMED.because("num_records is not a number from 1"))?
                .get()
                .min(longest),
        };
        let start = request.parameter("start_id").unwrap_or_default();
        let total = ids.len();
        let mut rest = ids.into_iter().filter(|id| id.as_str() >= start);
        Ok(Self {
            ids: rest.by_ref().take(length).collect(),
            next: rest.next(),
            total,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gaps() {
        let ids: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        let page = |query: &str, largest| {
            let request = Request {
                query: Request::parse_parameters(query.as_bytes()),
                ..Request::default()
            };
            Page::select(&request, ids.clone(), largest)
        };
        let first = page("num_records=2", 25).unwrap();
        assert_eq!(
            (first.ids, first.next.as_deref()),
            (vec!["a".into(), "b".into()], Some("c"))
        );
        let last = page("start_id=c", 3).unwrap();
        assert_eq!((last.ids.len(), last.next, last.total), (3, None, 5));
        assert_eq!(page("num_records=5", 1).unwrap().ids, ["a"]);
        assert_eq!(page("start_id=zz", 3).unwrap().ids, Vec::<String>::new());
        for query in ["num_records=0", "num_records=-1", "num_records=x"] {
            assert!(page(query, 3).is_err(), "{query}");
        }
    }
}
