//! The RainMaker node in an emulated device: its endpoint, id, key and cloud.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};

use super::args::EmulateDevice;
use super::label::random_digits;
use crate::cli::commands::emulate::failures::{conflict, read_file};
use crate::emulator::device::{
    Association, NodeKey, NodeKeyError, NodeSettings, Scenario, node_config,
};
use crate::report::{ErrorId, Failure};

/// The node of the n-th device, if flags or capabilities make it one.
pub(super) fn create_node(
    args: &EmulateDevice,
    number: u16,
) -> Result<Option<NodeSettings>, Failure> {
    let node = find_association(args)
        .map(|association| new_node(args, association, number))
        .transpose()?;
    let nature = node.as_ref().map(NodeSettings::nature);
    Scenario::check_node(&args.scenario, nature)
        .or_else(|error| conflict(format!("--scenario: {error}")))?;
    Ok(node)
}

fn new_node(
    args: &EmulateDevice,
    association: Association,
    number: u16,
) -> Result<NodeSettings, Failure> {
    let flags = &args.node;
    let is_claimed = !CLAIMING.into_iter().any(|name| has_capability(args, name));
    let id = match &flags.node_id {
        Some(id) if args.count == 1 => id.to_string(),
        Some(id) => format!("{id}_{number}"),
        None if is_claimed => random_id(),
        None => format!("{ESPRESSIF}{}", random_digits::<3>().to_uppercase()),
    };
    let key = match &flags.node_key {
        Some(path) => read_file("--node-key", path, NodeKey::from_pem)?,
        None => NodeKey::generate(flags.key.unwrap_or_default()).map_err(|error| no_key(&error))?,
    };
    Ok(NodeSettings {
        id,
        key,
        association,
        is_claimed,
        cloud: flags.cloud.clone(),
    })
}

/// The endpoint that flags and capabilities ask for; `None` is plain ESP-IDF.
pub(super) fn find_association(args: &EmulateDevice) -> Option<Association> {
    let flags = &args.node;
    let has = |name: &&str| has_capability(args, name);
    let is_node = flags.node_id.is_some()
        || flags.key.is_some()
        || flags.node_key.is_some()
        || flags.cloud.is_some()
        || [CH_RESP, USER_ASSOC].iter().chain(&CLAIMING).any(has);
    if args.offering().is_on_network() {
        Some(Association::ChallengeResponse)
    } else if !is_node {
        None
    } else if args.cap.is_empty() || has(&CH_RESP) {
        Some(Association::ChallengeResponse)
    } else {
        Some(Association::UserMapping)
    }
}

/// The capabilities in the version document, in which firmware omits some.
pub(super) fn announced_capabilities(args: &EmulateDevice) -> Vec<String> {
    if args.cap.is_empty() && find_association(args) == Some(Association::ChallengeResponse) {
        return vec![CH_RESP.to_owned()];
    }
    let announced = args.cap.iter().filter(|name| **name != *USER_ASSOC);
    announced.map(ToString::to_string).collect()
}

pub(super) fn has_capability(args: &EmulateDevice, name: &str) -> bool {
    args.cap.iter().any(|capability| *capability == *name)
}

/// Registers a node with its cloud, if it has one and was claimed.
pub(super) async fn register_node(node: &NodeSettings) -> Result<(), Failure> {
    let Some(cloud) = node.cloud.as_ref().filter(|_| node.is_claimed) else {
        return Ok(());
    };
    let public = node.key.public_pem().map_err(|error| no_key(&error))?;
    cloud
        .register(&node.id, &public, &node_config(&node.id))
        .await
        .map_err(|error| {
            let message = format!("cannot register the node with the cloud at http://{cloud}");
            Failure::new(ErrorId::EmulatedCloudUnreachable, message).cause(&error)
        })
}

fn no_key(error: &NodeKeyError) -> Failure {
    Failure::new(ErrorId::Fault, "the device has no key").cause(error)
}

/// An id in the form that RainMaker assigns.
fn random_id() -> String {
    let mut bytes = [0; 16];
    UnwrapErr(SysRng).fill_bytes(&mut bytes);
    // An id that begins with a dash would be a flag on a command line.
    if let Some(first) = bytes.first_mut() {
        *first &= 0x7f;
    }
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) const CH_RESP: &str = "ch_resp";
/// A name of ours: firmware with `cloud_user_assoc` announces nothing.
pub(super) const USER_ASSOC: &str = "user_assoc";
const CLAIMING: [&str; 2] = ["claim", "camera_claim"];
/// The beginning of a MAC address.
const ESPRESSIF: &str = "7CDFA1";
