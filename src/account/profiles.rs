//! The list of profiles and the current one: profiles.json and `current_profile`. `tokens.rs` has
//! their tokens.

use serde_json::{Value, json};
use url::Url;

use super::files::{Object, malformed};
use super::profile::{BUILT_IN, GLOBAL, Profile, ProfileName, built_in_keys, custom_keys};
use super::{AccountError, Folder};

/// What happens to the login of the old file when profiles.json is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LegacyMigration {
    Move,
    Discard,
}

impl Folder {
    /// All profiles: the built-in ones, then the custom ones in the order of the file.
    pub(crate) fn list_profiles(&self) -> Result<Vec<Profile>, AccountError> {
        let file = self.file(PROFILES_FILE);
        let whole = file.read_object()?.unwrap_or_default();
        let invalid = |reason: String| malformed(file.path(), reason);
        let section = |key: &str| match whole.get(key) {
            None | Some(Value::Null) => Ok(Object::new()),
            Some(Value::Object(section)) => Ok(section.clone()),
            Some(_) => Err(invalid(format!(
                "has a value in {key} that is not an object"
            ))),
        };
        let (built_in, custom) = (section(BUILT_IN_SECTION)?, section(CUSTOM_SECTION)?);
        let mut profiles = Vec::new();
        for name in BUILT_IN {
            let written = built_in.get(name).and_then(Value::as_object);
            let keys = written.cloned().unwrap_or_default();
            profiles.push(Profile::from_keys(name.parse()?, &keys).map_err(invalid)?);
        }
        // A custom profile with a built-in name would be another cloud under a trusted name.
        let custom_profiles = custom.iter();
        for (name, keys) in custom_profiles.filter(|(name, _)| !BUILT_IN.contains(&name.as_str())) {
            let name: ProfileName = name
                .parse()
                .map_err(|_| invalid("has a profile with an invalid name".to_owned()))?;
            let keys = keys.as_object();
            let keys =
                keys.ok_or_else(|| invalid(format!("has no keys for the profile {name}")))?;
            profiles.push(Profile::from_keys(name, keys).map_err(invalid)?);
        }
        Ok(profiles)
    }

    /// The name of the current profile, which may not exist.
    pub(crate) fn read_current_name(&self) -> Result<String, AccountError> {
        let text = self.file(CURRENT_FILE).read_text()?.unwrap_or_default();
        let name = text.trim();
        if !name.is_empty() {
            return Ok(name.to_owned());
        }
        let legacy = self.read_legacy_login()?;
        Ok(legacy.map_or(GLOBAL, |legacy| legacy.profile).to_owned())
    }

    /// The profile of this name, or the current one.
    pub(crate) fn select_profile(&self, name: Option<&str>) -> Result<Profile, AccountError> {
        let name = match name {
            Some(name) => name.to_owned(),
            None => self.read_current_name()?,
        };
        let mut available = Vec::new();
        for profile in self.list_profiles()? {
            if profile.name.as_str() == name {
                return Ok(profile);
            }
            available.push(profile.name.to_string());
        }
        Err(AccountError::Unknown {
            name: crate::ident::printable(name.as_bytes()),
            available,
        })
    }

    /// Makes a profile the current one.
    pub(crate) fn switch_profile(&self, name: &str) -> Result<Profile, AccountError> {
        self.select_profile(Some(name))?;
        let _lock = self.lock()?;
        let profile = self.select_profile(Some(name))?;
        self.create_profiles_file(LegacyMigration::Move)?;
        self.set_current(profile.name.as_str())?;
        Ok(profile)
    }

    /// Adds a custom profile.
    pub(crate) fn add_profile(
        &self,
        name: &str,
        base_url: &Url,
        description: Option<&str>,
    ) -> Result<Profile, AccountError> {
        let name: ProfileName = name.parse()?;
        if name.is_built_in() {
            return Err(AccountError::BuiltIn(name.to_string()));
        }
        self.check_name_is_free(&name)?;
        let _lock = self.lock()?;
        self.check_name_is_free(&name)?;
        self.create_profiles_file(LegacyMigration::Move)?;
        // Tokens of an earlier profile of this name belong to another host.
        self.tokens_file(&name).remove()?;
        self.edit_custom_profiles(|custom| {
            custom.insert(name.to_string(), custom_keys(&name, base_url, description));
        })?;
        self.select_profile(Some(name.as_str()))
    }

    /// Rejects an existing name. Names that differ only in case share a file on some systems.
    fn check_name_is_free(&self, name: &ProfileName) -> Result<(), AccountError> {
        let has_name =
            |profile: &Profile| profile.name.as_str().eq_ignore_ascii_case(name.as_str());
        match self
            .list_profiles()?
            .iter()
            .find(|profile| has_name(profile))
        {
            Some(existing) => Err(AccountError::Exists(existing.name.to_string())),
            None => Ok(()),
        }
    }

    /// Removes a custom profile and its login. Returns the name of the current profile.
    pub(crate) fn remove_profile(&self, name: &str) -> Result<String, AccountError> {
        if self.select_profile(Some(name))?.is_built_in {
            return Err(AccountError::BuiltIn(name.to_owned()));
        }
        let _lock = self.lock()?;
        let profile = self.select_profile(Some(name))?;
        let mut current = self.read_current_name()?;
        // In this order, an interrupted removal can be repeated.
        self.tokens_file(&profile.name).remove()?;
        if current == name {
            self.set_current(GLOBAL)?;
            GLOBAL.clone_into(&mut current);
        }
        self.edit_custom_profiles(|custom| {
            custom.shift_remove(name);
        })?;
        Ok(current)
    }

    /// Creates profiles.json if it does not exist. From then on `rainmaker_config.json` is ignored,
    /// so its login is moved to its profile or discarded.
    pub(super) fn create_profiles_file(
        &self,
        migration: LegacyMigration,
    ) -> Result<(), AccountError> {
        if self.file(PROFILES_FILE).path().exists() {
            return Ok(());
        }
        if let Some(legacy) = self.read_legacy_login()? {
            let profile = legacy.profile;
            if migration == LegacyMigration::Move {
                self.migrate_login(legacy)?;
            }
            if self.file(CURRENT_FILE).read_text()?.is_none() {
                self.set_current(profile)?;
            }
        }
        self.edit_custom_profiles(|_| {})
    }

    fn set_current(&self, name: &str) -> Result<(), AccountError> {
        self.file(CURRENT_FILE).write(name)
    }

    /// Edits the custom profiles in profiles.json. Everything unknown in the file stays.
    fn edit_custom_profiles(&self, edit: impl FnOnce(&mut Object)) -> Result<(), AccountError> {
        let file = self.file(PROFILES_FILE);
        let mut content = file.read_object()?.unwrap_or_default();
        let invalid = || malformed(file.path(), "has a value that is not an object");
        // esp-rainmaker-cli requires both sections and both built-in profiles.
        let built_in = section_mut(&mut content, BUILT_IN_SECTION).ok_or_else(invalid)?;
        for name in BUILT_IN {
            let is_missing = built_in.get(name).is_none_or(Value::is_null);
            if is_missing {
                built_in.insert(name.to_owned(), Value::Object(built_in_keys(name)));
            }
        }
        edit(section_mut(&mut content, CUSTOM_SECTION).ok_or_else(invalid)?);
        file.write(&format!("{:#}", Value::Object(content)))
    }
}

fn section_mut<'a>(content: &'a mut Object, key: &str) -> Option<&'a mut Object> {
    let section = content.entry(key).or_insert_with(|| json!({}));
    if section.is_null() {
        *section = json!({});
    }
    section.as_object_mut()
}

pub(super) const PROFILES_FILE: &str = "profiles.json";
const CURRENT_FILE: &str = "current_profile";
const BUILT_IN_SECTION: &str = "profiles";
const CUSTOM_SECTION: &str = "custom_profiles";
