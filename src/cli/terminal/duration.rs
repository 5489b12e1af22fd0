//! A length of time in words, in the one unit that fits: for people. Machines get seconds.

use std::time::Duration;

/// Rounded down.
pub(in crate::cli) fn spoken(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match minutes {
        0..2 => format!("{} s", time.as_secs()),
        2..120 => format!("{minutes} min"),
        120..2880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_spoken_in_the_unit_that_fits() {
        for (seconds, words) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7200, "2 h"),
            (200_000, "2 days"),
        ] {
            assert_eq!(spoken(Duration::from_secs(seconds)), words);
        }
    }
}
