//! What makes an emulated device a RainMaker node: the flags about its id, its key and its cloud.
//! Not what such a node does, which is `emulator`'s.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};
use zeroize::Zeroizing;

use super::label::random_digits;
use super::{conflict, unusable};
use crate::cli::args::public_text::PublicText;
use crate::emulator::device::{
    Association, KeyKind, NoNodeKey, NodeKey, NodeSettings, node_config,
};
use crate::emulator::node_cloud::NodeCloud;
use crate::report::{ErrorId, Failure};

/// The flags. Any of them, or a capability of RainMaker's, makes the device a node.
#[derive(clap::Args, Debug)]
pub(super) struct NodeFlags {
    /// Be a RainMaker node with this id [default: 22 random characters; an unclaimed node's is
    /// its MAC address]. With --count, _1, _2 and so on follow it.
    #[arg(long, value_name = "ID", value_parser = node_id)]
    node_id: Option<PublicText>,

    /// Be a RainMaker node with a new key of this kind [default: ec].
    #[arg(long, value_name = "ec|rsa")]
    key: Option<KeyKind>,

    /// Be a RainMaker node with this key: PEM with PKCS #8, P-256 or RSA of 2048 bits.
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    node_key: Option<PathBuf>,

    /// Be a RainMaker node that reports to this emulated cloud, by the url in that one's first
    /// line. The node is registered there before the first line of this one.
    #[arg(long, value_name = "URL")]
    cloud: Option<NodeCloud>,
}

impl NodeFlags {
    /// Which endpoint these flags and capabilities ask for; `None` is plain ESP-IDF.
    pub(super) fn association(&self, capabilities: &[String]) -> Option<Association> {
        let has = |wanted: &str| capabilities.iter().any(|name| name == wanted);
        let is_asked = self.node_id.is_some()
            || self.key.is_some()
            || self.node_key.is_some()
            || self.cloud.is_some();
        let is_rainmaker = has(CH_RESP) || has(USER_ASSOC) || CLAIMING.into_iter().any(has);
        if !is_asked && !is_rainmaker {
            None
        } else if has(CH_RESP) || capabilities.is_empty() {
            Some(Association::ChallengeResponse)
        } else {
            Some(Association::UserMapping)
        }
    }

    /// The names for the version document, of which firmware leaves some out.
    pub(super) fn announced(&self, capabilities: &[String]) -> Vec<String> {
        if capabilities.is_empty() {
            return match self.association(capabilities) {
                Some(Association::ChallengeResponse) => vec![CH_RESP.to_owned()],
                Some(Association::UserMapping) | None => Vec::new(),
            };
        }
        capabilities
            .iter()
            .filter(|name| *name != USER_ASSOC)
            .cloned()
            .collect()
    }

    /// What clap cannot see.
    pub(super) fn check(&self, capabilities: &[String], count: u16) -> Result<(), Failure> {
        let has = |wanted: &str| capabilities.iter().any(|name| name == wanted);
        if has(CH_RESP) && has(USER_ASSOC) {
            return conflict("--cap: firmware has ch_resp or user_assoc, never both");
        }
        if self.node_key.is_some() && count > 1 {
            return conflict("--node-key is for one device, and --count asks for several");
        }
        Ok(())
    }

    /// The node of the n-th device, if these flags make it one.
    pub(super) fn settings(
        &self,
        capabilities: &[String],
        number: Option<u16>,
        rng: &mut UnwrapErr<SysRng>,
    ) -> Result<Option<NodeSettings>, Failure> {
        let Some(association) = self.association(capabilities) else {
            return Ok(None);
        };
        let is_claimed = !capabilities
            .iter()
            .any(|name| CLAIMING.contains(&name.as_str()));
        let id = match (&self.node_id, number) {
            (Some(id), None) => id.to_string(),
            (Some(id), Some(number)) => format!("{id}_{number}"),
            (None, _) if is_claimed => random_id(rng),
            (None, _) => format!("{ESPRESSIF}{}", random_digits::<3>(rng).to_uppercase()),
        };
        Ok(Some(NodeSettings {
            id,
            key: self.key()?,
            association,
            is_claimed,
            cloud: self.cloud.clone(),
        }))
    }

    fn key(&self) -> Result<NodeKey, Failure> {
        let Some(path) = &self.node_key else {
            return NodeKey::generate(self.key.unwrap_or_default()).map_err(|error| no_key(&error));
        };
        let text = fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|error| unusable("--node-key", path, &error))?;
        NodeKey::from_pem(&text).map_err(|error| unusable("--node-key", path, &error))
    }
}

/// Makes a node known to its cloud, if it has one and was claimed.
pub(super) async fn register(node: &NodeSettings) -> Result<(), Failure> {
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

fn no_key(error: &NoNodeKey) -> Failure {
    Failure::new(ErrorId::Fault, "the device has no key").cause(error)
}

/// In the form that RainMaker gives out.
fn random_id(rng: &mut UnwrapErr<SysRng>) -> String {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    // Without a dash at its beginning, which would make it a flag on a command line.
    if let Some(first) = bytes.first_mut() {
        *first &= 0x7f;
    }
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// An id that can stand in a path, a topic and a JSON text.
fn node_id(text: &str) -> Result<PublicText, &'static str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if (1..=MAX_ID).contains(&text.len()) && text.chars().all(is_plain) {
        Ok(text.to_owned().into())
    } else {
        Err("expected 1 to 64 letters, digits, - and _")
    }
}

pub(super) const CH_RESP: &str = "ch_resp";
/// A name of ours: firmware with `cloud_user_assoc` announces nothing.
const USER_ASSOC: &str = "user_assoc";
const CLAIMING: [&str; 2] = ["claim", "camera_claim"];
/// The beginning of a MAC address.
const ESPRESSIF: &str = "7CDFA1";
const MAX_ID: usize = 64;
