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

fn stored_token(folder: &Folder, profile: &str) -> Option<String> {
    let profile = folder.select_profile(Some(profile)).unwrap();
    let tokens = folder.read_tokens(&profile).unwrap()?;
    Some(tokens.access.expose().clone())
}

#[track_caller]
fn assert_token(folder: &Folder, profile: &str, expected: &str) {
    assert_eq!(stored_token(folder, profile).as_deref(), Some(expected));
}

fn add_profile(folder: &Folder, name: &str, base_url: &str) -> Profile {
    folder.add_profile(name, &url(base_url), None).unwrap()
}

fn url(text: &str) -> url::Url {
    parse_base_url(text).unwrap()
}

const LOGIN: &str = r#"{"idtoken":"i","refreshtoken":"r","accesstoken":"a"}"#;

#[test]
fn empty_folder_has_only_built_in_profiles() {
    let home = tempfile::tempdir().unwrap();
    let folder = Folder::new(home.path().join("not/there"));
    let names: Vec<String> = folder
        .list_profiles()
        .unwrap()
        .iter()
        .map(|profile| profile.name.to_string())
        .collect();
    assert_eq!(names, ["global", "china"]);
    assert_eq!(folder.read_current_name().unwrap(), "global");
    assert_eq!(stored_token(&folder, "global"), None);
    assert!(!folder.path().exists(), "reading wrote something");
}

#[test]
fn reads_existing_login() {
    let (_home, folder) = folder(&[
        ("profiles/current_profile", " china\n"),
        ("profiles/china_config.json", LOGIN),
        (
            "profiles/global_config.json",
            r#"{"idtoken":null,"refreshtoken":null,"accesstoken":null}"#,
        ),
    ]);
    let current = folder.select_profile(None).unwrap();
    assert_eq!(current.name.as_str(), "china");
    assert_eq!(current.region(), "china");
    let tokens = folder.read_tokens(&current).unwrap().unwrap();
    assert_eq!(tokens.access.expose(), "a");
    assert_eq!(tokens.id.unwrap().expose(), "i");
    assert_eq!(tokens.refresh.unwrap().expose(), "r");
    assert_eq!(stored_token(&folder, "global"), None, "null is no login");
}

#[test]
fn file_overrides_built_in_profiles() {
    let written = json!({
        "profiles": {"global": {"host": "https://rainmaker.example/v1/", "client_id": "mine"}},
        "custom_profiles": {"china": {"host": "https://elsewhere.example/v1/"}},
    });
    let (_home, folder) = folder(&[("profiles/profiles.json", &written.to_string())]);
    let global = folder.select_profile(Some("global")).unwrap();
    assert_eq!(global.base_url.as_str(), "https://rainmaker.example/v1/");
    assert_eq!(global.browser.unwrap().client_id, "mine");
    let china = folder.select_profile(Some("china")).unwrap();
    assert_eq!(china.region(), "china", "a custom profile posed as china");
}

#[test]
fn custom_profile_has_no_defaults() {
    let (_home, folder) = folder(&[]);
    let added = add_profile(&folder, "lab", "http://127.0.0.1:8080");
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
fn parses_base_urls() {
    for (given, made) in [
        ("https://a.example", "https://a.example/v1/"),
        ("https://a.example/v1", "https://a.example/v1/"),
        ("https://a.example/v1/", "https://a.example/v1/"),
        ("https://a.example/x//", "https://a.example/x/v1/"),
        ("http://[::1]:80/", "http://[::1]/v1/"),
    ] {
        assert_eq!(parse_base_url(given).unwrap().as_str(), made);
    }
    assert_eq!(parse_base_url("a.example"), Err(InvalidUrl::NoUrl));
    assert_eq!(parse_base_url("file:///v1/"), Err(InvalidUrl::NoUrl));
    assert_eq!(parse_base_url("https://"), Err(InvalidUrl::NoUrl));
    assert_eq!(
        parse_base_url("https://u:p@a.example"),
        Err(InvalidUrl::Credentials)
    );
    assert_eq!(
        parse_base_url("https://a.example/?x=v1/"),
        Err(InvalidUrl::Query)
    );
}

#[test]
fn rejects_names_that_leave_folder() {
    let long = "x".repeat(51);
    for name in ["", "../x", "a/b", "a\\b", "a b", "ü", "a\0", "..%2f", &long] {
        assert!(name.parse::<ProfileName>().is_err(), "{name:?}");
        let (_home, folder) = folder(&[("profiles/current_profile", name)]);
        let login = folder.path().join("x_config.json");
        fs::write(login, LOGIN).unwrap();
        let added = folder.add_profile(name, &url("https://a.example"), None);
        assert!(matches!(added, Err(AccountError::InvalidName)), "{name:?}");
        for asked in [Some(name), None] {
            if name.is_empty() && asked.is_none() {
                continue;
            }
            let selected = folder.select_profile(asked);
            assert!(
                matches!(selected, Err(AccountError::Unknown { .. })),
                "{name:?}"
            );
        }
        assert!(folder.switch_profile(name).is_err());
        assert!(folder.remove_profile(name).is_err());
    }
    for name in ["a", "A-b_c.d#1", ".."] {
        assert!(name.parse::<ProfileName>().is_ok(), "{name:?}");
    }
}

#[test]
fn rejects_existing_names() {
    let (_home, folder) = folder(&[]);
    add_profile(&folder, "lab", "https://a.example");
    for name in ["lab", "LAB"] {
        let again = folder.add_profile(name, &url("https://b.example"), None);
        assert!(matches!(again, Err(AccountError::Exists(_))), "{name}");
    }
    for name in ["global", "china"] {
        let added = folder.add_profile(name, &url("https://b.example"), None);
        assert!(matches!(added, Err(AccountError::BuiltIn(_))));
        assert!(matches!(
            folder.remove_profile(name),
            Err(AccountError::BuiltIn(_))
        ));
    }
}

#[test]
fn each_profile_has_its_own_login() {
    let (_home, folder) = folder(&[("profiles/global_config.json", LOGIN)]);
    folder
        .add_profile("lab", &url("https://a.example"), Some("ours"))
        .unwrap();
    let lab = folder.switch_profile("lab").unwrap();
    assert_eq!(text(&folder, "profiles/current_profile"), "lab");
    assert_eq!(stored_token(&folder, "lab"), None);
    folder.save_login(&lab, &tokens_named("lab")).unwrap();
    folder
        .token_store(&lab)
        .save(&tokens_named("renewed"))
        .unwrap();
    assert_token(&folder, "lab", "renewed-access");
    assert_eq!(text(&folder, "profiles/global_config.json"), LOGIN);

    assert_eq!(folder.remove_profile("lab").unwrap(), "global");
    assert_eq!(folder.read_current_name().unwrap(), "global");
    assert!(!folder.path().join("profiles/lab_config.json").exists());
    // A later profile of this name has no login.
    add_profile(&folder, "lab", "https://b.example");
    assert_eq!(stored_token(&folder, "lab"), None);
}

#[test]
fn unknown_keys_stay_in_place() {
    let profiles = r#"{"x":1,"custom_profiles":{"b":{"host":"https://b.example/v1/","y":[2]}},"profiles":{"global":{"node_cache_enabled":true}}}"#;
    let login = r#"{"z":3,"accesstoken":"old","idtoken":"old","note":"mine"}"#;
    let (_home, folder) = folder(&[
        ("profiles/profiles.json", profiles),
        ("profiles/b_config.json", login),
    ]);
    add_profile(&folder, "a", "https://a.example");
    let written = json_of(&folder, "profiles/profiles.json");
    assert_eq!(written["x"], 1);
    assert_eq!(written["custom_profiles"]["b"]["y"], json!([2]));
    assert_eq!(
        written["profiles"]["global"],
        json!({"node_cache_enabled": true})
    );
    let order: Vec<&String> = written.as_object().unwrap().keys().collect();
    assert_eq!(order, ["x", "custom_profiles", "profiles"]);

    let b = folder.select_profile(Some("b")).unwrap();
    folder.save_login(&b, &tokens_named("new")).unwrap();
    assert_eq!(
        text(&folder, "profiles/b_config.json"),
        r#"{"z":3,"accesstoken":"new-access","idtoken":"new-id","note":"mine","refreshtoken":"new-refresh"}"#
    );
}

#[test]
fn invalid_file_is_named_and_unchanged() {
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
            folder.list_profiles().unwrap_err(),
            folder.select_profile(None).unwrap_err(),
            folder.switch_profile("global").unwrap_err(),
            folder
                .add_profile("a", &url("https://a.example"), None)
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
        let global = folder.select_profile(None).unwrap();
        assert_malformed(&folder.read_tokens(&global).unwrap_err(), path);
        let error = folder
            .token_store(&global)
            .save(&tokens_named("new"))
            .unwrap_err();
        assert!(error.to_string().contains(path), "{error}");
        assert_eq!(text(&folder, path), wrong);
    }
}

#[track_caller]
fn assert_malformed(error: &AccountError, path: &str) {
    assert!(matches!(error, AccountError::Malformed { .. }), "{error:?}");
    let messages = format!("{error} {error:?}");
    assert!(
        messages.contains(path) && !messages.contains("secret-token"),
        "{messages}"
    );
}

#[cfg(unix)]
#[test]
fn written_files_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let folder = Folder::new(home.path().join("new"));
    let global = folder.select_profile(None).unwrap();
    folder.save_login(&global, &tokens_named("x")).unwrap();
    folder.switch_profile("china").unwrap();
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
    folder.save_login(&global, &tokens_named("y")).unwrap();
    assert_eq!(mode("profiles/global_config.json"), 0o600);
    assert_eq!(
        files_in(&folder.path().join("profiles")),
        4,
        "unexpected files next to these and the lock"
    );
}

fn files_in(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

const OLD: &str = "rainmaker_config.json";

#[test]
fn legacy_login_is_used_until_profiles_exist() {
    let china = r#"{"host":"https://api2.rainmaker.espressif.com.cn/v1/","accesstoken":"old","idtoken":"i","refreshtoken":"r"}"#;
    let (_home, folder) = folder(&[(OLD, china)]);
    assert_eq!(folder.select_profile(None).unwrap().name.as_str(), "china");
    assert_token(&folder, "china", "old");
    assert_eq!(stored_token(&folder, "global"), None);
    assert!(
        !folder.path().join("profiles").exists(),
        "reading wrote something"
    );

    // Creating profiles.json moves the login to its profile; then the old file is ignored.
    add_profile(&folder, "lab", "https://a.example");
    assert_eq!(stored_token(&folder, "lab"), None);
    assert_token(&folder, "china", "old");
    assert_eq!(folder.read_current_name().unwrap(), "china");
    assert_eq!(text(&folder, OLD), china);
}

#[test]
fn logout_ends_legacy_login() {
    let (_home, folder) = folder(&[(OLD, r#"{"accesstoken":"old"}"#)]);
    let global = folder.select_profile(None).unwrap();
    assert_token(&folder, "global", "old");
    let done = folder.remove_login(&global).unwrap();
    assert!(done.was_logged_in && done.has_legacy_login);
    assert_eq!(stored_token(&folder, "global"), None);
    assert!(!folder.remove_login(&global).unwrap().was_logged_in);
    // Without a login in the old file, no warning is needed.
    fs::write(folder.path().join(OLD), "{}").unwrap();
    assert!(!folder.remove_login(&global).unwrap().has_legacy_login);
}

#[test]
fn legacy_tokens_of_other_cloud_are_ignored() {
    let elsewhere = r#"{"host":"https://mine.example/v1/","accesstoken":"old"}"#;
    let (_home, folder) = folder(&[(OLD, elsewhere)]);
    assert_eq!(stored_token(&folder, "global"), None);
    folder.switch_profile("china").unwrap();
    assert_eq!(stored_token(&folder, "global"), None);
}

#[test]
fn renewed_legacy_login_moves_to_profile() {
    let (_home, folder) = folder(&[(OLD, r#"{"accesstoken":"old"}"#)]);
    let global = folder.select_profile(None).unwrap();
    let store = folder.token_store(&global);
    let renewed = Tokens::access_only(Secret::new("new".to_owned()));
    store.save(&renewed).unwrap();
    assert_token(&folder, "global", "new");
    assert!(text(&folder, OLD).contains("old"));
}

#[test]
fn renewal_does_not_undo_logout_or_new_login() {
    let (_home, folder) = folder(&[("profiles/global_config.json", LOGIN)]);
    let global = folder.select_profile(None).unwrap();
    let store = folder.token_store(&global);
    // {"custom:user_id":"other"}
    let other = Tokens {
        id: Some(Secret::new(
            "x.eyJjdXN0b206dXNlcl9pZCI6Im90aGVyIn0.x".to_owned(),
        )),
        ..tokens_named("other")
    };
    folder.save_login(&global, &other).unwrap();
    store.save(&tokens_named("renewed")).unwrap();
    assert_token(&folder, "global", "other-access");
    folder.remove_login(&global).unwrap();
    store.save(&tokens_named("renewed")).unwrap();
    assert_eq!(stored_token(&folder, "global"), None);
}

#[test]
fn files_at_legacy_paths_are_read_and_replaced() {
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
    let lab = folder.select_profile(None).unwrap();
    assert_eq!(lab.name.as_str(), "lab");
    assert_token(&folder, "lab", "a");
    // profiles.json exists, at its old path.
    assert_eq!(stored_token(&folder, "global"), None);
    assert!(
        !folder.path().join("profiles").exists(),
        "reading moved something"
    );

    folder.save_login(&lab, &tokens_named("new")).unwrap();
    // esp-rainmaker-cli would move the old file over the new one.
    assert!(!folder.path().join("lab_config.json").exists());
    assert_token(&folder, "lab", "new-access");
    assert!(folder.path().join("profiles.json").exists());

    // At the old path, these names are files of other programs.
    for name in ["rainmaker", "rainmaker_admin"] {
        let profile = add_profile(&folder, name, "https://b.example");
        assert_eq!(stored_token(&folder, name), None);
        folder.remove_login(&profile).unwrap();
    }
    assert_eq!(text(&folder, "rainmaker_admin_config.json"), LOGIN);
    assert!(!folder.path().join("profiles.json").exists());
}

#[cfg(unix)]
#[test]
fn symbolic_link_is_preserved() {
    let (_home, folder) = folder(&[("elsewhere/login.json", LOGIN), ("profiles/x", "")]);
    let link = folder.path().join("profiles/global_config.json");
    std::os::unix::fs::symlink(folder.path().join("elsewhere/login.json"), &link).unwrap();
    let global = folder.select_profile(None).unwrap();
    folder.save_login(&global, &tokens_named("new")).unwrap();
    assert!(link.is_symlink());
    assert!(text(&folder, "elsewhere/login.json").contains("new-access"));
}

/// Each reader gets one of the two logins, complete.
#[test]
fn reader_never_sees_partial_file() {
    let (_home, folder) = folder(&[]);
    let global = folder.select_profile(None).unwrap();
    folder.save_login(&global, &tokens_named("one")).unwrap();
    std::thread::scope(|scope| {
        for name in ["one", "two"] {
            let (folder, global) = (&folder, &global);
            let tokens = tokens_named(name);
            scope.spawn(move || {
                for _ in 0..50 {
                    folder.save_login(global, &tokens).unwrap();
                }
            });
        }
        for _ in 0..200 {
            let tokens = folder.read_tokens(&global).unwrap().unwrap();
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
