//! The host's half of the provisioning manager: connect, give Wi-Fi, confirm. The order of the
//! whole run is here; each step is a flow of its own.

use super::connect::{self, Access};
use super::find::Target;
use super::wifi::{self, Wanted};
use super::{FlowError, Observer, Pace, Stage, StageState};
use crate::endpoint::wifi_config::ConnectedNetwork;
use crate::ident::Ssid;
use crate::security::SecurityScheme;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Request {
    /// To which device.
    pub target: Target,
    /// How to get in.
    pub access: Access,
    /// Which network it shall join.
    pub wifi: Wanted,
}

/// What was done, and seen to be done.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The scheme of the session.
    pub scheme: SecurityScheme,
    /// The network that was asked for.
    pub ssid: Ssid,
    /// The connection as the device reports it.
    pub network: ConnectedNetwork,
}

/// Runs the whole of it.
pub async fn run(
    request: &Request,
    pace: &Pace,
    observer: &mut dyn Observer,
) -> Result<Outcome, FlowError> {
    let opened = connect::open(&request.target, pace, observer).await?;
    let version = opened.version.clone();
    if version.has("thread_prov") && !version.has("wifi_prov") {
        return Err(FlowError::NoWifi);
    }
    let (mut session, scheme) = connect::secure(opened, &request.access, observer).await?;

    let network = wifi::settle(&mut session, &request.wifi, &version, pace, observer).await?;
    let joined = wifi::join(&mut session, &network, pace, observer).await?;
    for stage in [Stage::Associate, Stage::VerifyAssociation, Stage::SetupNode] {
        observer.event(&stage.event(StageState::Skipped, None));
    }
    // The device closes its side by itself; a failure to say goodbye changes nothing.
    if let Err(error) = session.close().await {
        tracing::debug!(%error, "closing");
    }
    Ok(Outcome {
        scheme,
        ssid: network.ssid,
        network: joined,
    })
}
