//! The transport `on-network`: a device that is on this computer's network already, found by its mDNS
//! announcement or at a known address.

mod announcement;
mod driver;
mod gathered;
mod mdns;

pub(super) use driver::OnNetwork;
