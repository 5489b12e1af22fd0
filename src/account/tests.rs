//! Tests valid and invalid account files.

use super::base_url::InvalidUrl;
use super::profile::ProfileName;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::cloud::{TokenStore as _, Tokens};
use crate::secret::Secret;

/// A folder with these files; paths are relative to it.
fn folder(files: &[(&str, &str)]) -> (TempDir, Folder) {
    let home = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let folder = Folder::new(home.path());
    (home, folder)
}

fn text(folder: &Folder, path: &str) -> String {
    fs::read_to_string(folder.path().join(path)).unwrap()
}

fn json_of(folder: &Folder, path: &str) -> Value {
    serde_json::from_str(&text(folder, path)).unwrap()
}

fn tokens_named(name: &str) -> Tokens {
    Tokens {
        access: Secret::new(format!("{name}-access")),
        id: Some(Secret::new(format!("{name}-id"))),
        refresh: Some(Secret::new(format!("{name}-refresh"))),
    }
}

fn stored(folder: &Folder, profile: &str) -> Option<String> {
    let profile = folder.select(Some(profile)).unwrap();
    let tokens = folder.tokens(&profile).unwrap()?;
    Some(tokens.access.expose().clone())
}

fn url(text: &str) -> url::Url {
    base_url(text).unwrap()
}

const LOGIN: &str = r#"{"idtoken":"i","refreshtoken":"r","accesstoken":"a"}"#;

#[test]
fn an_empty_folder_is_two_profiles_and_no_login() {
    let home = tempfile::tempdir().unwrap();
    let folder = Folder::new(home.path().join("not/there"));
    let names: Vec<String> = folder
        .profiles()
        .unwrap()
        .iter()
        .map(|profile| profile.name.to_string())
        .collect();
    assert_eq!(names, ["global", "china"]);
    assert_eq!(folder.current().unwrap(), "global");
    assert_eq!(stored(&folder, "global"), None);
    assert!(!folder.path().exists(), "reading wrote something");
}

#[test]
fn an_existing_login_is_read_as_it_is() {
    let (_home, folder) = folder(&[
        ("profiles/current_profile", " china\n"),
        ("profiles/china_config.json", LOGIN),
        (
            "profiles/global_config.json",
            r#"{"idtoken":null,"refreshtoken":null,"accesstoken":null}"#,
        ),
    ]);
    let current = folder.select(None).unwrap();
    assert_eq!(current.name.as_str(), "china");
    assert_eq!(current.region(), "china");
    let tokens = folder.tokens(&current).unwrap().unwrap();
    assert_eq!(tokens.access.expose(), "a");
    assert_eq!(tokens.id.unwrap().expose(), "i");
    assert_eq!(tokens.refresh.unwrap().expose(), "r");
    assert_eq!(stored(&folder, "global"), None, "null is no login");
}

#[test]
fn the_files_built_in_profiles_win_over_ours() {
    let written = json!({
        "profiles": {"global": {"host": "https://rainmaker.example/v1/", "client_id": "mine"}},
        "custom_profiles": {"china": {"host": "https://elsewhere.example/v1/"}},
    });
    let (_home, folder) = folder(&[("profiles/profiles.json", &written.to_string())]);
    let global = folder.select(Some("global")).unwrap();
    assert_eq!(global.base_url.as_str(), "https://rainmaker.example/v1/");
    assert_eq!(global.browser.unwrap().client_id, "mine");
    let china = folder.select(Some("china")).unwrap();
    assert_eq!(china.region(), "china", "a custom profile posed as china");
}

#[test]
fn a_custom_profile_takes_nothing_from_another() {
    let (_home, folder) = folder(&[]);
    let added = folder
        .add("lab", &url("http://127.0.0.1:8080"), None)
        .unwrap();
    assert_eq!(added.base_url.as_str(), "http://127.0.0.1:8080/v1/");
    assert!(added.browser.is_none());
    assert_eq!(added.region(), "lab");
    let written = json_of(&folder, "profiles/profiles.json");
    assert_eq!(
        written["custom_profiles"]["lab"],
        json!({
            "name": "lab",
            "description": "Custom profile: lab",
            "host": "http://127.0.0.1:8080/v1/",
            "builtin": false,
            "ui_login_supported": false,
            "node_cache_enabled": false,
        })
    );
    // esp-rainmaker-cli requires its built-in profiles.
    assert_eq!(written["profiles"]["china"]["builtin"], true);
    assert!(text(&folder, "profiles/profiles.json").contains("\n  \"profiles\""));
}

#[test]
fn base_urls_end_in_v1() {
    for (given, made) in [
        ("https://a.example", "https://a.example/v1/"),
        ("https://a.example/v1", "https://a.example/v1/"),
        ("https://a.example/v1/", "https://a.example/v1/"),
        ("https://a.example/x//", "https://a.example/x/v1/"),
        ("http://[::1]:80/", "http://[::1]/v1/"),
    ] {
        assert_eq!(base_url(given).unwrap().as_str(), made);
    }
    assert_eq!(base_url("a.example"), Err(InvalidUrl::NoUrl));
    assert_eq!(base_url("file:///v1/"), Err(InvalidUrl::NoUrl));
    assert_eq!(base_url("https://"), Err(InvalidUrl::NoUrl));
    assert_eq!(
        base_url("https://u:p@a.example"),
        Err(InvalidUrl::Credentials)
    );
    assert_eq!(base_url("https://a.example/?x=v1/"), Err(InvalidUrl::Query));
}

#[test]
fn a_name_never_leads_out_of_the_folder() {
    let long = "x".repeat(51);
    for name in ["", "../x", "a/b", "a\\b", "a b", "ü", "a\0", "..%2f", &long] {
        assert!(name.parse::<ProfileName>().is_err(), "{name:?}");
        let (_home, folder) = folder(&[("profiles/current_profile", name)]);
        let login = folder.path().join("x_config.json");
        fs::write(login, LOGIN).unwrap();
        let added = folder.add(name, &url("https://a.example"), None);
        assert!(matches!(added, Err(AccountError::InvalidName)), "{name:?}");
        for asked in [Some(name), None] {
            if name.is_empty() && asked.is_none() {
                continue;
            }
            let selected = folder.select(asked);
            assert!(
                matches!(selected, Err(AccountError::Unknown { .. })),
                "{name:?}"
            );
        }
        assert!(folder.switch(name).is_err());
        assert!(folder.remove(name).is_err());
    }
    for name in ["a", "A-b_c.d#1", ".."] {
        assert!(name.parse::<ProfileName>().is_ok(), "{name:?}");
    }
}

#[test]
fn names_are_given_once() {
    let (_home, folder) = folder(&[]);
    folder.add("lab", &url("https://a.example"), None).unwrap();
    for name in ["lab", "LAB"] {
        let again = folder.add(name, &url("https://b.example"), None);
        assert!(matches!(again, Err(AccountError::Exists(_))), "{name}");
    }
    for name in ["global", "china"] {
        let added = folder.add(name, &url("https://b.example"), None);
        assert!(matches!(added, Err(AccountError::BuiltIn(_))));
        assert!(matches!(folder.remove(name), Err(AccountError::BuiltIn(_))));
    }
}

#[test]
fn each_profile_has_its_own_login() {
    let (_home, folder) = folder(&[("profiles/global_config.json", LOGIN)]);
    folder
        .add("lab", &url("https://a.example"), Some("ours"))
        .unwrap();
    let lab = folder.switch("lab").unwrap();
    assert_eq!(text(&folder, "profiles/current_profile"), "lab");
    assert_eq!(stored(&folder, "lab"), None);
    folder.log_in(&lab, &tokens_named("lab")).unwrap();
    folder.keeper(&lab).save(&tokens_named("renewed")).unwrap();
    assert_eq!(stored(&folder, "lab").as_deref(), Some("renewed-access"));
    assert_eq!(text(&folder, "profiles/global_config.json"), LOGIN);

    assert_eq!(folder.remove("lab").unwrap(), "global");
    assert_eq!(folder.current().unwrap(), "global");
    assert!(!folder.path().join("profiles/lab_config.json").exists());
    // A later profile of this name has no login.
    folder.add("lab", &url("https://b.example"), None).unwrap();
    assert_eq!(stored(&folder, "lab"), None);
}

#[test]
fn what_nobody_here_knows_stays_in_its_place() {
    let profiles = r#"{"x":1,"custom_profiles":{"b":{"host":"https://b.example/v1/","y":[2]}},"profiles":{"global":{"node_cache_enabled":true}}}"#;
    let login = r#"{"z":3,"accesstoken":"old","idtoken":"old","note":"mine"}"#;
    let (_home, folder) = folder(&[
        ("profiles/profiles.json", profiles),
        ("profiles/b_config.json", login),
    ]);
    folder.add("a", &url("https://a.example"), None).unwrap();
    let written = json_of(&folder, "profiles/profiles.json");
    assert_eq!(written["x"], 1);
    assert_eq!(written["custom_profiles"]["b"]["y"], json!([2]));
    assert_eq!(
        written["profiles"]["global"],
        json!({"node_cache_enabled": true})
    );
    let order: Vec<&String> = written.as_object().unwrap().keys().collect();
    assert_eq!(order, ["x", "custom_profiles", "profiles"]);

    let b = folder.select(Some("b")).unwrap();
    folder.log_in(&b, &tokens_named("new")).unwrap();
    assert_eq!(
        text(&folder, "profiles/b_config.json"),
        r#"{"z":3,"accesstoken":"new-access","idtoken":"new-id","note":"mine","refreshtoken":"new-refresh"}"#
    );
}

#[test]
fn a_file_that_is_wrong_is_named_and_left_as_it_is() {
    for (path, wrong) in [
        ("profiles/profiles.json", "{"),
        ("profiles/profiles.json", "[]"),
        ("profiles/profiles.json", r#"{"profiles":7}"#),
        (
            "profiles/profiles.json",
            r#"{"custom_profiles":{"../x":{"host":"https://a"}}}"#,
        ),
        ("profiles/profiles.json", r#"{"custom_profiles":{"x":7}}"#),
        ("profiles/profiles.json", r#"{"custom_profiles":{"x":{}}}"#),
        (
            "profiles/profiles.json",
            r#"{"custom_profiles":{"x":{"host":"ftp://a"}}}"#,
        ),
    ] {
        let (_home, folder) = folder(&[(path, wrong)]);
        for error in [
            folder.profiles().unwrap_err(),
            folder.select(None).unwrap_err(),
            folder.switch("global").unwrap_err(),
            folder
                .add("a", &url("https://a.example"), None)
                .unwrap_err(),
        ] {
            assert_malformed(&error, path);
        }
        assert_eq!(text(&folder, path), wrong);
    }
    let path = "profiles/global_config.json";
    for wrong in [
        "",
        "secret-token",
        "[]",
        r#"{"accesstoken":["secret-token"]}"#,
    ] {
        let (_home, folder) = folder(&[(path, wrong)]);
        let global = folder.select(None).unwrap();
        assert_malformed(&folder.tokens(&global).unwrap_err(), path);
        let error = folder
            .keeper(&global)
            .save(&tokens_named("new"))
            .unwrap_err();
        assert!(error.to_string().contains(path), "{error}");
        assert_eq!(text(&folder, path), wrong);
    }
}

#[track_caller]
fn assert_malformed(error: &AccountError, path: &str) {
    assert!(matches!(error, AccountError::Malformed { .. }), "{error:?}");
    let said = format!("{error} {error:?}");
    assert!(
        said.contains(path) && !said.contains("secret-token"),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_what_is_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let folder = Folder::new(home.path().join("new"));
    let global = folder.select(None).unwrap();
    folder.log_in(&global, &tokens_named("x")).unwrap();
    folder.switch("china").unwrap();
    let mode = |path: &str| {
        let data = fs::metadata(folder.path().join(path)).unwrap();
        data.permissions().mode() & 0o777
    };
    assert_eq!(mode(""), 0o700);
    assert_eq!(mode("profiles"), 0o700);
    for file in ["profiles.json", "current_profile", "global_config.json"] {
        assert_eq!(mode(&format!("profiles/{file}")), 0o600, "{file}");
    }
    // A file that others could read is private once it is replaced.
    let path = folder.path().join("profiles/global_config.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    folder.log_in(&global, &tokens_named("y")).unwrap();
    assert_eq!(mode("profiles/global_config.json"), 0o600);
    assert_eq!(
        files_in(&folder.path().join("profiles")),
        4,
        "something was left behind, beside these and the lock"
    );
}

fn files_in(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

const OLD: &str = "rainmaker_config.json";

#[test]
fn the_old_file_counts_while_there_are_no_profiles() {
    let china = r#"{"host":"https://api2.rainmaker.espressif.com.cn/v1/","accesstoken":"old","idtoken":"i","refreshtoken":"r"}"#;
    let (_home, folder) = folder(&[(OLD, china)]);
    assert_eq!(folder.select(None).unwrap().name.as_str(), "china");
    assert_eq!(stored(&folder, "china").as_deref(), Some("old"));
    assert_eq!(stored(&folder, "global"), None);
    assert!(
        !folder.path().join("profiles").exists(),
        "reading wrote something"
    );

    // Creating profiles.json moves the login to its profile; then the old file is ignored.
    folder.add("lab", &url("https://a.example"), None).unwrap();
    assert_eq!(stored(&folder, "lab"), None);
    assert_eq!(stored(&folder, "china").as_deref(), Some("old"));
    assert_eq!(folder.current().unwrap(), "china");
    assert_eq!(text(&folder, OLD), china);
}

#[test]
fn a_logout_is_one_for_the_old_files_login_too() {
    let (_home, folder) = folder(&[(OLD, r#"{"accesstoken":"old"}"#)]);
    let global = folder.select(None).unwrap();
    assert_eq!(stored(&folder, "global").as_deref(), Some("old"));
    let done = folder.log_out(&global).unwrap();
    assert!(done.was_logged_in && done.legacy_left);
    assert_eq!(stored(&folder, "global"), None);
    assert!(!folder.log_out(&global).unwrap().was_logged_in);
    // Without a login in the old file, no warning is needed.
    fs::write(folder.path().join(OLD), "{}").unwrap();
    assert!(!folder.log_out(&global).unwrap().legacy_left);
}

#[test]
fn tokens_of_another_cloud_are_not_those_of_global() {
    let elsewhere = r#"{"host":"https://mine.example/v1/","accesstoken":"old"}"#;
    let (_home, folder) = folder(&[(OLD, elsewhere)]);
    assert_eq!(stored(&folder, "global"), None);
    folder.switch("china").unwrap();
    assert_eq!(stored(&folder, "global"), None);
}

#[test]
fn the_renewed_login_of_the_old_file_is_kept_in_its_profile() {
    let (_home, folder) = folder(&[(OLD, r#"{"accesstoken":"old"}"#)]);
    let global = folder.select(None).unwrap();
    let keeper = folder.keeper(&global);
    let renewed = Tokens::access_only(Secret::new("new".to_owned()));
    keeper.save(&renewed).unwrap();
    assert_eq!(stored(&folder, "global").as_deref(), Some("new"));
    assert!(text(&folder, OLD).contains("old"));
}

#[test]
fn renewing_does_not_undo_a_logout_or_another_login() {
    let (_home, folder) = folder(&[("profiles/global_config.json", LOGIN)]);
    let global = folder.select(None).unwrap();
    let keeper = folder.keeper(&global);
    // {"custom:user_id":"other"}
    let other = Tokens {
        id: Some(Secret::new(
            "x.eyJjdXN0b206dXNlcl9pZCI6Im90aGVyIn0.x".to_owned(),
        )),
        ..tokens_named("other")
    };
    folder.log_in(&global, &other).unwrap();
    keeper.save(&tokens_named("renewed")).unwrap();
    assert_eq!(stored(&folder, "global").as_deref(), Some("other-access"));
    folder.log_out(&global).unwrap();
    keeper.save(&tokens_named("renewed")).unwrap();
    assert_eq!(stored(&folder, "global"), None);
}

#[test]
fn files_where_older_versions_had_them_are_read_and_replaced() {
    let (_home, folder) = folder(&[
        (
            "profiles.json",
            r#"{"custom_profiles":{"lab":{"host":"https://a.example/v1/"}}}"#,
        ),
        ("current_profile", "lab"),
        ("lab_config.json", LOGIN),
        ("rainmaker_config.json", r#"{"accesstoken":"old"}"#),
        ("rainmaker_admin_config.json", LOGIN),
    ]);
    let lab = folder.select(None).unwrap();
    assert_eq!(lab.name.as_str(), "lab");
    assert_eq!(stored(&folder, "lab").as_deref(), Some("a"));
    // profiles.json exists, at its old path.
    assert_eq!(stored(&folder, "global"), None);
    assert!(
        !folder.path().join("profiles").exists(),
        "reading moved something"
    );

    folder.log_in(&lab, &tokens_named("new")).unwrap();
    // esp-rainmaker-cli would move the old file over the new one.
    assert!(!folder.path().join("lab_config.json").exists());
    assert_eq!(stored(&folder, "lab").as_deref(), Some("new-access"));
    assert!(folder.path().join("profiles.json").exists());

    // At the old path, these names are files of other programs.
    for name in ["rainmaker", "rainmaker_admin"] {
        let profile = folder.add(name, &url("https://b.example"), None).unwrap();
        assert_eq!(stored(&folder, name), None);
        folder.log_out(&profile).unwrap();
    }
    assert_eq!(text(&folder, "rainmaker_admin_config.json"), LOGIN);
    assert!(!folder.path().join("profiles.json").exists());
}

#[cfg(unix)]
#[test]
fn a_link_stays_one() {
    let (_home, folder) = folder(&[("elsewhere/login.json", LOGIN), ("profiles/x", "")]);
    let link = folder.path().join("profiles/global_config.json");
    std::os::unix::fs::symlink(folder.path().join("elsewhere/login.json"), &link).unwrap();
    let global = folder.select(None).unwrap();
    folder.log_in(&global, &tokens_named("new")).unwrap();
    assert!(link.is_symlink());
    assert!(text(&folder, "elsewhere/login.json").contains("new-access"));
}

/// Each reader gets one of the two logins, complete.
#[test]
fn a_reader_never_sees_half_a_file() {
    let (_home, folder) = folder(&[]);
    let global = folder.select(None).unwrap();
    folder.log_in(&global, &tokens_named("one")).unwrap();
    std::thread::scope(|scope| {
        for name in ["one", "two"] {
            let (folder, global) = (&folder, &global);
            let tokens = tokens_named(name);
            scope.spawn(move || {
                for _ in 0..50 {
                    folder.log_in(global, &tokens).unwrap();
                }
            });
        }
        for _ in 0..200 {
            let tokens = folder.tokens(&global).unwrap().unwrap();
            let name = tokens
                .access
                .expose()
                .trim_end_matches("-access")
                .to_owned();
            let id = tokens.id.unwrap();
            assert_eq!(*id.expose(), format!("{name}-id"));
        }
    });
}
