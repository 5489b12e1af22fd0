//! This computer, as drivers see it.

/// This computer, for media that depend on its abilities. For example, a hotspot can only be
/// announced if this computer can scan for hotspots. So far no medium depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Host(());

impl Host {
    /// The computer on which espctl runs.
    pub const fn this() -> Self {
        Self(())
    }
}
