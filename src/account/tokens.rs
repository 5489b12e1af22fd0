//! Reads, replaces and removes the tokens of one profile, and saves them when the cloud renews
//! them. Every function requires the profile, so that tokens never end up in another profile's
//! file.

use std::io;

use serde_json::Value;
use zeroize::{Zeroize as _, Zeroizing};

use super::files::{AccountFile, Object, malformed};
use super::legacy::LegacyLogin;
use super::profile::{Profile, ProfileName};
use super::profiles::LegacyMigration;
use super::{AccountError, Folder};
use crate::cloud::{TokenStore, Tokens};
use crate::secret::Secret;

/// The result of a logout on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogoutResult {
    /// Whether there was a login.
    pub was_logged_in: bool,
    /// Whether `rainmaker_config.json` still contains a login. espctl no longer reads it, but
    /// esp-rainmaker-cli does.
    pub has_legacy_login: bool,
}

impl Folder {
    /// Reads the login of a profile; `None` if the profile has no login.
    pub(crate) fn read_tokens(&self, profile: &Profile) -> Result<Option<Tokens>, AccountError> {
        let file = self.tokens_file(&profile.name);
        if let Some(keys) = file.read_object()? {
            return parse_tokens(keys).map_err(|reason| malformed(file.path(), reason));
        }
        match self.read_legacy_login()? {
            Some(legacy) if legacy.profile == profile.name.as_str() => {
                parse_tokens(legacy.keys).map_err(|reason| malformed(&legacy.path, reason))
            }
            _ => Ok(None),
        }
    }

    /// Saves or replaces the login of a profile.
    pub(crate) fn save_login(
        &self,
        profile: &Profile,
        tokens: &Tokens,
    ) -> Result<(), AccountError> {
        let _lock = self.lock()?;
        // If another run removed the profile, the tokens have no host.
        self.select_profile(Some(profile.name.as_str()))?;
        // If profiles.json did not exist, esp-rainmaker-cli would replace this login by that of the
        // old file.
        self.create_profiles_file(LegacyMigration::Move)?;
        write_tokens(&self.tokens_file(&profile.name), tokens)
    }

    /// Removes the login of a profile.
    pub(crate) fn remove_login(&self, profile: &Profile) -> Result<LogoutResult, AccountError> {
        let _lock = self.lock()?;
        let was_logged_in = match self.read_tokens(profile) {
            Ok(tokens) => tokens.is_some(),
            // A file with invalid content is removed as well.
            Err(AccountError::Malformed { .. }) => true,
            Err(error) => return Err(error),
        };
        let legacy = self.read_legacy_login()?;
        if legacy.is_some_and(|legacy| legacy.profile == profile.name.as_str()) {
            // espctl does not change the old file, so profiles.json must replace it.
            self.create_profiles_file(LegacyMigration::Discard)?;
        }
        self.tokens_file(&profile.name).remove()?;
        Ok(LogoutResult {
            was_logged_in,
            has_legacy_login: self.has_legacy_login(),
        })
    }

    /// A store for the tokens that the cloud renews for this profile.
    pub(crate) fn token_store(&self, profile: &Profile) -> ProfileTokenStore {
        ProfileTokenStore {
            folder: self.clone(),
            profile: profile.clone(),
        }
    }

    /// The file with the tokens of a profile.
    pub(super) fn tokens_file(&self, name: &ProfileName) -> AccountFile {
        let file = self.file(&format!("{name}_config.json"));
        // At their old path, these names are `rainmaker_config.json` and the file of
        // esp-rainmaker-admin-cli.
        if matches!(name.as_str(), "rainmaker" | "rainmaker_admin") {
            return file.without_legacy_path();
        }
        file
    }

    /// Saves the old file's login to its profile, unless the profile has one.
    pub(super) fn migrate_login(&self, legacy: LegacyLogin) -> Result<(), AccountError> {
        let file = self.tokens_file(&legacy.profile.parse()?);
        if file.read_object()?.is_some() {
            return Ok(());
        }
        match parse_tokens(legacy.keys).map_err(|reason| malformed(&legacy.path, reason))? {
            Some(tokens) => write_tokens(&file, &tokens),
            None => Ok(()),
        }
    }
}

/// Saves renewed tokens to the file of their profile.
#[derive(Debug)]
pub(crate) struct ProfileTokenStore {
    folder: Folder,
    profile: Profile,
}

impl TokenStore for ProfileTokenStore {
    fn save(&self, renewed: &Tokens) -> io::Result<()> {
        let stored = self
            .folder
            .read_tokens(&self.profile)
            .map_err(into_io_error)?;
        // The user logged out, or logged in as another user, meanwhile. That login must stay.
        let is_same_user = |stored: &Tokens| stored.user_id() == renewed.user_id();
        if !stored.is_some_and(|stored| is_same_user(&stored)) {
            return Ok(());
        }
        self.folder
            .save_login(&self.profile, renewed)
            .map_err(into_io_error)
    }
}

/// Wraps the error. The result keeps the kind of its source.
fn into_io_error(error: AccountError) -> io::Error {
    let kind = match &error {
        AccountError::Unreadable { source, .. } | AccountError::Unwritable { source, .. } => {
            source.kind()
        }
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}

/// Takes the tokens out of a file's keys; `None` without an access token. The error names the
/// problem of the file.
fn parse_tokens(mut keys: Object) -> Result<Option<Tokens>, String> {
    // The strings are moved, because a copy left behind would not be zeroed.
    let mut secret = |key: &str| match keys.get_mut(key).map(Value::take) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(Secret::new(text))),
        Some(_) => Err(format!("has a value in {key} that is not a token")),
    };
    let (access, id, refresh) = (secret(ACCESS)?, secret(ID)?, secret(REFRESH)?);
    Ok(access.map(|access| Tokens {
        access,
        id,
        refresh,
    }))
}

fn write_tokens(file: &AccountFile, tokens: &Tokens) -> Result<(), AccountError> {
    // Unknown keys stay. A file with invalid content has none.
    let mut keys = match file.read_object() {
        Ok(keys) => keys.unwrap_or_default(),
        Err(AccountError::Malformed { .. }) => Object::new(),
        Err(error) => return Err(error),
    };
    let entries = [
        (ID, tokens.id.as_ref()),
        (REFRESH, tokens.refresh.as_ref()),
        (ACCESS, Some(&tokens.access)),
    ];
    for (key, token) in entries {
        let token = token.map_or(Value::Null, |token| token.expose().as_str().into());
        keys.insert(key.to_owned(), token);
    }
    let mut object = Value::Object(keys);
    let text = Zeroizing::new(object.to_string());
    for value in object
        .as_object_mut()
        .into_iter()
        .flat_map(Object::values_mut)
    {
        if let Value::String(token) = value {
            token.zeroize();
        }
    }
    file.write(&text)
}

const ACCESS: &str = "accesstoken";
const ID: &str = "idtoken";
const REFRESH: &str = "refreshtoken";
