//! Why a call to the cloud failed. Hints are in `report`.

use std::time::Duration;

use thiserror::Error;

/// Why a call to the cloud failed.
#[derive(Debug, Error)]
pub enum CloudError {
    /// The certificate of `--ca-cert` is not valid.
    #[error("the CA certificate cannot be used")]
    BadCertificate {
        /// The certificate's problem.
        #[source]
        source: reqwest::Error,
    },
    /// The URL would send tokens and passwords over plain HTTP.
    #[error("{host} uses plain HTTP, which would expose tokens")]
    Insecure {
        /// The cloud's host name.
        host: String,
    },
    /// The login expired and cannot be renewed.
    #[error("the login has expired{}", detail(description.as_deref()))]
    LoginExpired {
        /// The cloud's message, if there is one.
        description: Option<String>,
    },
    /// The user, the password or the code is wrong.
    #[error("the cloud did not accept the login{}", detail(description.as_deref()))]
    LoginRefused {
        /// The cloud's message, if there is one.
        description: Option<String>,
    },
    /// The answer is not what the API defines.
    #[error("{host} sent an invalid answer to {call}: {what}")]
    Malformed {
        /// The cloud's host name.
        host: String,
        /// The name of the call.
        call: &'static str,
        /// What is wrong with the answer.
        what: String,
    },
    /// The cloud understood the request and rejected it.
    #[error("the cloud refused {call}: {}", refusal(*status, code.as_deref(), description.as_deref()))]
    Rejected {
        /// The name of the call.
        call: &'static str,
        /// The HTTP status.
        status: u16,
        /// The cloud's error code, a number or a text.
        code: Option<String>,
        /// The cloud's message, if there is one.
        description: Option<String>,
    },
    /// The cloud did not answer in time.
    #[error("{host} did not answer {call} within {} s", waited.as_secs_f32())]
    TimedOut {
        /// The cloud's host name.
        host: String,
        /// The name of the call.
        call: &'static str,
        /// The time limit.
        waited: Duration,
    },
    /// No connection could be made, or it broke.
    #[error("{host} cannot be reached")]
    Unreachable {
        /// The cloud's host name.
        host: String,
        /// The HTTP client's error.
        #[source]
        source: reqwest::Error,
        /// Whether the request may have arrived.
        may_have_arrived: bool,
    },
}

impl CloudError {
    /// Whether the cloud may have carried out the request despite the error.
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

    /// Whether the cloud does not have this call, like an older one.
    pub fn is_unknown_call(&self) -> bool {
        matches!(self, Self::Rejected { status: 404, .. })
    }

    /// Whether the cloud did not answer, so that another network or a later attempt may succeed.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TimedOut { .. })
    }

    /// Whether a retry may help: the cloud did not answer, or was too busy.
    pub(super) fn is_transient(&self) -> bool {
        self.is_unreachable()
            || matches!(self, Self::Rejected { status, .. } if *status >= 500 || *status == BUSY)
    }
}

fn detail(description: Option<&str>) -> String {
    description.map_or_else(String::new, |text| format!(": {text}"))
}

fn refusal(status: u16, code: Option<&str>, description: Option<&str>) -> String {
    let code = code.map_or_else(String::new, |code| format!(", code {code}"));
    let reason = description.unwrap_or("no reason given");
    format!("{reason} (HTTP {status}{code})")
}

/// Too many requests (RFC 6585).
pub(super) const BUSY: u16 = 429;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classifies_errors_for_retries() {
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
        // May have arrived, is unreachable, is transient, is an unknown call.
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
            let flags = [
                error.may_have_arrived(),
                error.is_unreachable(),
                error.is_transient(),
                error.is_unknown_call(),
            ];
            assert_eq!(flags, expected, "{error:?}");
        }
    }
}
