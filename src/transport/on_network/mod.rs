//! The transport `on-network`: a device that is already on this computer's network, found by its
//! mDNS announcement or at a known address.

mod collector;
mod driver;
mod mdns;

pub(super) use driver::OnNetwork;
