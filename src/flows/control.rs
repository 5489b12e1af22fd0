//! Single commands to a device, outside of provisioning: back to the start, open again, and
//! whatever endpoint its application has. Each has a session to itself, and ends it.

use zeroize::Zeroizing;

use super::{FlowError, FlowStep};
use crate::endpoint::Command;
use crate::endpoint::wifi_ctrl::{Reprovision, ResetWifi};
use crate::proto::{EndpointName, Service};
use crate::session::{Session, SessionError};

/// Has a device that failed to join forget the credentials.
pub async fn reset(session: Session) -> Result<(), FlowError> {
    command(session, &ResetWifi, FlowStep::Resetting).await
}

/// Has a device that joined wait for another network.
pub async fn reprovision(session: Session) -> Result<(), FlowError> {
    command(session, &Reprovision, FlowStep::Reopening).await
}

/// Sends bytes to an endpoint and returns its answer.
pub async fn call(
    mut session: Session,
    endpoint: &str,
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, FlowError> {
    let endpoint = EndpointName::new(endpoint.to_owned());
    let answer = session.exchange(&endpoint, data).await;
    let answer = answer.map_err(during(FlowStep::Calling))?;
    session.close().await.map_err(during(FlowStep::Calling))?;
    Ok(answer)
}

/// What a service keeps for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// The handshake.
    Session,
    /// The version document, which is never sealed.
    Version,
}

/// What an endpoint of this name is for, if it cannot be called in a session.
pub fn reserved(endpoint: &str) -> Option<Reserved> {
    [Service::Provisioning, Service::LocalControl]
        .into_iter()
        .find_map(|service| {
            if service.session_endpoint().as_str() == endpoint {
                Some(Reserved::Session)
            } else if service.version_endpoint().as_str() == endpoint {
                Some(Reserved::Version)
            } else {
                None
            }
        })
}

async fn command<C>(mut session: Session, command: &C, step: FlowStep) -> Result<(), FlowError>
where
    C: Command<Reply = ()> + Sync,
{
    session.call(command).await.map_err(during(step))?;
    session.close().await.map_err(during(step))
}

fn during(step: FlowStep) -> impl FnOnce(SessionError) -> FlowError {
    move |source| FlowError::Session { step, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::DeviceSecret;
    use crate::session::scripted_device::ScriptedDevice;

    #[tokio::test]
    async fn call_returns_the_answer_of_the_endpoint() {
        let device = ScriptedDevice::new(DeviceSecret::Sec0, |endpoint, request| {
            assert_eq!(endpoint, "custom-data");
            Ok([b"answer to ", request].concat())
        });
        let session = device.secured().await.session;
        let answer = call(session, "custom-data", b"data").await.unwrap();
        assert_eq!(answer[..], b"answer to data"[..]);
    }

    #[test]
    fn session_and_version_endpoints_are_reserved() {
        for (endpoint, expected) in [
            ("prov-session", Some(Reserved::Session)),
            ("esp_local_ctrl/session", Some(Reserved::Session)),
            ("proto-ver", Some(Reserved::Version)),
            ("esp_local_ctrl/version", Some(Reserved::Version)),
            ("prov-config", None),
            ("custom-data", None),
        ] {
            assert_eq!(reserved(endpoint), expected, "{endpoint}");
        }
    }
}
