//! Reads, replaces and removes the tokens of one profile, and saves them when the cloud renews
//! them. Every function requires the profile, so that tokens never end up in another profile's
//! file.

use std::io;

use serde_json::Value;
use zeroize::{Zeroize as _, Zeroizing};

use super::files::{Object, Place, malformed};
use super::legacy::Legacy;
use super::profile::{Profile, ProfileName};
use super::{AccountError, Folder};
use crate::cloud::{TokenStore, Tokens};
use crate::secret::Secret;

/// The result of a logout on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoggedOut {
    /// Whether there was a login.
    pub was_logged_in: bool,
    /// Whether `rainmaker_config.json` still contains a login. espctl no longer reads it, but
    /// esp-rainmaker-cli does.
    pub legacy_left: bool,
}

impl Folder {
    /// Reads the login of a profile; `None` if there is none.
    pub(crate) fn tokens(&self, profile: &Profile) -> Result<Option<Tokens>, AccountError> {
        let place = self.tokens_place(&profile.name);
        if let Some(keys) = place.object()? {
            return tokens(keys).map_err(|reason| malformed(place.path(), reason));
        }
        match self.legacy()? {
            Some(legacy) if legacy.profile == profile.name.as_str() => {
                tokens(legacy.keys).map_err(|reason| malformed(&legacy.path, reason))
            }
            _ => Ok(None),
        }
    }

    /// Saves or replaces the login of a profile.
    pub(crate) fn log_in(&self, profile: &Profile, tokens: &Tokens) -> Result<(), AccountError> {
        let _lock = self.exclusively()?;
        // If another run removed the profile, the tokens have no host.
        self.select(Some(profile.name.as_str()))?;
        // If profiles.json did not exist, esp-rainmaker-cli would replace this login by that of the
        // old file.
        self.settle(true)?;
        write(&self.tokens_place(&profile.name), tokens)
    }

    /// Removes the login of a profile.
    pub(crate) fn log_out(&self, profile: &Profile) -> Result<LoggedOut, AccountError> {
        let _lock = self.exclusively()?;
        let was_logged_in = match self.tokens(profile) {
            Ok(tokens) => tokens.is_some(),
            // A file with invalid content is removed as well.
            Err(AccountError::Malformed { .. }) => true,
            Err(error) => return Err(error),
        };
        let legacy = self.legacy()?;
        if legacy.is_some_and(|legacy| legacy.profile == profile.name.as_str()) {
            // espctl does not change the old file, so profiles.json must replace it.
            self.settle(false)?;
        }
        self.tokens_place(&profile.name).remove()?;
        Ok(LoggedOut {
            was_logged_in,
            legacy_left: self.has_legacy_login(),
        })
    }

    /// A store for the tokens that the cloud renews for this profile.
    pub(crate) fn keeper(&self, profile: &Profile) -> Keeper {
        Keeper {
            folder: self.clone(),
            profile: profile.clone(),
        }
    }

    /// The file with the tokens of a profile.
    pub(super) fn tokens_place(&self, name: &ProfileName) -> Place {
        let place = self.place(&format!("{name}_config.json"));
        // At their old path, these names are `rainmaker_config.json` and the file of
        // esp-rainmaker-admin-cli.
        if matches!(name.as_str(), "rainmaker" | "rainmaker_admin") {
            return place.without_stray();
        }
        place
    }

    /// Saves the old file's login to its profile, unless the profile has one.
    pub(super) fn carry_over(&self, legacy: Legacy) -> Result<(), AccountError> {
        let place = self.tokens_place(&legacy.profile.parse()?);
        if place.object()?.is_some() {
            return Ok(());
        }
        match tokens(legacy.keys).map_err(|reason| malformed(&legacy.path, reason))? {
            Some(tokens) => write(&place, &tokens),
            None => Ok(()),
        }
    }
}

/// Saves renewed tokens to the file of their profile.
#[derive(Debug)]
pub(crate) struct Keeper {
    folder: Folder,
    profile: Profile,
}

impl TokenStore for Keeper {
    fn save(&self, renewed: &Tokens) -> io::Result<()> {
        let stored = self.folder.tokens(&self.profile).map_err(whole)?;
        // The user logged out, or logged in as another user, meanwhile. That login must stay.
        let same = |stored: &Tokens| stored.user_id() == renewed.user_id();
        if !stored.is_some_and(|stored| same(&stored)) {
            return Ok(());
        }
        self.folder.log_in(&self.profile, renewed).map_err(whole)
    }
}

/// Wraps the error. The result keeps the kind of its source.
fn whole(error: AccountError) -> io::Error {
    let kind = match &error {
        AccountError::Unreadable { source, .. } | AccountError::Unwritable { source, .. } => {
            source.kind()
        }
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}

/// Takes the tokens out of a file's keys; `None` without an access token. The error says what is
/// wrong with the file.
fn tokens(mut keys: Object) -> Result<Option<Tokens>, String> {
    // The strings are moved, because a copy left behind would not be zeroed.
    let mut secret = |key: &str| match keys.get_mut(key).map(Value::take) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(Secret::new(text))),
        Some(_) => Err(format!("has something else than a token in {key}")),
    };
    let (access, id, refresh) = (secret(ACCESS)?, secret(ID)?, secret(REFRESH)?);
    Ok(access.map(|access| Tokens {
        access,
        id,
        refresh,
    }))
}

fn write(place: &Place, tokens: &Tokens) -> Result<(), AccountError> {
    // Unknown keys stay. A file with invalid content has none.
    let mut keys = match place.object() {
        Ok(keys) => keys.unwrap_or_default(),
        Err(AccountError::Malformed { .. }) => Object::new(),
        Err(error) => return Err(error),
    };
    let given = [
        (ID, tokens.id.as_ref()),
        (REFRESH, tokens.refresh.as_ref()),
        (ACCESS, Some(&tokens.access)),
    ];
    for (key, token) in given {
        let token = token.map_or(Value::Null, |token| token.expose().as_str().into());
        keys.insert(key.to_owned(), token);
    }
    let mut whole = Value::Object(keys);
    let text = Zeroizing::new(whole.to_string());
    for value in whole
        .as_object_mut()
        .into_iter()
        .flat_map(Object::values_mut)
    {
        if let Value::String(token) = value {
            token.zeroize();
        }
    }
    place.write(&text)
}

const ACCESS: &str = "accesstoken";
const ID: &str = "idtoken";
const REFRESH: &str = "refreshtoken";
