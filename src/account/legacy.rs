//! `rainmaker_config.json`, the single login of versions without profiles. It is read while
//! profiles.json does not exist, and never written.

use std::path::PathBuf;

use serde_json::Value;

use super::base_url::base_url;
use super::error::AccountError;
use super::files::{self, Object};
use super::folder::Folder;
use super::profile::{CHINA, GLOBAL, HOSTS};

/// The login in the old file.
#[derive(Debug)]
pub(super) struct Legacy {
    pub(super) path: PathBuf,
    /// The built-in profile of the login.
    pub(super) profile: &'static str,
    /// The file's keys. The tokens are removed if they belong to another cloud.
    pub(super) keys: Object,
}

impl Folder {
    /// Reads the old file; `None` if it is missing, or replaced by profiles.json.
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
                // The tokens belong to another cloud, and must not be sent to this one.
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

    /// Whether the old file contains a login that esp-rainmaker-cli may use. A file with invalid
    /// content contains none.
    pub(super) fn has_legacy_login(&self) -> bool {
        let keys = files::object(&self.path().join(FILE)).ok().flatten();
        let token = keys.as_ref().and_then(|keys| keys.get("accesstoken"));
        token.is_some_and(Value::is_string)
    }
}

const FILE: &str = "rainmaker_config.json";
