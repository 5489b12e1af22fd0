//! `prov-ctrl`: returns the device to waiting for credentials. Firmware before 5.1 does not have
//! this endpoint.
//!
//! Source: `NP/src/network_ctrl.c`.

use prost::Message as _;
use zeroize::Zeroizing;

use super::command::{Command, ReplyError, check_status, decode_message, unexpected};
use crate::proto::EndpointName;
use crate::proto::network_provisioning::network_ctrl_payload::Payload;
use crate::proto::network_provisioning::{
    CmdCtrlWifiReprov, CmdCtrlWifiReset, NetworkCtrlMsgType as Msg, NetworkCtrlPayload,
};

/// After a failed join: forget the credentials and wait for new ones. In other states most firmware
/// refuses with `InternalError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetWifi;

impl Command for ResetWifi {
    const ENDPOINT: EndpointName = EndpointName::PROV_CTRL;
    type Reply = ();

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let payload = Payload::CmdCtrlWifiReset(CmdCtrlWifiReset {});
        encode(Msg::TypeCmdCtrlWifiReset, payload)
    }

    fn decode(response: &[u8]) -> Result<(), ReplyError> {
        match decode(response, Msg::TypeRespCtrlWifiReset)? {
            Some(Payload::RespCtrlWifiReset(_)) => Ok(()),
            _ => Err(unexpected("an answer to reset")),
        }
    }
}

/// After a successful join, on firmware that keeps provisioning open: leave the network and wait
/// for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reprovision;

impl Command for Reprovision {
    const ENDPOINT: EndpointName = EndpointName::PROV_CTRL;
    type Reply = ();

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let payload = Payload::CmdCtrlWifiReprov(CmdCtrlWifiReprov {});
        encode(Msg::TypeCmdCtrlWifiReprov, payload)
    }

    fn decode(response: &[u8]) -> Result<(), ReplyError> {
        match decode(response, Msg::TypeRespCtrlWifiReprov)? {
            Some(Payload::RespCtrlWifiReprov(_)) => Ok(()),
            _ => Err(unexpected("an answer to reprovision")),
        }
    }
}

fn encode(msg: Msg, payload: Payload) -> Zeroizing<Vec<u8>> {
    let message = NetworkCtrlPayload {
        msg: msg.into(),
        status: 0,
        payload: Some(payload),
    };
    Zeroizing::new(message.encode_to_vec())
}

fn decode(response: &[u8], expected: Msg) -> Result<Option<Payload>, ReplyError> {
    let message: NetworkCtrlPayload = decode_message("prov-ctrl", response)?;
    if message.msg != i32::from(expected) {
        return Err(unexpected("an answer about the state"));
    }
    check_status(message.status)?;
    Ok(message.payload)
}
