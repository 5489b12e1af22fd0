//! `rainmaker_config.json`, the single login of versions without profiles. It is read while
//! profiles.json does not exist, and never written.

use std::path::PathBuf;

use serde_json::Value;

use super::base_url::parse_base_url;
use super::error::AccountError;
use super::files::{self, Folder, Object};
use super::profile::{CHINA, GLOBAL, HOSTS};

/// The login in the old file.
#[derive(Debug)]
pub(super) struct LegacyLogin {
    pub(super) path: PathBuf,
    /// The built-in profile of the login.
    pub(super) profile: &'static str,
    /// The file's keys. The tokens are removed if they belong to another cloud.
    pub(super) keys: Object,
}

impl Folder {
    /// Reads the old file; `None` if it is missing, or replaced by profiles.json.
    pub(super) fn read_legacy_login(&self) -> Result<Option<LegacyLogin>, AccountError> {
        if self.file(super::profiles::PROFILES_FILE).path().exists() {
            return Ok(None);
        }
        let path = self.path().join(FILE);
        let Some(mut keys) = files::read_object(&path)? else {
            return Ok(None);
        };
        let host = keys.get("host").and_then(Value::as_str);
        let host = host.and_then(|host| parse_base_url(host).ok());
        let region = host.as_ref().map(|host| {
            let entry = HOSTS.iter().find(|(_, url)| *url == host.as_str());
            entry.map(|(name, _)| *name)
        });
        let profile = match region {
            Some(Some(CHINA)) => CHINA,
            Some(Some(_)) | None => GLOBAL,
            Some(None) => {
                // The tokens belong to another cloud, and must not be sent to this one.
                keys.retain(|key, _| !key.ends_with("token"));
                GLOBAL
            }
        };
        Ok(Some(LegacyLogin {
            path,
            profile,
            keys,
        }))
    }

    /// Whether the old file contains a login that esp-rainmaker-cli may use. A file with invalid
    /// content contains none.
    pub(super) fn has_legacy_login(&self) -> bool {
        let keys = files::read_object(&self.path().join(FILE)).ok().flatten();
        let token = keys.as_ref().and_then(|keys| keys.get("accesstoken"));
        token.is_some_and(Value::is_string)
    }
}

const FILE: &str = "rainmaker_config.json";
