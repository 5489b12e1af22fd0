//! Deterministic random numbers: scripted bytes, or bytes from a seed. They must only be used in
//! tests.

use std::collections::VecDeque;
use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest as _, Sha512};

/// Returns exactly the given bytes. Drawing more fails the test, because the script does not define
/// them.
#[derive(Debug)]
pub(crate) struct ScriptedRng(VecDeque<u8>);

impl ScriptedRng {
    pub(crate) fn new<const N: usize>(draws: [&[u8]; N]) -> Self {
        Self(draws.concat().into())
    }

    /// Whether all bytes were drawn.
    pub(crate) fn is_used_up(&self) -> bool {
        self.0.is_empty()
    }

    fn draw(&mut self, to: &mut [u8]) {
        for byte in to {
            *byte = self.0.pop_front().expect("the script has run out");
        }
    }
}

/// SHA-512 of a seed and a counter, block by block. It is the same on every machine and in every
/// version, which a library's generator does not guarantee.
#[derive(Debug)]
pub(crate) struct SeededRng {
    seed: String,
    counter: u64,
    left: VecDeque<u8>,
}

impl SeededRng {
    pub(crate) fn new(seed: impl Into<String>) -> Self {
        Self {
            seed: seed.into(),
            counter: 0,
            left: VecDeque::new(),
        }
    }

    /// A number below `bound`. The distribution is slightly uneven, which is harmless.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let mut bytes = [0; 4];
        self.draw(&mut bytes);
        usize::try_from(u32::from_le_bytes(bytes)).unwrap() % bound
    }

    /// `length` characters of one to four bytes each.
    pub(crate) fn text(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| ALPHABET[self.below(ALPHABET.len())])
            .collect()
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.draw(&mut bytes);
        bytes
    }

    fn draw(&mut self, to: &mut [u8]) {
        for byte in to {
            if self.left.is_empty() {
                let block = Sha512::new()
                    .chain_update(&self.seed)
                    .chain_update([0])
                    .chain_update(self.counter.to_be_bytes())
                    .finalize();
                self.left.extend(block);
                self.counter += 1;
            }
            *byte = self.left.pop_front().unwrap();
        }
    }
}

/// Both draw only bytes, in the order of the calls.
macro_rules! draw_bytes {
    ($($rng:ty),*) => {$(
        impl TryRng for $rng {
            type Error = Infallible;

            fn try_next_u32(&mut self) -> Result<u32, Infallible> {
                let mut bytes = [0; 4];
                self.draw(&mut bytes);
                Ok(u32::from_le_bytes(bytes))
            }

            fn try_next_u64(&mut self) -> Result<u64, Infallible> {
                let mut bytes = [0; 8];
                self.draw(&mut bytes);
                Ok(u64::from_le_bytes(bytes))
            }

            fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
                self.draw(to);
                Ok(())
            }
        }

        impl TryCryptoRng for $rng {}
    )*};
}

draw_bytes!(ScriptedRng, SeededRng);

/// The colon separates user name and password in the hash; the other characters have one to four
/// bytes.
const ALPHABET: [char; 16] = [
    'a', 'b', 'z', 'A', '0', '9', ' ', ':', '"', '\\', 'é', 'ß', '中', '✓', '😀', '\u{7f}',
];
