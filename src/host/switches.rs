//! The switches that keep this computer's radios off, from the kernel's list (rfkill).

use std::fs;
use std::path::Path;

/// The switch of one radio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RadioSwitch {
    /// The radio: `hci0`, `phy0`, or a name of the computer's manufacturer.
    pub name: String,
    /// Whether a program switched the radio off. A program can switch it on again.
    pub by_program: bool,
    /// Whether a key or a slider switched the radio off.
    pub by_hand: bool,
}

impl RadioSwitch {
    /// Whether the switch keeps its radio off.
    pub(crate) fn is_off(&self) -> bool {
        self.by_program || self.by_hand
    }
}

/// Lists the switches of a kind, `bluetooth` or `wlan`; empty if the system has no such list.
pub(crate) fn list_switches(kind: &str) -> Vec<RadioSwitch> {
    in_folder(Path::new("/sys/class/rfkill"), kind)
}

fn in_folder(folder: &Path, kind: &str) -> Vec<RadioSwitch> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut switches: Vec<RadioSwitch> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let read = |file| {
                let text = fs::read_to_string(path.join(file)).ok()?;
                Some(text.trim().to_owned())
            };
            let is_set = |file| read(file).is_some_and(|text| text == "1");
            (read("type")? == kind).then(|| RadioSwitch {
                name: read("name").unwrap_or_default(),
                by_program: is_set("soft"),
                by_hand: is_set("hard"),
            })
        })
        .collect();
    switches.sort_by(|one, other| one.name.cmp(&other.name));
    switches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_list_says_what_is_off_and_by_whom() {
        let folder = tempfile::tempdir().unwrap();
        for (entry, kind, name, soft, hard) in [
            ("rfkill0", "wlan", "phy0", "0", "0"),
            ("rfkill1", "bluetooth", "tpacpi_bluetooth_sw", "1", "0"),
            ("rfkill2", "bluetooth", "hci0", "0", "1"),
        ] {
            let entry = folder.path().join(entry);
            fs::create_dir(&entry).unwrap();
            for (file, text) in [
                ("type", kind),
                ("name", name),
                ("soft", soft),
                ("hard", hard),
            ] {
                fs::write(entry.join(file), format!("{text}\n")).unwrap();
            }
        }
        let found = in_folder(folder.path(), "bluetooth");
        assert_eq!(found[0].name, "hci0");
        assert!(found[0].by_hand && !found[0].by_program && found[0].is_off());
        assert!(found[1].by_program && found[1].is_off());
        assert!(!in_folder(folder.path(), "wlan")[0].is_off());
        assert!(in_folder(&folder.path().join("nowhere"), "wlan").is_empty());
    }
}
