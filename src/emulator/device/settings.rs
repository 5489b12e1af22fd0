//! The settings of a device: its secret, its firmware, its surroundings, its faults.

use super::firmware::{Firmware, Rules};
use super::node::NodeSettings;
use super::offering::Offering;
use super::scenario::Scenario;
use super::world::{TimeScale, World};
use crate::emulator::fault::Fault;
use crate::security::DeviceSecret;

/// The settings of a device.
#[derive(Clone, Debug)]
pub struct DeviceSettings {
    /// Its security scheme, with the secret.
    pub secret: DeviceSecret,
    /// What it offers. On its network, it has neither lock-out nor automatic stop.
    pub offering: Offering,
    /// Its surroundings.
    pub world: World,
    /// The application's capabilities in the version document, such as `ch_resp` or `claim`.
    pub capabilities: Vec<String>,
    /// The number of failed handshakes that lock the device. 0: it never locks.
    pub max_strikes: u32,
    /// The factor of its waits.
    pub time_scale: TimeScale,
    /// The generation of its firmware.
    pub firmware: Firmware,
    /// Whether its version document has `sec_patch_ver`, if the firmware supports that.
    pub with_patch_version: bool,
    /// Its deviations from the usual course.
    pub scenarios: Vec<Scenario>,
    /// The faults of requests and answers.
    pub faults: Vec<Fault>,
    /// Whether it offers provisioning although it has credentials.
    pub always_provisions: bool,
    /// What a RainMaker application adds. `None`: plain ESP-IDF.
    pub node: Option<NodeSettings>,
}

impl DeviceSettings {
    /// The settings of the firmware's examples, in [`World::neighborhood`].
    pub fn new(secret: DeviceSecret) -> Self {
        Self {
            secret,
            offering: Offering::default(),
            world: World::neighborhood(),
            capabilities: Vec::new(),
            max_strikes: 5,
            time_scale: TimeScale::REAL,
            firmware: Firmware::default(),
            with_patch_version: true,
            scenarios: Vec::new(),
            faults: Vec::new(),
            always_provisions: false,
            node: None,
        }
    }

    pub(in crate::emulator) fn rules(&self) -> Rules {
        self.firmware.rules()
    }

    pub(super) fn acts_out(&self, scenario: Scenario) -> bool {
        self.scenarios.contains(&scenario)
    }
}
