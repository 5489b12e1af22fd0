//! Durations for people, in the unit that fits. Machines get seconds.

use std::time::Duration;

/// Formats a duration, rounded down.
pub(in crate::cli) fn format_duration(time: Duration) -> String {
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
    fn duration_has_the_unit_that_fits() {
        for (seconds, words) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7200, "2 h"),
            (200_000, "2 days"),
        ] {
            assert_eq!(format_duration(Duration::from_secs(seconds)), words);
        }
    }
}
