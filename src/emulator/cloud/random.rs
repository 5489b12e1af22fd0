//! Random texts: ids, challenges, tokens, passwords.

use rand::distributions::{Alphanumeric, Distribution as _};
use rsa::rand_core::OsRng;

/// Draws this many letters and digits from the system's random generator.
pub fn alphanumerics(length: usize) -> String {
    let characters = Alphanumeric.sample_iter(OsRng).map(char::from);
    characters.take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alphanumerics_have_the_given_length_and_differ() {
        for length in [0, 1, 22, 64, 300] {
            let text = alphanumerics(length);
            assert_eq!(text.len(), length);
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
        assert_ne!(alphanumerics(32), alphanumerics(32));
    }
}
