//! What a device keeps when it loses power: the Wi-Fi credentials, in a file. It is written at
//! Apply, before it is known whether they are right, because that is what firmware does. A restart
//! loses the provisioning manager's state.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, de};
use serde_json::json;
use tempfile::NamedTempFile;

use crate::secret::Secret;

/// The memory that survives a loss of power. Without a file, it lasts as long as the device.
#[derive(Debug, Default)]
pub struct Flash {
    file: Option<PathBuf>,
    stored: Option<StoredConfig>,
}

/// Wi-Fi credentials. What counts in the file are the hexadecimal digits; the texts beside them are
/// for reading.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct StoredConfig {
    #[serde(rename = "ssid_hex", deserialize_with = "from_hex")]
    pub(super) ssid: Vec<u8>,
    #[serde(rename = "passphrase_hex", deserialize_with = "from_hex")]
    pub(super) passphrase: Secret<Vec<u8>>,
}

impl Flash {
    /// Kept in that file, which need not exist yet.
    pub fn in_file(path: &Path) -> io::Result<Self> {
        let stored = match fs::read(path) {
            Ok(bytes) => serde_json::from_slice::<Contents>(&bytes)?.wifi,
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

#[derive(Deserialize)]
struct Contents {
    wifi: Option<StoredConfig>,
}

fn from_hex<'de, D: Deserializer<'de>, T: From<Vec<u8>>>(from: D) -> Result<T, D::Error> {
    let bytes = hex::decode(String::deserialize(from)?);
    let invalid = |_| de::Error::custom("not hexadecimal digits");
    bytes.map(T::from).map_err(invalid)
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
