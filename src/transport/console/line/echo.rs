//! Follows how much of a request was echoed. The board echoes every byte that it reads, and other
//! tasks print in between. `exchange.rs` sends the rest.

use zeroize::Zeroizing;

/// The echo of one request.
pub(super) struct Echo {
    sent: Zeroizing<Vec<u8>>,
    /// For each number of bytes, whether exactly that many may have been echoed in the lines so
    /// far. Other output may begin like the next part of the echo, so several numbers are possible.
    reached: Vec<bool>,
    assumed: usize,
}

impl Echo {
    pub(super) fn new(request: &str) -> Self {
        let mut reached = vec![false; request.len() + 1];
        if let Some(nothing) = reached.first_mut() {
            *nothing = true;
        }
        Self {
            sent: Zeroizing::new(request.as_bytes().to_vec()),
            reached,
            assumed: 0,
        }
    }

    /// The largest possible number of echoed bytes, including the current line.
    pub(super) fn echoed_length(&self, line: &[u8]) -> usize {
        let furthest = self
            .positions()
            .map(|from| from + self.matching_length(from, line))
            .max();
        furthest.unwrap_or(0).max(self.assumed)
    }

    /// Assumes that the device has read `length` bytes, although their echo was not recognized.
    pub(super) fn assume_echoed(&mut self, length: usize) {
        self.assumed = length;
    }

    /// Reads a complete line. Returns whether the echo ends with it. The prompt precedes the first
    /// part of an echo.
    pub(super) fn ends_with(&mut self, line: &[u8], prompt: &[u8]) -> bool {
        let line = line.strip_prefix(prompt).unwrap_or(line);
        let positions: Vec<usize> = self.positions().collect();
        let mut is_end = false;
        for from in positions {
            let matching = self.matching_length(from, line);
            is_end |= matching == line.len() && from + matching == self.sent.len();
            for is_reached in self.reached.iter_mut().skip(from).take(matching + 1) {
                *is_reached = true;
            }
        }
        is_end
    }

    /// Whether the line may be a part of the echo.
    pub(super) fn may_contain(&self, line: &[u8]) -> bool {
        self.sent.windows(line.len()).any(|part| part == line)
    }

    fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        let positions = self.reached.iter().enumerate();
        positions.filter_map(|(position, is_reached)| is_reached.then_some(position))
    }

    /// How many bytes of the line match the echo from this position.
    fn matching_length(&self, from: usize, line: &[u8]) -> usize {
        let left = self.sent.get(from..).unwrap_or_default();
        left.iter()
            .zip(line)
            .take_while(|(sent, echoed)| sent == echoed)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_echo_across_other_output() {
        let mut echo = Echo::new("prov-config 1 08");
        assert!(echo.may_contain(b"config 1") && !echo.may_contain(b"I (1) wifi"));
        assert_eq!(echo.echoed_length(b"prov-"), 5);
        assert!(!echo.ends_with(b">> prov-I (1) wifi", b">> "));
        assert_eq!(echo.echoed_length(b"config"), 11);
        assert_eq!(echo.echoed_length(b"wifi"), 5);
        assert!(echo.ends_with(b"config 1 08", b">> "));
    }
}
