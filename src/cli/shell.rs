//! Words as a shell takes them: what is shown to be typed again, or to be run, is one word and
//! nothing more. Not for what could steer a terminal: that is made printable before.

/// The text as one word for a POSIX shell.
pub(super) fn word(text: &str) -> String {
    // Without `~`, `=` in front (zsh) and whatever expands; in other scripts a quote does no harm.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:%,+=@".contains(c);
    if !text.is_empty() && !text.starts_with('=') && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_plain_is_quoted() {
        for plain in ["@label.png", "/dev/ttyUSB0", "fe80::1%wlan0", "--a=b", "7"] {
            assert_eq!(word(plain), plain);
        }
        for (text, expected) in [
            ("", "''"),
            ("a>b", "'a>b'"),
            ("a b", "'a b'"),
            ("~", "'~'"),
            ("=ls", "'=ls'"),
            ("NP:a|it's|b", r"'NP:a|it'\''s|b'"),
        ] {
            assert_eq!(word(text), expected);
        }
    }
}
