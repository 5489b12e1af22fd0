//! A device's mDNS announcement.

use crate::transport::address::Address;
use crate::transport::candidate::Hints;

/// A device that announced itself by mDNS.
#[derive(Clone, Debug)]
pub(super) struct Announcement {
    /// The name of the service instance.
    pub(super) instance: String,
    /// IPv4 addresses first; never empty.
    pub(super) addresses: Vec<Address>,
    /// The data of the TXT record.
    pub(super) hints: Hints,
}
