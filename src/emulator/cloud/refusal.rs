//! The refusals of the emulated cloud: one table of HTTP statuses and error codes. Few of the real ones
//! are published; the assumed ones are here, to be corrected in one place.

/// A kind of refusal: its HTTP status, and its error code if it is part of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind(pub(super) u16, pub(super) Option<u32>);

impl Kind {
    /// Creates a refusal of this kind, with its reason.
    pub(super) fn because(self, description: impl Into<String>) -> ApiRefusal {
        ApiRefusal {
            kind: self,
            description: description.into(),
        }
    }
}

/// The refusal of a request, in the API's format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiRefusal {
    pub(super) kind: Kind,
    pub(super) description: String,
}

// Known from the field.

/// The node is mapped and could not be added to the group.
pub(super) const GROUP_FAILED: Kind = Kind(400, Some(103_035));
/// A tag without a colon.
pub(super) const BAD_TAG: Kind = Kind(400, Some(105_046));
/// The user has a group of that name.
pub(super) const GROUP_EXISTS: Kind = Kind(400, Some(108_007));

// Assumed: status and code.

/// The answer of the fault `failure-200`: a refusal with the status of a success.
pub(super) const FAILURE_200: Kind = Kind(200, Some(100_900));

/// The call does not accept this.
pub(super) const MALFORMED: Kind = Kind(400, Some(100_901));
/// User name, password, code or refresh token is not right.
pub(super) const NO_LOGIN: Kind = Kind(401, Some(101_901));
/// The user name is taken.
pub(super) const USER_EXISTS: Kind = Kind(400, Some(101_902));
/// A wrong verification code.
pub(super) const WRONG_CODE: Kind = Kind(400, Some(101_903));
/// The mapping request does not exist, or can no longer be answered.
pub(super) const NO_REQUEST: Kind = Kind(400, Some(103_901));
/// The request is another user's.
pub(super) const OTHER_USERS_REQUEST: Kind = Kind(401, Some(103_902));
/// The signature is not the node's.
pub(super) const BAD_SIGNATURE: Kind = Kind(401, Some(103_903));
/// No node of that id.
pub(super) const NO_NODE: Kind = Kind(400, Some(103_904));
/// The node is not in the user's account.
pub(super) const NOT_MAPPED: Kind = Kind(400, Some(103_905));
/// No group of that id.
pub(super) const NO_GROUP: Kind = Kind(400, Some(108_901));
/// A control call is invalid. It has no code, because it is not part of the API.
pub(super) const CONTROL: Kind = Kind(400, None);
