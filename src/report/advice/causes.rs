//! The chain of errors behind an error, as text.

use std::error::Error;

/// The chain behind an error, without the links that only repeat the text before them.
pub(super) fn causes_of(error: &dyn Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut last = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if text != last {
            causes.push(text.clone());
            last = text;
        }
        next = cause.source();
    }
    causes
}
