//! The list of profiles and the current one: profiles.json and `current_profile`. `login.rs` has
//! their tokens.

use serde_json::{Value, json};
use url::Url;

use super::files::{Object, malformed};
use super::profile::{BUILT_IN, GLOBAL, Profile, ProfileName, built_in_keys, custom_keys};
use super::{AccountError, Folder};

impl Folder {
    /// All profiles: the built-in ones, then the custom ones in the order of the file.
    pub(crate) fn profiles(&self) -> Result<Vec<Profile>, AccountError> {
        let place = self.place(PROFILES);
        let whole = place.object()?.unwrap_or_default();
        let wrong = |reason: String| malformed(place.path(), reason);
        let section = |key: &str| match whole.get(key) {
            None | Some(Value::Null) => Ok(Object::new()),
            Some(Value::Object(section)) => Ok(section.clone()),
            Some(_) => Err(wrong(format!("has something else than profiles in {key}"))),
        };
        let (built_in, custom) = (section(BUILT_IN_SECTION)?, section(CUSTOM)?);
        let mut profiles = Vec::new();
        for name in BUILT_IN {
            let written = built_in.get(name).and_then(Value::as_object);
            let keys = written.cloned().unwrap_or_default();
            profiles.push(Profile::from_keys(name.parse()?, &keys).map_err(wrong)?);
        }
        // A custom profile with a built-in name would be another cloud under a trusted name.
        let others = custom.iter();
        for (name, keys) in others.filter(|(name, _)| !BUILT_IN.contains(&name.as_str())) {
            let name: ProfileName = name
                .parse()
                .map_err(|_| wrong("names a profile as none may be named".to_owned()))?;
            let keys = keys.as_object();
            let keys = keys.ok_or_else(|| wrong(format!("has no keys for the profile {name}")))?;
            profiles.push(Profile::from_keys(name, keys).map_err(wrong)?);
        }
        Ok(profiles)
    }

    /// The name of the current profile, which may not exist.
    pub(crate) fn current(&self) -> Result<String, AccountError> {
        let text = self.place(CURRENT).text()?.unwrap_or_default();
        let name = text.trim();
        if !name.is_empty() {
            return Ok(name.to_owned());
        }
        let legacy = self.legacy()?;
        Ok(legacy.map_or(GLOBAL, |legacy| legacy.profile).to_owned())
    }

    /// The profile of this name, or the current one.
    pub(crate) fn select(&self, name: Option<&str>) -> Result<Profile, AccountError> {
        let name = match name {
            Some(name) => name.to_owned(),
            None => self.current()?,
        };
        let mut known = Vec::new();
        for profile in self.profiles()? {
            if profile.name.as_str() == name {
                return Ok(profile);
            }
            known.push(profile.name.to_string());
        }
        Err(AccountError::Unknown {
            name: crate::ident::printable(name.as_bytes()),
            known,
        })
    }

    /// Makes a profile the current one.
    pub(crate) fn switch(&self, name: &str) -> Result<Profile, AccountError> {
        self.select(Some(name))?;
        let _lock = self.exclusively()?;
        let profile = self.select(Some(name))?;
        self.settle(true)?;
        self.set_current(profile.name.as_str())?;
        Ok(profile)
    }

    /// Adds a custom profile.
    pub(crate) fn add(
        &self,
        name: &str,
        base_url: &Url,
        description: Option<&str>,
    ) -> Result<Profile, AccountError> {
        let name: ProfileName = name.parse()?;
        if name.is_built_in() {
            return Err(AccountError::BuiltIn(name.to_string()));
        }
        self.expect_new(&name)?;
        let _lock = self.exclusively()?;
        self.expect_new(&name)?;
        self.settle(true)?;
        // Tokens of an earlier profile of this name belong to another host.
        self.tokens_place(&name).remove()?;
        self.change(|custom| {
            custom.insert(name.to_string(), custom_keys(&name, base_url, description));
        })?;
        self.select(Some(name.as_str()))
    }

    /// Rejects an existing name. Names that differ only in case share a file on some systems.
    fn expect_new(&self, name: &ProfileName) -> Result<(), AccountError> {
        let same = |one: &Profile| one.name.as_str().eq_ignore_ascii_case(name.as_str());
        match self.profiles()?.iter().find(|one| same(one)) {
            Some(there) => Err(AccountError::Exists(there.name.to_string())),
            None => Ok(()),
        }
    }

    /// Removes a custom profile and its login. Returns the name of the current profile.
    pub(crate) fn remove(&self, name: &str) -> Result<String, AccountError> {
        if self.select(Some(name))?.built_in {
            return Err(AccountError::BuiltIn(name.to_owned()));
        }
        let _lock = self.exclusively()?;
        let profile = self.select(Some(name))?;
        let mut current = self.current()?;
        // In this order, an interrupted removal can be repeated.
        self.tokens_place(&profile.name).remove()?;
        if current == name {
            self.set_current(GLOBAL)?;
            GLOBAL.clone_into(&mut current);
        }
        self.change(|custom| {
            custom.shift_remove(name);
        })?;
        Ok(current)
    }

    /// Creates profiles.json if it does not exist. From then on `rainmaker_config.json` is ignored,
    /// so its login is moved to its profile or discarded.
    pub(super) fn settle(&self, kept: bool) -> Result<(), AccountError> {
        if self.place(PROFILES).path().exists() {
            return Ok(());
        }
        if let Some(legacy) = self.legacy()? {
            let profile = legacy.profile;
            if kept {
                self.carry_over(legacy)?;
            }
            if self.place(CURRENT).text()?.is_none() {
                self.set_current(profile)?;
            }
        }
        self.change(|_| {})
    }

    fn set_current(&self, name: &str) -> Result<(), AccountError> {
        self.place(CURRENT).write(name)
    }

    /// Edits the custom profiles in profiles.json. Everything unknown in the file stays.
    fn change(&self, edit: impl FnOnce(&mut Object)) -> Result<(), AccountError> {
        let place = self.place(PROFILES);
        let mut whole = place.object()?.unwrap_or_default();
        let wrong = || malformed(place.path(), "has something else than profiles");
        // esp-rainmaker-cli requires both sections and both built-in profiles.
        let built_in = section(&mut whole, BUILT_IN_SECTION).ok_or_else(wrong)?;
        for name in BUILT_IN {
            let absent = built_in.get(name).is_none_or(Value::is_null);
            if absent {
                built_in.insert(name.to_owned(), Value::Object(built_in_keys(name)));
            }
        }
        edit(section(&mut whole, CUSTOM).ok_or_else(wrong)?);
        place.write(&format!("{:#}", Value::Object(whole)))
    }
}

fn section<'a>(whole: &'a mut Object, key: &str) -> Option<&'a mut Object> {
    let section = whole.entry(key).or_insert_with(|| json!({}));
    if section.is_null() {
        *section = json!({});
    }
    section.as_object_mut()
}

pub(super) const PROFILES: &str = "profiles.json";
const CURRENT: &str = "current_profile";
const BUILT_IN_SECTION: &str = "profiles";
const CUSTOM: &str = "custom_profiles";
