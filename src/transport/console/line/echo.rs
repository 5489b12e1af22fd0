//! How much of a request has been echoed: the board sends back every byte that it has read, and others
//! print between them. Sending what may follow is for others.

use zeroize::Zeroizing;

/// The echo of one request.
pub(super) struct Echo {
    sent: Zeroizing<Vec<u8>>,
    /// After the lines so far: whether it can be that exactly so many bytes were echoed. What others
    /// print may begin like the part that is to come, so there are several ways to read it.
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

    /// How much at most, with the line that is not at its end yet.
    pub(super) fn length(&self, line: &[u8]) -> usize {
        let furthest = self.places().map(|from| from + self.same(from, line)).max();
        furthest.unwrap_or(0).max(self.presumed)
    }

    /// So much was surely read by now, though its echo was not seen as such.
    pub(super) fn presume(&mut self, length: usize) {
        self.presumed = length;
    }

    /// Takes a line that ended; whether the echo ended with it. In front of the first part of an
    /// echo is the prompt.
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

    /// Whether this could be a part of it.
    pub(super) fn may_hold(&self, line: &[u8]) -> bool {
        self.sent.windows(line.len()).any(|part| part == line)
    }

    fn places(&self) -> impl Iterator<Item = usize> + '_ {
        let places = self.reached.iter().enumerate();
        places.filter_map(|(place, is_reached)| is_reached.then_some(place))
    }

    /// How many bytes of the line go on with the echo from there.
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
