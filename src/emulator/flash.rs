//! The flash memory of a device: the Wi-Fi credentials, in a file. As in firmware, Apply stores them before
//! the device knows whether they are right. The state of the provisioning manager is not stored.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, de};
use serde_json::json;
use tempfile::NamedTempFile;

use super::parse::read_limited;
use crate::secret::Secret;

/// The memory that survives a loss of power. Without a file, it exists as long as the device.
#[derive(Debug, Default)]
pub struct Flash {
    file: Option<PathBuf>,
    stored: Option<StoredConfig>,
}

/// Wi-Fi credentials. From the file, only the hexadecimal digits are read; the texts are for people.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct StoredConfig {
    #[serde(rename = "ssid_hex", deserialize_with = "from_hex")]
    pub(super) ssid: Vec<u8>,
    #[serde(rename = "passphrase_hex", deserialize_with = "from_hex")]
    pub(super) passphrase: Secret<Vec<u8>>,
}

impl Flash {
    /// Uses this file, which need not exist.
    pub fn in_file(path: &Path) -> io::Result<Self> {
        let stored = match read_limited(path) {
            Ok(bytes) => serde_json::from_slice::<Contents>(&bytes)?.wifi,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Self {
            file: Some(path.to_owned()),
            stored,
        })
    }

    /// Whether an SSID is stored, as `network_prov_mgr_is_wifi_provisioned` checks it, even if the device
    /// cannot join that network.
    pub fn is_provisioned(&self) -> bool {
        self.stored
            .as_ref()
            .is_some_and(|wifi| !wifi.ssid.is_empty())
    }

    /// Replaces the stored credentials.
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

#[derive(Deserialize)]
struct Contents {
    wifi: Option<StoredConfig>,
}

fn from_hex<'de, D: Deserializer<'de>, T: From<Vec<u8>>>(from: D) -> Result<T, D::Error> {
    let bytes = hex::decode(String::deserialize(from)?);
    let invalid = |_| de::Error::custom("not hexadecimal digits");
    bytes.map(T::from).map_err(invalid)
}

/// Replaces the file as a whole, with a new file that only its owner can read, because it contains a
/// passphrase. It is not synced: waiting for the disk would delay the device's answers.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    let mut file = NamedTempFile::new_in(path.parent().unwrap_or(&path))?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn config(ssid: &[u8]) -> StoredConfig {
        StoredConfig {
            ssid: ssid.to_vec(),
            passphrase: Secret::new(b"correct horse".to_vec()),
        }
    }

    #[test]
    fn credentials_survive_restart() {
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
