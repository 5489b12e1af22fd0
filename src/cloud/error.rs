//! How a call to the cloud can end badly, by whose fault it is. What to do about it is
//! `report`'s.

use std::time::Duration;

use thiserror::Error;

/// Why a call did not succeed.
#[derive(Debug, Error)]
pub enum CloudError {
    /// The certificate of `--ca-cert` is none.
    #[error("the CA certificate cannot be used")]
    BadCertificate {
        /// What is wrong with it.
        #[source]
        source: reqwest::Error,
    },
    /// Tokens and passwords would travel in the clear.
    #[error("{host} is reached over plain HTTP, where anybody can read tokens")]
    Insecure {
        /// The cloud's host name.
        host: String,
    },
    /// The login has ended, and cannot be renewed.
    #[error("the login has expired{}", detail(description.as_deref()))]
    LoginExpired {
        /// The cloud's words, where it has some.
        description: Option<String>,
    },
    /// User, password or code are wrong, or belong to somebody else.
    #[error("the cloud did not accept the login{}", detail(description.as_deref()))]
    LoginRefused {
        /// The cloud's words.
        description: Option<String>,
    },
    /// An answer that is none.
    #[error("{host} answered {call} with something else than was asked for: {what}")]
    Malformed {
        /// The cloud's host name.
        host: String,
        /// What was asked.
        call: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The cloud understood and said no.
    #[error("the cloud refused {call}: {}", refusal(*status, code.as_deref(), description.as_deref()))]
    Rejected {
        /// What was asked.
        call: &'static str,
        /// The HTTP status.
        status: u16,
        /// Its code, as number or text.
        code: Option<String>,
        /// Its words.
        description: Option<String>,
    },
    /// No answer in time.
    #[error("{host} did not answer {call} within {} s", waited.as_secs_f32())]
    TimedOut {
        /// The cloud's host name.
        host: String,
        /// What was asked.
        call: &'static str,
        /// The limit.
        waited: Duration,
    },
    /// No connection, or one that broke.
    #[error("{host} cannot be reached")]
    Unreachable {
        /// The cloud's host name.
        host: String,
        /// The HTTP client's error.
        #[source]
        source: reqwest::Error,
        /// Whether the request may have arrived before.
        may_have_arrived: bool,
    },
}

impl CloudError {
    /// Whether the cloud may have done what it was asked for all the same.
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::Malformed { .. } | Self::TimedOut { .. } => true,
            Self::Rejected { status, .. } => *status >= 500,
            Self::Unreachable {
                may_have_arrived, ..
            } => *may_have_arrived,
            Self::BadCertificate { .. }
            | Self::Insecure { .. }
            | Self::LoginExpired { .. }
            | Self::LoginRefused { .. } => false,
        }
    }

    /// Whether this cloud does not know the call, as one of older make.
    pub fn is_no_such_call(&self) -> bool {
        matches!(self, Self::Rejected { status: 404, .. })
    }

    /// Whether nobody was there, so that it may be otherwise on another network or later.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TimedOut { .. })
    }

    /// Whether asking again could help: nobody was there, or too busy.
    pub(super) fn is_passing(&self) -> bool {
        self.is_unreachable()
            || matches!(self, Self::Rejected { status, .. } if *status >= 500 || *status == BUSY)
    }
}

fn detail(description: Option<&str>) -> String {
    description.map_or_else(String::new, |text| format!(": {text}"))
}

fn refusal(status: u16, code: Option<&str>, description: Option<&str>) -> String {
    let status = match description {
        Some(text) => format!("{text} (HTTP {status}"),
        None => format!("it does not say why (HTTP {status}"),
    };
    match code {
        Some(code) => format!("{status}, code {code})"),
        None => status + ")",
    }
}

/// Too many requests (RFC 6585).
pub(super) const BUSY: u16 = 429;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejections_and_timeouts_say_whether_a_retry_can_help() {
        let rejected = |status| CloudError::Rejected {
            call: "a call",
            status,
            code: None,
            description: None,
        };
        let timed_out = CloudError::TimedOut {
            host: "cloud".to_owned(),
            call: "a call",
            waited: Duration::from_secs(1),
        };
        let malformed = CloudError::Malformed {
            host: "cloud".to_owned(),
            call: "a call",
            what: "nothing".to_owned(),
        };
        let expired = CloudError::LoginExpired { description: None };
        // May have arrived, unreachable, passing, no such call.
        for (error, expected) in [
            (rejected(400), [false, false, false, false]),
            (rejected(404), [false, false, false, true]),
            (rejected(429), [false, false, true, false]),
            (rejected(499), [false, false, false, false]),
            (rejected(500), [true, false, true, false]),
            (timed_out, [true, true, true, false]),
            (malformed, [true, false, false, false]),
            (expired, [false, false, false, false]),
        ] {
            let found = [
                error.may_have_arrived(),
                error.is_unreachable(),
                error.is_passing(),
                error.is_no_such_call(),
            ];
            assert_eq!(found, expected, "{error:?}");
        }
    }
}
