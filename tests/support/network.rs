//! A network for on-network devices that no other test shares: mDNS on a port of its own, on the
//! loopback interface.

use std::sync::atomic::{AtomicU32, Ordering};

use super::device::Device;
use super::espctl::{Output, Run, espctl};
use super::owner::Owner;
use super::pty::Terminal;
use super::wait::until;

/// The mDNS port for the devices and searches of one test.
pub(crate) struct Network {
    mdns_port: String,
}

impl Network {
    /// A network that no other test uses.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Below the ports that the system assigns.
        let port = 20_000 + (std::process::id() * 61 + number) % 12_000;
        Self {
            mdns_port: port.to_string(),
        }
    }

    /// Starts a device and waits until it has announced itself.
    pub(crate) fn device(&self, arguments: &[&str]) -> Device {
        let device = self.start_device(arguments);
        until("it is announced", || {
            !device.log_entries("announced").is_empty()
        });
        device
    }

    /// Starts a device, which may not have announced itself yet.
    pub(crate) fn start_device(&self, arguments: &[&str]) -> Device {
        let port = ["--mdns-port", &self.mdns_port];
        Device::on_network(&[&port[..], arguments].concat())
    }

    /// A run of a command that searches in this network.
    pub(crate) fn run(&self, command: &[&str], arguments: &[&str]) -> Run {
        self.in_network(espctl(line(command, arguments)))
    }

    /// A run of `provision` in this network, for this owner.
    pub(crate) fn provision(&self, owner: &Owner, arguments: &[&str]) -> Output {
        let arguments = [&["--format", "json"][..], arguments].concat();
        let run = owner.account.run(&line(&["provision"], &arguments));
        self.in_network(run).output()
    }

    /// A run of `provision` at a terminal.
    pub(crate) fn at_a_terminal(&self, owner: &Owner, arguments: &[&str]) -> Terminal {
        let variables = [
            ("ESPCTL_MDNS_PORT", self.mdns_port.as_str()),
            ("RM_USER_CONFIG_DIR", owner.account.folder()),
        ];
        Terminal::start(line(&["provision"], arguments), &variables)
    }

    fn in_network(&self, run: Run) -> Run {
        run.env("ESPCTL_MDNS_PORT", &self.mdns_port)
    }
}

fn line<'a>(command: &[&'a str], arguments: &[&'a str]) -> Vec<&'a str> {
    let flags = ["--transport", "on-network", "--interface", "lo"];
    [command, &flags[..], arguments].concat()
}
