//! The tasks of a user: find a device, start a session, map it, provision it. A flow has only the order
//! of steps: bytes, keys and sockets are in the layers below, advice and exit codes in `report`. A flow
//! never prints and never prompts: it calls the [`Observer`] of its [`Run`].
//!
//! | flow | steps |
//! |---|---|
//! | [`select`] | scan with a driver → a candidate |
//! | [`discover`] | scan with a driver → every candidate, with its version document |
//! | [`connect`] | open, read the version, select scheme and credentials, handshake → a session |
//! | [`network`] | list networks, select one |
//! | [`join`] | set, apply, wait until joined; after a failure reset and retry; reconnect |
//! | [`map`] | the device's half of the mapping, the account's half → a node of the account |
//! | [`control`] | one command in a session of its own: reset, reprovision, any endpoint |
//! | [`provision`] | connect → network selected → mapped → joined → confirmed |

pub mod connect;
pub mod control;
pub mod discover;
mod error;
mod growing;
pub mod join;
mod journal;
pub mod map;
mod mapping_method;
pub mod network;
mod observer;
pub mod provision;
mod request;
mod run;
#[cfg(test)]
mod scripted_journal;
#[cfg(test)]
mod scripted_observer;
pub mod select;
mod stop;
mod target;
mod timing;

pub use error::{Completed, CredentialState, FlowError, FlowStep, JoinProblem, NetworkVisibility};
pub use growing::{Grower, Growing};
pub use journal::{Irreversible, Journal, JournalError, RowName, Taken};
pub use mapping_method::MappingMethod;
pub use observer::{
    Choice, Chosen, Event, Observer, Question, SchemeSource, Stage, StageState, Warning,
};
pub use request::{Access, DeviceRequest, NetworkRequest, OwnerRequest, ProvisionRequest};
pub use run::{BegunSteps, Run};
pub use stop::{Stop, StopReason, Stopper};
pub use target::Target;
pub use timing::Timing;
