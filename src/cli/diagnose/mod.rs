//! Help for users: doctor, the support bundle, explanations of errors, completions.

pub(super) mod bundle;
pub(super) mod complete;
pub(super) mod doctor;
pub(super) mod explain;
