//! Quotes text for a POSIX shell, so that the user can type what espctl prints.

/// Quotes the text as one word. The caller must escape control characters.
pub(crate) fn quote_word(text: &str) -> String {
    match shlex::try_quote(text) {
        Ok(word) => word.into_owned(),
        // No argument can have a NUL byte.
        Err(_) => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_a_shell_would_change() {
        for plain in ["@label.png", "/dev/ttyUSB0", "PROV_d76c30", "7"] {
            assert_eq!(quote_word(plain), plain);
        }
        for text in [
            "",
            "a>b",
            "a b",
            "~",
            "=ls",
            "--a=b",
            "NP:a|it's|b",
            "$HOME!",
            "`ls`",
        ] {
            let word = quote_word(text);
            assert_ne!(word, text);
            assert_eq!(shlex::split(&word).unwrap(), [text]);
        }
        assert_eq!(quote_word("a\0"), r#""a\0""#);
    }
}
