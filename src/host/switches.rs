//! The switches that keep this computer's radios off, from the kernel's list (rfkill).

use std::fs;
use std::path::Path;

/// The switch of one radio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RadioSwitch {
    /// The radio: `hci0`, `phy0`, or a name of the computer's manufacturer.
    pub name: String,
    /// Whether a program switched the radio off. A program can switch it on again.
    pub is_soft_blocked: bool,
    /// Whether a key or a slider switched the radio off.
    pub is_hard_blocked: bool,
}

impl RadioSwitch {
    /// Whether the switch keeps its radio off.
    pub(crate) fn is_off(&self) -> bool {
        self.is_soft_blocked || self.is_hard_blocked
    }
}

/// Lists the switches of a kind, `bluetooth` or `wlan`; empty if the system has no such list.
pub(crate) fn list_switches(kind: &str) -> Vec<RadioSwitch> {
    read_switches(Path::new("/sys/class/rfkill"), kind)
}

fn read_switches(folder: &Path, kind: &str) -> Vec<RadioSwitch> {
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
                is_soft_blocked: is_set("soft"),
                is_hard_blocked: is_set("hard"),
            })
        })
        .collect();
    switches.sort_by(|left, right| left.name.cmp(&right.name));
    switches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_kernel_list_of_switches() {
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
        let switches = read_switches(folder.path(), "bluetooth");
        assert_eq!(switches[0].name, "hci0");
        assert!(
            switches[0].is_hard_blocked && !switches[0].is_soft_blocked && switches[0].is_off()
        );
        assert!(switches[1].is_soft_blocked && switches[1].is_off());
        assert!(!read_switches(folder.path(), "wlan")[0].is_off());
        assert!(read_switches(&folder.path().join("nowhere"), "wlan").is_empty());
    }
}
