//! The head of an HTTP request, as `esp_http_server` parses it, and its error pages.

/// The head of a request.
pub(super) struct Head {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) cookie: Option<String>,
    /// The length of the body; 0 for a missing or chunked one.
    pub(super) length: usize,
    /// The length of the head, in bytes.
    pub(super) bytes: usize,
}

/// An error page of `httpd_resp_send_err`: its status and its text.
pub(super) type ErrorPage = (&'static str, &'static str);

impl Head {
    /// Parses a head of at most `max_length` bytes. `None` if it is incomplete.
    pub(super) fn parse(bytes: &[u8], max_length: usize) -> Result<Option<Self>, ErrorPage> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let length = match request.parse(bytes) {
            Ok(httparse::Status::Complete(length)) if length <= max_length => length,
            Ok(httparse::Status::Partial) if bytes.len() < max_length => return Ok(None),
            Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(HEAD_TOO_LONG),
            Err(_) => return Err(BAD_REQUEST),
        };
        let value = |name: &str| {
            request
                .headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case(name))
                .map(|header| String::from_utf8_lossy(header.value).into_owned())
        };
        let body_length = match (value("Content-Length"), value("Transfer-Encoding")) {
            (Some(digits), None) => digits.parse().map_err(|_| BAD_REQUEST)?,
            _ => 0,
        };
        Ok(Some(Self {
            method: request.method.unwrap_or_default().to_owned(),
            target: request.path.unwrap_or_default().to_owned(),
            cookie: value("Cookie"),
            length: body_length,
            bytes: length,
        }))
    }
}

/// The path of a request target, absolute or not, without its query.
pub(super) fn path_of(target: &str) -> &str {
    let from_path = match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => {
            rest.find('/').and_then(|start| rest.get(start..))
        }
        _ => Some(target),
    };
    from_path
        .and_then(|rest| rest.split(['?', '#']).next())
        .unwrap_or("/")
}

pub(super) const BAD_REQUEST: ErrorPage = ("400 Bad Request", "Bad request syntax");
pub(super) const NOT_FOUND: ErrorPage = ("404 Not Found", "Nothing matches the given URI");
pub(super) const WRONG_METHOD: ErrorPage = (
    "405 Method Not Allowed",
    "Specified method is invalid for this resource",
);
pub(super) const TOO_SLOW: ErrorPage = ("408 Request Timeout", "Server closed this connection");
pub(super) const URI_TOO_LONG: ErrorPage = ("414 URI Too Long", "URI is too long");
pub(super) const HEAD_TOO_LONG: ErrorPage = (
    "431 Request Header Fields Too Large",
    "Header fields are too long",
);

/// More do not fit into a head.
const MAX_HEADERS: usize = 256;
/// `CONFIG_HTTPD_MAX_URI_LEN`.
pub(super) const MAX_TARGET: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<Head>, &'static str> {
        Head::parse(text.as_bytes(), 1024).map_err(|(status, _)| status)
    }

    #[test]
    fn parses_complete_head() {
        let text = "POST /a HTTP/1.1\r\ncontent-length: 7\r\nCOOKIE: session=1\r\n\r\nbody";
        for end in 0..text.len() - 4 {
            assert!(parse(&text[..end]).unwrap().is_none(), "{end}");
        }
        let head = parse(text).unwrap().unwrap();
        assert_eq!((&*head.method, &*head.target), ("POST", "/a"));
        assert_eq!(head.cookie.as_deref(), Some("session=1"));
        assert_eq!((head.length, head.bytes), (7, text.len() - 4));
    }

    #[test]
    fn head_has_at_most_1024_bytes() {
        let of = |length: usize| {
            let rest = "POST /a HTTP/1.1\r\nX: \r\n\r\n".len();
            format!(
                "POST /a HTTP/1.1\r\nX: {}\r\n\r\n",
                "x".repeat(length - rest)
            )
        };
        assert!(parse(&of(1024)).unwrap().is_some());
        for text in [of(1025), of(5000), of(1025)[..1024].to_owned()] {
            assert_eq!(parse(&text).err(), Some(HEAD_TOO_LONG.0));
        }
    }

    #[test]
    fn body_without_valid_length_is_empty() {
        for headers in [
            "",
            "Content-Length: 0\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n",
        ] {
            let head = parse(&format!("POST /a HTTP/1.1\r\n{headers}\r\n"));
            assert_eq!(head.unwrap().unwrap().length, 0, "{headers}");
        }
        for length in ["-1", "0x7", "7,7", "99999999999999999999"] {
            let text = format!("POST /a HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
            assert_eq!(parse(&text).err(), Some(BAD_REQUEST.0), "{length}");
        }
    }

    #[test]
    fn path_excludes_host_and_query() {
        for (target, path) in [
            ("/a", "/a"),
            ("/a?b=/c", "/a"),
            ("/a#b", "/a"),
            ("http://d:80/a?b", "/a"),
            ("http://d", "/"),
            ("/a://b", "/a://b"),
            ("*", "*"),
            ("", ""),
        ] {
            assert_eq!(path_of(target), path, "{target}");
        }
    }
}
