//! Checks of the account: its login, the permissions of its files, the cloud, and the clock by which
//! tokens and challenges expire.

use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use super::checks::{ACCOUNT_FILES, CLOCK, CLOUD, LOGIN};
use super::finding::{CheckState, Finding};
use super::scope::{CHECK_TIMEOUT, Scope};
use crate::account::{CurrentLogin, ExposedPath, Folder, Permissions, Profile, TokenSource};
use crate::cli::args::account::AccountArgs;
use crate::cli::args::environment::{ACCESS_TOKEN, account_folder, cloud_failure};
use crate::cli::terminal::format_duration;
use crate::cloud::{CloudStatus, Skew, Tokens};
use crate::ident::printable;
use crate::report::{ErrorId, Failure, quote_word};

pub(super) async fn examine_account(scope: &Scope, args: &AccountArgs) -> Vec<Finding> {
    let profile = match args.select().await {
        Ok((_, profile)) => profile,
        Err(failure) => {
            let skipped = |check| Finding::skipped(check, "the profile is not known");
            let login = Finding::from_failure(LOGIN, &failure);
            return vec![login, examine_files().await, skipped(CLOUD), skipped(CLOCK)];
        }
    };
    let login = match args.read_login().await {
        Ok(login) => judge_login(&login),
        Err(failure) => Finding::from_failure(LOGIN, &failure),
    };
    let mut findings = vec![login, examine_files().await];
    if scope.should_call_cloud {
        findings.extend(examine_cloud(scope, args, &profile).await);
    }
    findings
}

fn judge_login(login: &CurrentLogin) -> Finding {
    let CurrentLogin {
        profile,
        tokens,
        source,
        ..
    } = login;
    let user = tokens.user_name();
    let user = user.map_or_else(
        || "unknown user".to_owned(),
        |name| printable(name.as_bytes()),
    );
    let origin = match source {
        TokenSource::Caller => format!(" by {ACCESS_TOKEN}"),
        TokenSource::Stored => String::new(),
    };
    let age = tokens.age().map_or_else(String::new, |age| {
        format!(", logged in {} ago", format_duration(age))
    });
    let region = profile.region();
    let region = if region == profile.name.as_str() {
        String::new()
    } else {
        format!(", region {}", printable(region.as_bytes()))
    };
    let lifetime = describe_lifetime(tokens);
    let seen = format!(
        "{user}{origin}{age}, profile {}{region}; {lifetime}",
        profile.name
    );
    let login_command = format!("espctl login --profile {}", profile.name);
    if tokens.refresh.is_none() && tokens.time_left() == Some(Duration::ZERO) {
        let fix = match source {
            TokenSource::Caller => format!("set {ACCESS_TOKEN} to a new token, or unset it"),
            TokenSource::Stored => login_command,
        };
        let finding = Finding::problem(LOGIN, seen).with_fix(fix);
        finding.with_error(ErrorId::LoginExpired)
    } else if profile.describe_foreign_issuer(tokens).is_some() {
        let seen = format!("{seen}; the tokens are from another cloud");
        Finding::warning(LOGIN, seen).with_fix(login_command)
    } else {
        Finding::ok(LOGIN, seen)
    }
}

fn describe_lifetime(tokens: &Tokens) -> String {
    match (tokens.time_left(), tokens.refresh.is_some()) {
        (None, _) => "its expiry is not known".to_owned(),
        (Some(Duration::ZERO), true) => {
            "its token has expired, and the next call renews it".to_owned()
        }
        (Some(Duration::ZERO), false) => "it has expired".to_owned(),
        (Some(left), true) => format!(
            "its token expires in {} and is renewed automatically",
            format_duration(left)
        ),
        (Some(left), false) => format!("it expires in {}", format_duration(left)),
    }
}

async fn examine_files() -> Finding {
    let folder = match account_folder() {
        Ok(folder) => folder,
        Err(failure) => return Finding::from_failure(ACCOUNT_FILES, &failure),
    };
    match folder.run(Folder::check_permissions).await {
        None => Finding::skipped(
            ACCOUNT_FILES,
            "this system does not show who may read the account's files",
        ),
        Some(permissions) => judge_permissions(&permissions, folder.path()),
    }
}

fn judge_permissions(permissions: &Permissions, folder: &Path) -> Finding {
    let describe_first = |exposed: &[ExposedPath]| {
        let ExposedPath { path, mode } = exposed.first()?;
        let more = count_more(exposed.len());
        Some(format!("{} ({mode:03o}){more}", show_path(path)))
    };
    let files = describe_first(&permissions.exposed);
    let folders = describe_first(&permissions.folders);
    let foreign = permissions.foreign.first().map(|path| {
        let more = count_more(permissions.foreign.len());
        format!("{} belongs to another user{more}", show_path(path))
    });
    let unseen = permissions.unchecked.first().map(|(path, error)| {
        let more = count_more(permissions.unchecked.len());
        format!("{} cannot be checked: {error}{more}", show_path(path))
    });
    let seen = [
        files.map(|files| format!("other users may read or write {files}")),
        folders.map(|folders| format!("other users may put files into {folders}")),
        foreign,
        unseen,
    ];
    let seen: Vec<String> = seen.into_iter().flatten().collect();
    if seen.is_empty() {
        let folder = show_path(folder);
        let seen = match permissions.files {
            0 => format!("there are none in {folder}"),
            1 => format!("only its owner may use the file in {folder}"),
            files => format!("only their owner may use the {files} files in {folder}"),
        };
        return Finding::ok(ACCOUNT_FILES, seen);
    }
    let paths_of = |exposed: &[ExposedPath]| quote_paths(exposed.iter().map(|file| &*file.path));
    let commands = [
        // First, because only the owner can change the permissions.
        (
            r#"sudo chown "$(id -u)""#,
            quote_paths(permissions.foreign.iter().map(|path| &**path)),
        ),
        ("chmod 600", paths_of(&permissions.exposed)),
        ("chmod go-w", paths_of(&permissions.folders)),
    ];
    let commands: Vec<String> = commands
        .into_iter()
        .filter(|(_, paths)| !paths.is_empty())
        .map(|(command, paths)| format!("{command} {paths}"))
        .collect();
    let fix = if commands.is_empty() {
        format!("look at it: ls -la {}", quote_paths([folder]))
    } else {
        commands.join(" && ")
    };
    Finding::warning(ACCOUNT_FILES, seen.join("; ")).with_fix(fix)
}

fn show_path(path: &Path) -> String {
    printable(path.as_os_str().as_encoded_bytes())
}

fn quote_paths<'p>(paths: impl IntoIterator<Item = &'p Path>) -> String {
    let paths = paths.into_iter().map(|path| quote_word(&show_path(path)));
    paths.collect::<Vec<String>>().join(" ")
}

fn count_more(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        count => format!(", and {} more", count - 1),
    }
}

/// The cloud, and the clock compared with the cloud's.
async fn examine_cloud(scope: &Scope, args: &AccountArgs, profile: &Profile) -> [Finding; 2] {
    let client = match args.client(profile).await {
        Ok(client) => client,
        Err(failure) => {
            let cloud = Finding::from_failure(CLOUD, &failure);
            return [cloud, Finding::skipped(CLOCK, "the cloud was not called")];
        }
    };
    let host = printable(client.host().as_bytes());
    let mut cloud = match timeout(CHECK_TIMEOUT, client.probe()).await {
        Ok(Ok(status)) => return [judge_answer(&host, status), judge_clock(status.skew)],
        Ok(Err(error)) => {
            let finding = Finding::from_failure(CLOUD, &cloud_failure(&error, ""));
            // The clock decides whether a certificate is valid.
            if finding.seen.contains("certificate") {
                finding.with_fix(format!(
                    "check this computer's clock ({SET_CLOCK}), and --ca-cert"
                ))
            } else {
                finding
            }
        }
        Err(_) => {
            let seen = format!("{host} did not answer within {} s", CHECK_TIMEOUT.as_secs());
            Finding::problem(CLOUD, seen)
                .with_fix(
                    "check the internet connection; a computer on a device's hotspot has none",
                )
                .with_error(ErrorId::CloudTimedOut)
        }
    };
    // A device's hotspot has no internet, and a run over it calls the cloud after leaving it.
    let mut media = scope.media.iter();
    if !scope.media.is_empty() && media.all(|medium| medium.joins_device_network) {
        cloud.state = CheckState::Warning;
    }
    let why = "the cloud does not answer, so there is no time to compare with";
    [cloud, Finding::skipped(CLOCK, why)]
}

fn judge_answer(host: &str, status: CloudStatus) -> Finding {
    if status.is_cloud {
        return Finding::ok(CLOUD, format!("{host} answers"));
    }
    let seen = format!("{host} answers, but not as a RainMaker cloud: it may be a login page");
    let failure = Failure::new(ErrorId::CloudAnswer, seen);
    Finding {
        state: CheckState::Warning,
        ..Finding::from_failure(CLOUD, &failure)
    }
}

fn judge_clock(skew: Option<Skew>) -> Finding {
    let Some(skew) = skew else {
        return Finding::skipped(CLOCK, "the cloud does not send its time");
    };
    let size = skew.size();
    let direction = match skew {
        _ if size < MIN_NOTICEABLE_SKEW => {
            return Finding::ok(CLOCK, "this computer's clock agrees with the cloud's");
        }
        Skew::Ahead(_) => "ahead of",
        Skew::Behind(_) => "behind",
    };
    let state = if size < MIN_HARMFUL_SKEW {
        CheckState::Warning
    } else {
        CheckState::Problem
    };
    let size = format_duration(size);
    let seen = format!("this computer's clock is {size} {direction} the cloud's");
    Finding::new(CLOCK, state, seen).with_fix(SET_CLOCK)
}

const SET_CLOCK: &str = if cfg!(target_os = "macos") {
    "sudo sntp -sS time.apple.com"
} else if cfg!(windows) {
    "w32tm /resync"
} else {
    "sudo timedatectl set-ntp true"
};
/// Tokens are renewed when less than a minute is left.
const MIN_NOTICEABLE_SKEW: Duration = Duration::from_mins(1);
/// A signed challenge is valid for this long.
const MIN_HARMFUL_SKEW: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_state_depends_on_skew() {
        let state = |seconds| judge_clock(Some(Skew::Behind(Duration::from_secs(seconds)))).state;
        assert_eq!(state(59), CheckState::Ok);
        assert_eq!(state(61), CheckState::Warning);
        assert_eq!(state(301), CheckState::Problem);
        assert_eq!(judge_clock(None).state, CheckState::Skipped);
        let ahead = judge_clock(Some(Skew::Ahead(Duration::from_hours(3)))).seen;
        assert_eq!(ahead, "this computer's clock is 3 h ahead of the cloud's");
    }

    #[test]
    fn one_command_closes_exposed_files() {
        let exposed = |path: &str| ExposedPath {
            path: path.into(),
            mode: 0o644,
        };
        let permissions = Permissions {
            files: 3,
            exposed: vec![exposed("/home/a/x_config.json"), exposed("/home/a b/it's")],
            ..Permissions::default()
        };
        let finding = judge_permissions(&permissions, Path::new("/home/a"));
        assert_eq!(finding.state, CheckState::Warning);
        assert!(finding.seen.ends_with("(644), and 1 more"), "{finding:?}");
        let fix = r#"chmod 600 /home/a/x_config.json "/home/a b/it's""#;
        assert_eq!(finding.fix.as_deref(), Some(fix));

        let permissions = Permissions {
            folders: vec![exposed("/home/a")],
            foreign: vec!["/home/a/profiles".into()],
            unchecked: vec![("/home/a/b".into(), "no".to_owned())],
            ..permissions
        };
        let finding = judge_permissions(&permissions, Path::new("/home/a"));
        for part in [
            "put files into /home/a (644)",
            "; /home/a/profiles belongs to another user; /home/a/b cannot be checked: no",
        ] {
            assert!(finding.seen.contains(part), "{finding:?}");
        }
        let fix = finding.fix.unwrap_or_default();
        assert!(fix.starts_with("sudo chown \"$(id -u)\" /home/a/profiles && chmod 600 "));
        assert!(fix.ends_with(" && chmod go-w /home/a"));
    }
}
