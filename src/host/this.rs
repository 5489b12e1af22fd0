//! Which computer this is, for what depends on it.

/// This computer, for drivers whose medium depends on what it can do: a hotspot can be announced only
/// where this computer can look for hotspots. So far no medium depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Host(());

impl Host {
    /// The computer that the program runs on.
    pub const fn this() -> Self {
        Self(())
    }
}
