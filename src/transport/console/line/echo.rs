//! Follows how much of a request was echoed. The board echoes every byte that it reads, and other
//! tasks print in between. `exchange.rs` sends the rest.

use zeroize::Zeroizing;

/// The echo of one request.
pub(super) struct Echo {
    sent: Zeroizing<Vec<u8>>,
    /// For each number of bytes, whether exactly that many may have been echoed in the lines so
    /// far. Other output may begin like the next part of the echo, so several numbers are possible.
    reached: Vec<bool>,
    presumed: usize,
}

impl Echo {
    pub(super) fn of(request: &str) -> Self {
        let mut reached = vec![false; request.len() + 1];
        if let Some(nothing) = reached.first_mut() {
            *nothing = true;
        }
        Self {
            sent: Zeroizing::new(request.as_bytes().to_vec()),
            reached,
            presumed: 0,
        }
    }

    /// The largest possible number of echoed bytes, including the current line.
    pub(super) fn length(&self, line: &[u8]) -> usize {
        let furthest = self.places().map(|from| from + self.same(from, line)).max();
        furthest.unwrap_or(0).max(self.presumed)
    }

    /// Assumes that the device has read `length` bytes, although their echo was not recognized.
    pub(super) fn presume(&mut self, length: usize) {
        self.presumed = length;
    }

    /// Reads a complete line. Returns whether the echo ends with it. The prompt precedes the first
    /// part of an echo.
    pub(super) fn ends_with(&mut self, line: &[u8], prompt: &[u8]) -> bool {
        let line = line.strip_prefix(prompt).unwrap_or(line);
        let places: Vec<usize> = self.places().collect();
        let mut is_end = false;
        for from in places {
            let same = self.same(from, line);
            is_end |= same == line.len() && from + same == self.sent.len();
            for place in self.reached.iter_mut().skip(from).take(same + 1) {
                *place = true;
            }
        }
        is_end
    }

    /// Whether the line may be a part of the echo.
    pub(super) fn may_hold(&self, line: &[u8]) -> bool {
        self.sent.windows(line.len()).any(|part| part == line)
    }

    fn places(&self) -> impl Iterator<Item = usize> + '_ {
        let places = self.reached.iter().enumerate();
        places.filter_map(|(place, is_reached)| is_reached.then_some(place))
    }

    /// How many bytes of the line match the echo from this position.
    fn same(&self, from: usize, line: &[u8]) -> usize {
        let left = self.sent.get(from..).unwrap_or_default();
        left.iter()
            .zip(line)
            .take_while(|(one, other)| one == other)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echo_is_followed_over_the_lines_of_others() {
        let mut echo = Echo::of("prov-config 1 08");
        assert!(echo.may_hold(b"config 1") && !echo.may_hold(b"I (1) wifi"));
        assert_eq!(echo.length(b"prov-"), 5);
        assert!(!echo.ends_with(b">> prov-I (1) wifi", b">> "));
        assert_eq!(echo.length(b"config"), 11);
        assert_eq!(echo.length(b"wifi"), 5);
        assert!(echo.ends_with(b"config 1 08", b">> "));
    }
}
