//! Checks by the file's permissions whether this user may open a serial port, and which group may.
//! The port is not opened, because that resets some boards.

use std::io;

/// Whether a user may open a port.
#[derive(Debug)]
pub(crate) enum PortAccess {
    /// This user may open it.
    Allowed,
    /// This user may not open it.
    Denied {
        /// The group whose members may open it; `None` if group membership is not enough.
        group: Option<PortGroup>,
    },
    /// The port does not exist, or cannot be checked.
    Missing(io::Error),
    /// The system has no file permissions for ports.
    #[cfg_attr(unix, expect(dead_code, reason = "Unix has groups"))]
    Unknown,
}

/// The group of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortGroup {
    /// For example `dialout` or `uucp`; the group id if it has no name.
    pub name: String,
    /// Whether this user was added to the group, and must log in again for it to take effect.
    pub has_this_user: bool,
}

/// Checks whether this user may open the port.
#[cfg(unix)]
pub(crate) fn check_port_access(path: &str) -> PortAccess {
    use std::os::unix::fs::MetadataExt as _;

    use rustix::fs::{Access, access};
    let data = match std::fs::metadata(path) {
        Ok(data) => data,
        Err(error) => return PortAccess::Missing(error),
    };
    match access(path, Access::READ_OK | Access::WRITE_OK) {
        Ok(()) => PortAccess::Allowed,
        Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => {
            let read = |path| std::fs::read_to_string(path).unwrap_or_default();
            let (users, groups) = (read("/etc/passwd"), read("/etc/group"));
            let user = find_user_name(&users, rustix::process::getuid().as_raw());
            PortAccess::Denied {
                group: find_port_group(data.mode(), data.gid(), &groups, user),
            }
        }
        Err(error) => PortAccess::Missing(error.into()),
    }
}

/// The system has no file permissions for ports.
#[cfg(not(unix))]
pub(crate) fn check_port_access(_path: &str) -> PortAccess {
    PortAccess::Unknown
}

/// The group of a file, if it may read and write the file. Root's group is not suggested.
#[cfg(any(unix, test))]
fn find_port_group(mode: u32, gid: u32, groups: &str, user: Option<&str>) -> Option<PortGroup> {
    if mode & GROUP_READ_WRITE != GROUP_READ_WRITE || gid == 0 {
        return None;
    }
    let number = gid.to_string();
    let entry = groups.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields[..] {
            [name, _, id, members, ..] if id == number => Some((name, members)),
            _ => None,
        }
    });
    // Without an entry, the group is in a directory service, or from another system's disk.
    let (name, members) = entry.unwrap_or((&number, ""));
    Some(PortGroup {
        name: name.to_owned(),
        has_this_user: user.is_some_and(|user| members.split(',').any(|member| member == user)),
    })
}

#[cfg(any(unix, test))]
fn find_user_name(users: &str, uid: u32) -> Option<&str> {
    let number = uid.to_string();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then_some(name)
    })
}

/// The permission bits for the group to read and write.
#[cfg(any(unix, test))]
const GROUP_READ_WRITE: u32 = 0o060;

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &str = "root:x:0:\ntty:x:5:\ndialout:x:20:ada,grace\nuucp:x:986:\nbroken\n";
    const USERS: &str = "root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/sh\n";

    #[test]
    fn finds_group_of_port() {
        let of = |mode, gid, user| find_port_group(mode, gid, GROUPS, user);
        let named = |name: &str, has_this_user| {
            Some(PortGroup {
                name: name.to_owned(),
                has_this_user,
            })
        };
        // Debian's group and Arch's.
        assert_eq!(of(0o020_660, 20, Some("linus")), named("dialout", false));
        assert_eq!(of(0o020_660, 986, None), named("uucp", false));
        // The user is in the group, but has not logged in since.
        assert_eq!(of(0o020_660, 20, Some("ada")), named("dialout", true));
        // A group without access, root's group, and a group without a name.
        assert_eq!(of(0o020_600, 20, None), None);
        assert_eq!(of(0o020_640, 20, None), None);
        assert_eq!(of(0o020_660, 0, None), None);
        assert_eq!(of(0o020_660, 777, Some("ada")), named("777", false));
    }

    #[test]
    fn finds_user_name_by_id() {
        assert_eq!(find_user_name(USERS, 1000), Some("ada"));
        assert_eq!(find_user_name(USERS, 0), Some("root"));
        assert_eq!(find_user_name(USERS, 7), None);
        assert_eq!(find_user_name("", 0), None);
    }

    #[cfg(unix)]
    #[test]
    fn missing_port_is_reported() {
        assert!(matches!(
            check_port_access("/dev/null"),
            PortAccess::Allowed
        ));
        assert!(matches!(
            check_port_access("/dev/nonesuch"),
            PortAccess::Missing(_)
        ));
    }
}
