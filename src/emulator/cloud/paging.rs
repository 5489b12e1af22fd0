//! Lists in pages: from `start_id` on, `num_records` at most, and `next_id` while there are more.

use super::exchange::Request;
use super::refusal::{MALFORMED, Refusal};

/// One page of ids.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) ids: Vec<String>,
    /// Where the next one starts.
    pub(super) next: Option<String>,
    /// Of all pages.
    pub(super) total: usize,
}

impl Page {
    /// The page of `ids`, which are sorted, that a request asks for.
    pub(super) fn of(request: &Request, ids: Vec<String>, largest: usize) -> Result<Self, Refusal> {
        let length = match request.parameter("num_records") {
            None => largest,
            Some(number) => number
                .parse::<usize>()
                .ok()
                .filter(|number| *number > 0)
                .ok_or_else(|| MALFORMED.because("num_records is not a number from 1"))?
                .min(largest),
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
                query: Request::parameters(query.as_bytes()),
                ..Request::default()
            };
            Page::of(&request, ids.clone(), largest)
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
