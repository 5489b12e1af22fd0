//! Letters and digits that nobody can guess: ids, challenges, tokens, passwords.

use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};

/// As many of them.
pub fn alphanumerics(length: usize) -> String {
    let random = std::iter::repeat_with(bytes).map(|[byte]| byte);
    // Bytes beyond the last whole round would make some characters likelier than others.
    let random = random.filter(|byte| *byte < ROUNDS);
    let characters = random.filter_map(|byte| ALPHABET.get(usize::from(byte) % ALPHABET.len()));
    characters
        .take(length)
        .map(|byte| char::from(*byte))
        .collect()
}

/// As many random bytes.
pub(super) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    UnwrapErr(SysRng).fill_bytes(&mut bytes);
    bytes
}

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Four times the alphabet.
const ROUNDS: u8 = 248;

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
