//! A person with an account: an emulated cloud, and the files of a login there. What runs of
//! the binary then say about whose a node is, is compared with what that cloud knows.

use serde_json::{Value, json};

use super::account::Account;
use super::cloud::Cloud;
use super::device::Device;
use super::espctl::Output;

/// Somebody who is logged in.
pub(crate) struct Owner {
    pub(crate) cloud: Cloud,
    pub(crate) account: Account,
}

impl Owner {
    /// With a cloud of these arguments, and a login there by the binary.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let cloud = Cloud::start(arguments);
        let account = Account::of(&cloud);
        Self { cloud, account }
    }

    /// The tokens, as they are kept.
    pub(crate) fn tokens(&self) -> Vec<String> {
        let kinds = ["accesstoken", "idtoken", "refreshtoken"];
        kinds.map(|kind| self.account.token("lab", kind)).to_vec()
    }

    /// What goes wrong at the cloud from now on.
    pub(crate) fn order(&self, faults: &[String]) {
        let body = json!({"faults": faults});
        self.cloud.control("PUT", "faults", &body);
    }

    /// Whether the device's node is in the account.
    pub(crate) fn has(&self, device: &Device) -> bool {
        let is_ours = |entry: &Value| {
            entry["node_id"] == device.ready["node_id"] && entry["user_id"] == self.cloud.user_id()
        };
        self.cloud.told("mapped").iter().any(is_ours)
    }

    /// What a run says about the account is so: the node is there if and only if it says so. A run
    /// that could not know says where to look.
    pub(crate) fn check_word(&self, device: &Device, output: &Output) -> Result<Word, String> {
        let result = output.result();
        let message = result["error"]["message"].as_str().unwrap_or_default();
        let says = result["summary"]["mapped"] == true || message.contains("in your account");
        let hints = result["error"]["hints"].to_string();
        match (says, self.has(device)) {
            (true, false) => Err("it says that the node is in the account".to_owned()),
            (true, true) => Ok(Word::Mapped),
            (false, false) => Ok(Word::NotMapped),
            (false, true) if hints.contains("espctl node list") => Ok(Word::Unknown),
            (false, true) => Err("it does not say that the node is in the account".to_owned()),
        }
    }
}

/// Whether a node is in the account, in the words of a run that is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Mapped,
    NotMapped,
    /// It is, and the run could not know: it says where to look.
    Unknown,
}
