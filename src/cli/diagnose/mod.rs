//! What helps when something fails: doctor, the bundle, the pages about errors, completions.

pub(super) mod bundle;
pub(super) mod complete;
pub(super) mod doctor;
pub(super) mod explain;
