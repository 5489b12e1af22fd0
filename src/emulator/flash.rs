//! What a device keeps when it loses power: the Wi-Fi credentials, in a file. It is written at
//! Apply, before it is known whether they are right, because that is what firmware does. A restart
//! loses the provisioning manager's state.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;
use tempfile::NamedTempFile;

use crate::secret::Secret;

/// The memory that survives a loss of power. Without a file, it lasts as long as the device.
#[derive(Debug, Default)]
pub struct Flash {
    file: Option<PathBuf>,
    stored: Option<StoredConfig>,
}

/// Wi-Fi credentials.
#[derive(Clone, Debug)]
pub(super) struct StoredConfig {
    pub(super) ssid: Vec<u8>,
    pub(super) passphrase: Secret<Vec<u8>>,
}

impl Flash {
    /// Kept in that file, which need not exist yet.
    pub fn in_file(path: &Path) -> io::Result<Self> {
        let stored = match fs::read(path) {
            Ok(bytes) => read(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Self {
            file: Some(path.to_owned()),
            stored,
        })
    }

    /// As `network_prov_mgr_is_wifi_provisioned`: whether a name is stored. It says nothing about
    /// whether the network can be joined.
    pub fn is_provisioned(&self) -> bool {
        self.stored
            .as_ref()
            .is_some_and(|wifi| !wifi.ssid.is_empty())
    }

    /// Replaces what is stored.
    pub(super) fn store(&mut self, config: Option<StoredConfig>) -> io::Result<()> {
        self.stored = config;
        match &self.file {
            Some(path) => write(path, self.to_json().as_bytes()),
            None => Ok(()),
        }
    }

    fn to_json(&self) -> String {
        let wifi = self.stored.as_ref().map(|config| {
            let (ssid, passphrase) = (&config.ssid, config.passphrase.expose());
            json!({
                "ssid": String::from_utf8_lossy(ssid),
                "ssid_hex": hex::encode(ssid),
                "passphrase": String::from_utf8_lossy(passphrase),
                "passphrase_hex": hex::encode(passphrase),
            })
        });
        let contents = json!({"is_provisioned": self.is_provisioned(), "wifi": wifi});
        format!("{contents:#}")
    }
}

/// What counts in the file: the hexadecimal digits. The texts beside them are for reading.
#[derive(Deserialize)]
struct Contents {
    wifi: Option<Wifi>,
}

#[derive(Deserialize)]
struct Wifi {
    ssid_hex: String,
    passphrase_hex: String,
}

fn read(bytes: &[u8]) -> io::Result<Option<StoredConfig>> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let contents: Contents =
        serde_json::from_slice(bytes).map_err(|error| invalid(&error.to_string()))?;
    let digits = |text: &str| hex::decode(text).map_err(|_| invalid("not hexadecimal digits"));
    contents
        .wifi
        .map(|wifi| {
            Ok(StoredConfig {
                ssid: digits(&wifi.ssid_hex)?,
                passphrase: Secret::new(digits(&wifi.passphrase_hex)?),
            })
        })
        .transpose()
}

/// All or nothing: written beside the file and then put in its place, for its owner alone, because
/// a passphrase is in it. It outlives this process, not this computer's power supply: waiting for a
/// disk would hold up the device's answers.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    let mut file = NamedTempFile::new_in(path.parent().unwrap_or(&path))?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(ssid: &[u8]) -> StoredConfig {
        StoredConfig {
            ssid: ssid.to_vec(),
            passphrase: Secret::new(b"correct horse".to_vec()),
        }
    }

    #[test]
    fn credentials_survive_a_restart() {
        let folder = std::env::temp_dir().join(format!("espctl-flash-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("state.json");
        let mut flash = Flash::in_file(&path).unwrap();
        assert!(!flash.is_provisioned());
        flash.store(Some(config(b"caf\xff"))).unwrap();

        let mut again = Flash::in_file(&path).unwrap();
        assert!(again.is_provisioned());
        let stored = again.stored.clone().unwrap();
        assert_eq!(stored.ssid, b"caf\xff");
        assert_eq!(stored.passphrase.expose(), b"correct horse");
        assert!(!format!("{again:?}").contains("correct horse"));
        again.store(None).unwrap();
        assert!(!Flash::in_file(&path).unwrap().is_provisioned());

        fs::write(&path, "{").unwrap();
        assert!(Flash::in_file(&path).is_err());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn empty_ssid_is_not_provisioned() {
        let mut flash = Flash::default();
        flash.store(Some(config(b""))).unwrap();
        assert!(!flash.is_provisioned());
        flash.store(Some(config(b"Home"))).unwrap();
        assert!(flash.is_provisioned());
    }
}
