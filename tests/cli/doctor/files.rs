//! Files of the account that others may read.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::{ACCOUNT, finding, is_ok, seen_contains};
use crate::support::account::Account;
use crate::support::cloud::Cloud;

#[test]
fn world_readable_files_are_reported_with_fix() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let look = || account.run(&ACCOUNT).output().exits(0);
    is_ok(&look(), "account-files");

    let login = account.login_file("lab");
    fs::set_permissions(&login, Permissions::from_mode(0o644)).unwrap();
    let output = look();
    let found = finding(&output, "account-files");
    assert_eq!(found["state"], "warning", "{output}");
    assert!(seen_contains(&found, "lab_config.json (644)"), "{output}");
    let fix = found["fix"].as_str().unwrap();
    assert_eq!(fix, format!("chmod 600 {}", login.display()));

    let fixed = Command::new("sh").args(["-c", fix]).status().unwrap();
    assert!(fixed.success());
    is_ok(&look(), "account-files");

    let folder = login.parent().unwrap();
    fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
    let output = look();
    let found = finding(&output, "account-files");
    assert!(seen_contains(&found, "may put files into"), "{output}");
    let fix = found["fix"].as_str().unwrap();
    assert_eq!(fix, format!("chmod go-w {}", folder.display()));
}

#[test]
fn unreadable_folder_is_reported() {
    let account = Account::empty();
    fs::create_dir_all(account.folder()).unwrap();
    fs::write(Path::new(account.folder()).join("profiles"), "").unwrap();
    let output = account.run(&ACCOUNT).output().exits(0);
    let found = finding(&output, "account-files");
    assert_eq!(found["state"], "warning", "{output}");
    assert!(
        seen_contains(&found, "profiles cannot be checked"),
        "{output}"
    );
}
