//! How the emulated cloud says no: one table of HTTP statuses and error codes. Few of the real
//! ones are published, so what is assumed stands here, to be corrected in one place.

use thiserror::Error;

/// A kind of refusal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    status: u16,
    code: Option<u32>,
}

impl Kind {
    const fn new(status: u16, code: u32) -> Self {
        Self {
            status,
            code: Some(code),
        }
    }

    /// Whether a refusal is of this kind.
    pub(super) fn is(self, refusal: &Refusal) -> bool {
        (self.status, self.code) == (refusal.status, refusal.code)
    }

    /// One refusal of this kind, with its reason.
    pub(super) fn because(self, description: impl Into<String>) -> Refusal {
        Refusal {
            status: self.status,
            code: self.code,
            description: description.into(),
        }
    }
}

/// That a request was refused: the API's failure shape.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{description}")]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: Option<u32>,
    pub(super) description: String,
}

// Known from the field.

/// The node is mapped and could not be added to the group.
pub(super) const GROUP_FAILED: Kind = Kind::new(400, 103_035);
/// A tag without a colon.
pub(super) const BAD_TAG: Kind = Kind::new(400, 105_046);
/// The user has a group of that name.
pub(super) const GROUP_EXISTS: Kind = Kind::new(400, 108_007);

// Assumed: status and code.

/// Not what the call takes.
pub(super) const MALFORMED: Kind = Kind::new(400, 100_901);
/// User name, password, code or refresh token is not right.
pub(super) const NO_LOGIN: Kind = Kind::new(401, 101_901);
/// There is such a user already.
pub(super) const USER_EXISTS: Kind = Kind::new(400, 101_902);
/// A verification code that is not the one.
pub(super) const WRONG_CODE: Kind = Kind::new(400, 101_903);
/// No such request of a mapping, or none that can still be answered.
pub(super) const NO_REQUEST: Kind = Kind::new(400, 103_901);
/// The request is another user's.
pub(super) const OTHER_USERS_REQUEST: Kind = Kind::new(401, 103_902);
/// The signature is not the node's.
pub(super) const BAD_SIGNATURE: Kind = Kind::new(401, 103_903);
/// No node of that id.
pub(super) const NO_NODE: Kind = Kind::new(400, 103_904);
/// The node is not in the user's account.
pub(super) const NOT_MAPPED: Kind = Kind::new(400, 103_905);
/// No group of that id.
pub(super) const NO_GROUP: Kind = Kind::new(400, 108_901);
/// What a control call was given makes no sense. It has no code: it is not the API's.
pub(super) const CONTROL: Kind = Kind {
    status: 400,
    code: None,
};
