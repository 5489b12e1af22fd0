//! What a person would name as one thing to do: find a device, secure it, map it, give it Wi-Fi. A flow
//! is the order of steps and nothing else: bytes, keys and sockets are the layers' below, words
//! and exit codes `report`'s. A flow never prints and never prompts; it reports to the [`Observer`] of
//! its [`Run`].
//!
//! | flow | steps |
//! |---|---|
//! | [`find`] | scan with a driver → a candidate |
//! | [`discover`] | scan with a driver → every candidate, and what it says |
//! | [`connect`] | open, read the version, choose scheme and credentials, secure → a session |
//! | [`wifi`] | list networks, settle on one |
//! | [`join`] | set, apply, wait until joined; reset, try again, find again what was lost |
//! | [`map`] | the device's half of the mapping, the account's half → a node of the account |
//! | [`control`] | one command in a session of its own: reset, reprovision, any endpoint |
//! | [`provision`] | connect → network settled → mapped → joined → confirmed |

pub mod connect;
pub mod control;
mod device;
pub mod discover;
mod error;
pub mod find;
mod growing;
pub mod join;
mod journal;
pub mod map;
mod mapping_method;
mod observer;
mod pace;
pub mod provision;
mod request;
mod run;
#[cfg(test)]
mod scripted_journal;
#[cfg(test)]
mod scripted_observer;
mod seen_device;
mod stop;
mod target;
pub mod wifi;

pub use error::{Completed, CredentialState, FlowError, FlowStep, NetworkVisibility};
pub use growing::{Grower, Growing};
pub use journal::{Irreversible, Journal, JournalError, NoJournal, RowName, Taken};
pub use mapping_method::MappingMethod;
pub use observer::{
    Choice, Chosen, Event, Network, Observer, Question, SchemeSource, Stage, StageState, Warning,
};
pub use pace::Pace;
pub use request::{Access, DeviceRequest, NetworkRequest, OwnerRequest, ProvisionRequest};
pub use run::{BegunSteps, Run};
pub use seen_device::SeenDevice;
pub use stop::{Stop, StopReason, Stopper};
pub use target::Target;
