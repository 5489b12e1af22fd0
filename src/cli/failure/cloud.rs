//! What to do about an error of the cloud. The match has no wildcard, as in the file above it.

use std::error::Error as StdError;

use super::{Advice, Failure, advice};
use crate::cli::account_args::environment_counts;
use crate::cli::error_id::ErrorId;
use crate::cloud::CloudError;

impl Failure {
    /// A call that no device had a part in. `doing` reads as in "while: listing the nodes".
    pub(in crate::cli) fn of_cloud(error: &CloudError, doing: &str) -> Self {
        let Advice { exit, id, hints } = advise(error);
        Self {
            doing: Some(doing.to_owned()),
            causes: causes(error),
            exit,
            hints,
            ..Self::new(id, error.to_string())
        }
    }
}

fn causes(error: &CloudError) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes
}

pub(super) fn advise(error: &CloudError) -> Advice {
    match error {
        CloudError::BadCertificate { .. } => advice(
            ErrorId::BadCaCert,
            ["--ca-cert takes a file with certificates in PEM form"],
        ),
        CloudError::Insecure { .. } => advice(
            ErrorId::InsecureCloud,
            [
                "use an https:// base URL",
                "in a network of your own, --allow-plain-http sends them all the same",
            ],
        ),
        // A login would not be looked at.
        CloudError::LoginExpired { .. } if environment_counts() => advice(
            ErrorId::LoginExpired,
            ["ESPCTL_ACCESS_TOKEN was not accepted: set a new one, of this cloud, or unset it"],
        ),
        CloudError::LoginExpired { .. } => advice(
            ErrorId::LoginExpired,
            ["run `espctl login`, with the same --profile"],
        ),
        CloudError::LoginRefused { .. } => advice(
            ErrorId::LoginRefused,
            ["check user name, password or code, and that --profile names the cloud they are for"],
        ),
        CloudError::Malformed { .. } => advice(
            ErrorId::CloudAnswer,
            ["a proxy, a hotspot's login page or another server may stand in between"],
        ),
        CloudError::Rejected { status: 429, .. } => advice(
            ErrorId::CloudRefused,
            ["it is too busy: try again in a minute"],
        ),
        CloudError::Rejected { status, .. } if *status >= 500 => advice(
            ErrorId::CloudRefused,
            ["it has trouble of its own: try again later"],
        ),
        CloudError::Rejected { status: 404, .. } => advice(
            ErrorId::CloudRefused,
            ["this may be no RainMaker cloud: check the base URL, `espctl profile list`"],
        ),
        CloudError::Rejected { .. } => advice(
            ErrorId::CloudRefused,
            ["asking again will not help before its reason is gone"],
        ),
        CloudError::TimedOut { .. } => advice(
            ErrorId::CloudTimedOut,
            ["check the internet connection and try again; --cloud-timeout gives it longer"],
        ),
        CloudError::Unreachable { .. } => advice(
            ErrorId::CloudUnreachable,
            ["check the internet connection: a computer on a device's hotspot often has none"],
        ),
    }
}
