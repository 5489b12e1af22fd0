//! What one device announced by mDNS.

use crate::transport::address::Address;
use crate::transport::candidate::Hints;

/// A device that announced itself.
#[derive(Clone, Debug)]
pub(super) struct Announcement {
    /// The instance's name.
    pub(super) instance: String,
    /// Where it is; IPv4 first, and never empty.
    pub(super) addresses: Vec<Address>,
    /// What its TXT record says.
    pub(super) hints: Hints,
}
