//! `rainmaker_config.json`, from before there were profiles: one login, read while profiles.json
//! does not exist, and never written.

use std::path::PathBuf;

use serde_json::Value;

use super::base_url::base_url;
use super::error::AccountError;
use super::files::{self, Object};
use super::folder::Folder;
use super::profile::{CHINA, GLOBAL, HOSTS};

/// What the old file says.
#[derive(Debug)]
pub(super) struct Legacy {
    pub(super) path: PathBuf,
    /// The built-in profile that it is of.
    pub(super) profile: &'static str,
    /// With its tokens, if they are of that profile's host.
    pub(super) keys: Object,
}

impl Folder {
    /// The old file, if it counts.
    pub(super) fn legacy(&self) -> Result<Option<Legacy>, AccountError> {
        if self.place(super::profiles::PROFILES).path().exists() {
            return Ok(None);
        }
        let path = self.path().join(FILE);
        let Some(mut keys) = files::object(&path)? else {
            return Ok(None);
        };
        let host = keys.get("host").and_then(Value::as_str);
        let host = host.and_then(|host| base_url(host).ok());
        let known = host.as_ref().map(|host| {
            let region = HOSTS.iter().find(|(_, known)| *known == host.as_str());
            region.map(|(name, _)| *name)
        });
        let profile = match known {
            Some(Some(CHINA)) => CHINA,
            Some(Some(_)) | None => GLOBAL,
            Some(None) => {
                // Tokens of some other cloud: nobody else may see them.
                keys.retain(|key, _| !key.ends_with("token"));
                GLOBAL
            }
        };
        Ok(Some(Legacy {
            path,
            profile,
            keys,
        }))
    }

    /// Whether the old file holds a login, whoever reads it. One that cannot be understood holds
    /// none for anybody.
    pub(super) fn has_legacy_login(&self) -> bool {
        let keys = files::object(&self.path().join(FILE)).ok().flatten();
        let token = keys.as_ref().and_then(|keys| keys.get("accesstoken"));
        token.is_some_and(Value::is_string)
    }
}

const FILE: &str = "rainmaker_config.json";
