//! The owner of a device: an emulated cloud with an account, and the files of a login there. Tests
//! compare what espctl reports about nodes with the cloud's log.

use serde_json::{Value, json};

use super::account::Account;
use super::cloud::Cloud;
use super::device::Device;
use super::espctl::Output;

/// An owner who is logged in.
pub(crate) struct Owner {
    pub(crate) cloud: Cloud,
    pub(crate) account: Account,
}

impl Owner {
    /// Starts a cloud with these arguments, and logs in with the binary.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let cloud = Cloud::start(arguments);
        let account = Account::logged_in(&cloud);
        Self { cloud, account }
    }

    /// The stored tokens.
    pub(crate) fn tokens(&self) -> Vec<String> {
        let kinds = ["accesstoken", "idtoken", "refreshtoken"];
        kinds.map(|kind| self.account.token("lab", kind)).to_vec()
    }

    /// Sets the cloud's faults.
    pub(crate) fn set_faults(&self, faults: &[String]) {
        let body = json!({"faults": faults});
        self.cloud.control("PUT", "faults", &body);
    }

    /// Whether the device's node is in the account.
    pub(crate) fn has(&self, device: &Device) -> bool {
        let is_ours = |entry: &Value| {
            entry["node_id"] == device.ready["node_id"] && entry["user_id"] == self.cloud.user_id()
        };
        self.cloud.log_entries("mapped").iter().any(is_ours)
    }

    /// Checks what a run reports about the account: it must report the node if and only if the node
    /// is there. A run that cannot know must give a hint to check.
    pub(crate) fn check_reported_mapping(
        &self,
        device: &Device,
        output: &Output,
    ) -> Result<ReportedMapping, String> {
        let result = output.result();
        let message = result["error"]["message"].as_str().unwrap_or_default();
        let reports_mapped =
            result["summary"]["mapped"] == true || message.contains("in your account");
        let hints = result["error"]["hints"].to_string();
        match (reports_mapped, self.has(device)) {
            (true, false) => Err("it reports that the node is in the account".to_owned()),
            (true, true) => Ok(ReportedMapping::Mapped),
            (false, false) => Ok(ReportedMapping::NotMapped),
            (false, true) if hints.contains("espctl node list") => Ok(ReportedMapping::Unknown),
            (false, true) => Err("it does not report that the node is in the account".to_owned()),
        }
    }
}

/// What a run correctly reported about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportedMapping {
    Mapped,
    NotMapped,
    /// The node is mapped, and the run could not know it: it gave a hint to check.
    Unknown,
}
