//! The chain of errors behind an error, as text.

use std::error::Error;
use std::iter::successors;

/// The chain behind an error, without the links that only repeat the text before them.
pub(super) fn causes_of(error: &(dyn Error + 'static)) -> Vec<String> {
    let chain = successors(Some(error), |&link| link.source());
    let mut texts: Vec<String> = chain.map(ToString::to_string).collect();
    texts.dedup();
    texts.split_off(1)
}
