//! The id and the advice for an error of the cloud.

use super::causes::causes_of;
use crate::cloud::CloudError;
use crate::report::context::Context;
use crate::report::error_table::ErrorId;
use crate::report::failure::Failure;

impl Failure {
    /// A call to the cloud that no device is part of. `step` reads as in "while: listing the nodes".
    pub(crate) fn of_cloud(error: &CloudError, step: &str, context: &Context) -> Self {
        Self {
            step: Some(step.to_owned()),
            message: error.to_string(),
            causes: causes_of(error),
            ..diagnose(error, context.clone())
        }
    }
}

pub(super) fn diagnose(error: &CloudError, mut context: Context) -> Failure {
    let id = match error {
        CloudError::BadCertificate { .. } => ErrorId::BadCaCert,
        CloudError::Insecure { .. } => ErrorId::InsecureCloud,
        CloudError::LoginExpired { .. } => ErrorId::LoginExpired,
        CloudError::LoginRefused { .. } => ErrorId::LoginRefused,
        CloudError::Malformed { .. } => ErrorId::CloudAnswer,
        CloudError::Rejected { status, .. } => {
            context.error.cloud_status = Some(*status);
            ErrorId::CloudRefused
        }
        CloudError::TimedOut { .. } => ErrorId::CloudTimedOut,
        CloudError::Unreachable { .. } => ErrorId::CloudUnreachable,
    };
    Failure::advised(id, &context)
}
