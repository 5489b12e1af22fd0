//! What a device is made with: its secret, its firmware, its surroundings, its bad days. Not what it
//! keeps when it loses power, nor where its log goes.

use super::firmware::{Firmware, Rules};
use super::node::NodeSettings;
use super::offering::Offering;
use super::scenario::Scenario;
use super::world::{TimeScale, World};
use crate::emulator::fault::Fault;
use crate::security::DeviceSecret;

/// What a device is made with.
#[derive(Clone, Debug)]
pub struct DeviceSettings {
    /// Its security scheme, and what opens it.
    pub secret: DeviceSecret,
    /// What it offers. On its network it has neither lock-out nor automatic stop.
    pub offering: Offering,
    /// What surrounds it.
    pub world: World,
    /// Names that the version document lists for the application, such as `ch_resp` or `claim`.
    pub capabilities: Vec<String>,
    /// Whether the service ends once the device is provisioned. Applications can turn that off.
    pub auto_stop: bool,
    /// How many failed handshakes lock it. 0: none do.
    pub max_strikes: u32,
    /// How fast its time runs.
    pub time_scale: TimeScale,
    /// Which firmware it runs.
    pub firmware: Firmware,
    /// Whether its version document has `sec_patch_ver`, where the firmware can have it.
    pub with_patch_version: bool,
    /// What goes otherwise than it should.
    pub scenarios: Vec<Scenario>,
    /// What happens to requests and answers on their way.
    pub faults: Vec<Fault>,
    /// Whether it offers provisioning although it has credentials already.
    pub always_provisions: bool,
    /// What a RainMaker application adds. `None`: plain ESP-IDF.
    pub node: Option<NodeSettings>,
}

impl DeviceSettings {
    /// As the examples of the firmware have it, in [`World::neighbourhood`].
    pub fn new(secret: DeviceSecret) -> Self {
        Self {
            secret,
            offering: Offering::default(),
            world: World::neighbourhood(),
            capabilities: Vec::new(),
            auto_stop: true,
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
