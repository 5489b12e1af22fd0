//! Single commands to a device outside of provisioning: reset credentials, reopen provisioning, call
//! an endpoint of the application. Each command closes its session.

use zeroize::Zeroizing;

use super::{FlowError, FlowStep};
use crate::endpoint::Command;
use crate::endpoint::wifi_ctrl::{Reprovision, ResetWifi};
use crate::proto::{EndpointName, Service};
use crate::session::Session;

/// Makes a device that failed to join forget the credentials.
pub async fn reset_credentials(session: Session) -> Result<(), FlowError> {
    send_command(session, &ResetWifi, FlowStep::Resetting).await
}

/// Makes a provisioned device forget its network and accept a new one.
pub async fn reopen_provisioning(session: Session) -> Result<(), FlowError> {
    send_command(session, &Reprovision, FlowStep::Reopening).await
}

/// Sends bytes to an endpoint and returns its answer.
pub async fn call_endpoint(
    mut session: Session,
    endpoint: &str,
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, FlowError> {
    let endpoint = EndpointName::new(endpoint.to_owned());
    let session_error = FlowError::of_session(FlowStep::Calling);
    let answer = session.exchange(&endpoint, data).await;
    let answer = answer.map_err(&session_error)?;
    session.close().await.map_err(session_error)?;
    Ok(answer)
}

/// The purpose of an endpoint that the application cannot use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReservedEndpoint {
    /// The handshake.
    Session,
    /// The version document, which is never sealed.
    Version,
}

/// The purpose of the endpoint with this name, if it cannot be called in a session.
pub fn find_reserved(endpoint: &str) -> Option<ReservedEndpoint> {
    let services = [Service::Provisioning, Service::LocalControl].into_iter();
    let mut reserved = services.flat_map(|service| {
        [
            (service.session_endpoint(), ReservedEndpoint::Session),
            (service.version_endpoint(), ReservedEndpoint::Version),
        ]
    });
    reserved.find_map(|(name, purpose)| (name.as_str() == endpoint).then_some(purpose))
}

async fn send_command<C>(mut session: Session, command: &C, step: FlowStep) -> Result<(), FlowError>
where
    C: Command<Reply = ()> + Sync,
{
    let session_error = FlowError::of_session(step);
    session.call(command).await.map_err(&session_error)?;
    session.close().await.map_err(session_error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::DeviceSecret;
    use crate::session::scripted_device::ScriptedDevice;

    #[tokio::test]
    async fn call_endpoint_returns_the_answer_of_the_endpoint() {
        let device = ScriptedDevice::new(DeviceSecret::Sec0, |endpoint, request| {
            assert_eq!(endpoint, "custom-data");
            Ok([b"answer to ", request].concat())
        });
        let session = device.secured().await.session;
        let answer = call_endpoint(session, "custom-data", b"data")
            .await
            .unwrap();
        assert_eq!(answer[..], b"answer to data"[..]);
    }

    #[test]
    fn session_and_version_endpoints_are_reserved() {
        for (endpoint, expected) in [
            ("prov-session", Some(ReservedEndpoint::Session)),
            ("esp_local_ctrl/session", Some(ReservedEndpoint::Session)),
            ("proto-ver", Some(ReservedEndpoint::Version)),
            ("esp_local_ctrl/version", Some(ReservedEndpoint::Version)),
            ("prov-config", None),
            ("custom-data", None),
        ] {
            assert_eq!(find_reserved(endpoint), expected, "{endpoint}");
        }
    }
}
