//! The host's half of the provisioning manager: connect, give Wi-Fi, see it joined. The order of the
//! whole run is here; each step is a flow of its own.

use super::connect::{self, Access};
use super::find::Target;
use super::join::Joining;
use super::wifi::{self, Wanted};
use super::{Doing, FlowError, Left, Observer, Pace, Stage, StageState, Stop};
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

/// Runs the whole of it, until `stop`.
pub async fn run(
    request: &Request,
    pace: &Pace,
    observer: &mut dyn Observer,
    stop: &mut Stop,
) -> Result<Outcome, FlowError> {
    let opening = connect::open(&request.target, pace, observer);
    let opened = stop.or(Doing::Connecting, opening).await?;
    let version = opened.version.clone();
    if version.has("thread_prov") && !version.has("wifi_prov") {
        return Err(FlowError::NoWifi);
    }
    let securing = connect::secure(opened, &request.access, observer);
    let mut secured = stop.or(Doing::Securing, securing).await?;
    let settling = wifi::settle(
        &mut secured.session,
        &request.wifi,
        &version,
        pace,
        observer,
    );
    let settled = stop.or(Doing::Scanning, settling).await?;

    let mut joining = Joining {
        secured: &mut secured,
        version: &version,
        pace,
        left: Left::Nothing,
    };
    let run = joining.run(settled, request.wifi.retries, observer);
    let (ssid, network) = match stop.or(Doing::ConfirmingWifi, run).await {
        Err(FlowError::Stopped { reason, .. }) => {
            if matches!(joining.left, Left::Applied | Left::Unknown) {
                joining.forget(observer).await;
            }
            let doing = match joining.left {
                Left::Nothing | Left::Unapplied => Doing::SendingWifi,
                Left::Applied | Left::Forgotten | Left::Unknown => Doing::ConfirmingWifi,
            };
            return Err(FlowError::Stopped {
                reason,
                doing,
                left: joining.left,
            });
        }
        outcome => outcome?,
    };
    for stage in [Stage::Associate, Stage::VerifyAssociation, Stage::SetupNode] {
        observer.event(&stage.event(StageState::Skipped, None));
    }
    // The device closes its side by itself; a failure to say goodbye changes nothing.
    let scheme = secured.scheme;
    if let Err(error) = secured.session.close().await {
        tracing::debug!(%error, "closing");
    }
    Ok(Outcome {
        scheme,
        ssid,
        network,
    })
}
