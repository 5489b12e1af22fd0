//! The words for the account: who is logged in where and for how long, who else may read its files,
//! whether the cloud answers, and what time it has.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::timeout;

use super::finding::{Finding, Part, State};
use super::{LIMIT, Scope};
use crate::account::{ExposedPath, Permissions, Profile};
use crate::cli::args::account::{AccountArgs, LoggedIn, Source, foreign_issuer};
use crate::cli::args::environment::{ACCESS_TOKEN, account_folder, cloud_failure};
use crate::cli::terminal::format_duration;
use crate::cloud::{CloudStatus, Skew, Tokens};
use crate::ident::printable;
use crate::report::{ErrorId, Failure, quote_word};

pub(super) async fn look(scope: &Scope, args: &AccountArgs) -> Vec<Finding> {
    let profile = match args.select() {
        Ok((_, profile)) => profile,
        Err(failure) => {
            let unknown = |id| new(id, State::Skipped, "the profile is not known".to_owned());
            let login = Finding::failed(Part::Account, LOGIN, &failure);
            return vec![login, files(), unknown(CLOUD), unknown(CLOCK)];
        }
    };
    if !scope.asks_cloud {
        return vec![login(args), files()];
    }
    let [cloud, clock] = cloud(scope, args, &profile).await;
    vec![login(args), files(), cloud, clock]
}

fn new(id: &'static str, state: State, seen: String) -> Finding {
    Finding::new(Part::Account, id, state, seen)
}

fn login(args: &AccountArgs) -> Finding {
    match args.logged_in() {
        Ok(found) => logged_in(&found),
        Err(failure) => Finding::failed(Part::Account, LOGIN, &failure),
    }
}

fn logged_in(found: &LoggedIn) -> Finding {
    let LoggedIn {
        profile,
        tokens,
        source,
        ..
    } = found;
    let user = tokens.user_name();
    let user = user.map_or_else(|| "somebody".to_owned(), |name| printable(name.as_bytes()));
    let region = profile.region();
    let region = if region == profile.name.as_str() {
        String::new()
    } else {
        format!(", region {}", printable(region.as_bytes()))
    };
    let age = tokens.age().map_or_else(String::new, |age| {
        format!(", logged in {} ago", format_duration(age))
    });
    let by = match source {
        Source::Environment => format!(" by {ACCESS_TOKEN}"),
        Source::Stored => String::new(),
    };
    let who = format!("{user}{by}{age}, profile {}{region}", profile.name);
    let finding = new(LOGIN, State::Ok, format!("{who}; {}", life(tokens)));
    if has_ended(tokens) {
        return Finding {
            state: State::Problem,
            ..finding
        }
        .fix(match source {
            Source::Environment => format!("set {ACCESS_TOKEN} to a new token, or unset it"),
            Source::Stored => format!("espctl login --profile {}", profile.name),
        })
        .see(ErrorId::LoginExpired);
    }
    match foreign_issuer(profile, tokens) {
        None => finding,
        Some(_) => Finding {
            state: State::Warning,
            seen: format!("{}; the tokens are another cloud's", finding.seen),
            ..finding
        }
        .fix(format!("espctl login --profile {}", profile.name)),
    }
}

fn has_ended(tokens: &Tokens) -> bool {
    tokens.refresh.is_none() && tokens.time_left() == Some(Duration::ZERO)
}

/// How long the login counts yet.
fn life(tokens: &Tokens) -> String {
    match (tokens.time_left(), tokens.refresh.is_some()) {
        (None, _) => "its end is not known".to_owned(),
        (Some(Duration::ZERO), true) => {
            "its token has ended, and the next call renews it".to_owned()
        }
        (Some(Duration::ZERO), false) => "it has ended".to_owned(),
        (Some(left), true) => format!(
            "its token ends in {}, and is renewed by itself",
            format_duration(left)
        ),
        (Some(left), false) => format!("it ends in {}", format_duration(left)),
    }
}

fn files() -> Finding {
    let folder = match account_folder() {
        Ok(folder) => folder,
        Err(failure) => return Finding::failed(Part::Account, FILES, &failure),
    };
    match folder.check_permissions() {
        None => new(
            FILES,
            State::Skipped,
            "who may read the account's files cannot be asked here".to_owned(),
        ),
        Some(rights) => rights_of(&rights, folder.path()),
    }
}

fn rights_of(rights: &Permissions, path: &Path) -> Finding {
    let folder = shown(path);
    let mut seen = Vec::new();
    let mut commands = Vec::new();
    if let Some(worst) = rights.exposed.first() {
        seen.push(format!(
            "others than their owner may read or write {}{}",
            rights_at(worst),
            more(rights.exposed.len())
        ));
        commands.push(format!("chmod 600 {}", all(paths_of(&rights.exposed))));
    }
    if let Some(worst) = rights.folders.first() {
        seen.push(format!(
            "others than its owner may put files into {}{}",
            rights_at(worst),
            more(rights.folders.len())
        ));
        commands.push(format!("chmod go-w {}", all(paths_of(&rights.folders))));
    }
    if let Some(first) = rights.foreign.first() {
        let count = more(rights.foreign.len());
        seen.push(format!("{} is another user's{count}", shown(first)));
        let paths = rights.foreign.iter().map(PathBuf::as_path);
        // The owner alone can change the rights.
        commands.insert(0, format!("sudo chown \"$(id -u)\" {}", all(paths)));
    }
    if let Some((path, error)) = rights.unchecked.first() {
        let count = more(rights.unchecked.len());
        seen.push(format!(
            "{} cannot be looked at: {error}{count}",
            shown(path)
        ));
    }
    if seen.is_empty() {
        let seen = match rights.files {
            0 => format!("there are none in {folder}"),
            1 => format!("the one in {folder} is its owner's alone"),
            files => format!("the {files} in {folder} are their owner's alone"),
        };
        return new(FILES, State::Ok, seen);
    }
    let finding = new(FILES, State::Warning, seen.join("; "));
    if commands.is_empty() {
        finding.fix(format!("look at it: ls -la {}", all([path])))
    } else {
        finding.fix(commands.join(" && "))
    }
}

fn shown(path: &Path) -> String {
    printable(path.as_os_str().as_encoded_bytes())
}

fn rights_at(one: &ExposedPath) -> String {
    format!("{} ({:03o})", shown(&one.path), one.mode)
}

fn more(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        count => format!(", and {} more", count - 1),
    }
}

fn paths_of(exposed: &[ExposedPath]) -> impl Iterator<Item = &Path> {
    exposed.iter().map(|one| one.path.as_path())
}

fn quote_path(path: &Path) -> String {
    quote_word(&shown(path))
}

fn all<'p>(paths: impl IntoIterator<Item = &'p Path>) -> String {
    let paths: Vec<String> = paths.into_iter().map(quote_path).collect();
    paths.join(" ")
}

/// The cloud, and the clock by what it says.
async fn cloud(scope: &Scope, args: &AccountArgs, profile: &Profile) -> [Finding; 2] {
    let unknown = |why: &str| new(CLOCK, State::Skipped, why.to_owned());
    let client = match args.client(profile) {
        Ok(client) => client,
        Err(failure) => {
            let finding = Finding::failed(Part::Account, CLOUD, &failure);
            return [finding, unknown("the cloud was not asked")];
        }
    };
    let host = printable(client.host().as_bytes());
    let problem = match timeout(LIMIT, client.probe()).await {
        Ok(Ok(present)) => return [present_at(&host, present), clock(present.skew)],
        Ok(Err(error)) => {
            let failure = cloud_failure(&error, "");
            let finding = Finding::failed(Part::Account, CLOUD, &failure);
            // Certificates count by the clock, too.
            if finding.seen.contains("certificate") {
                let fix = format!(
                    "check this computer's clock ({}), and --ca-cert",
                    set_clock()
                );
                finding.fix(fix)
            } else {
                finding
            }
        }
        Err(_) => {
            let seen = format!("{host} did not answer within {} s", LIMIT.as_secs());
            new(CLOUD, State::Problem, seen)
                .fix("check the internet connection; a computer on a device's hotspot has none")
                .see(ErrorId::CloudTimedOut)
        }
    };
    // On a device's hotspot it is so by nature, and the run waits for the end of that.
    let mut media = scope.media.iter();
    let is_natural = !scope.media.is_empty() && media.all(|one| one.joins_device_network);
    let state = if is_natural {
        State::Warning
    } else {
        problem.state
    };
    [
        Finding { state, ..problem },
        unknown("the cloud does not answer, so that there is nothing to compare with"),
    ]
}

fn present_at(host: &str, present: CloudStatus) -> Finding {
    if present.is_cloud {
        return new(CLOUD, State::Ok, format!("{host} answers"));
    }
    let seen = format!("what answers at {host} is no RainMaker cloud, or a login page in between");
    let failure = Failure::new(ErrorId::CloudAnswer, seen);
    Finding {
        state: State::Warning,
        ..Finding::failed(Part::Account, CLOUD, &failure)
    }
}

fn clock(skew: Option<Skew>) -> Finding {
    let Some(skew) = skew else {
        return new(
            CLOCK,
            State::Skipped,
            "the cloud does not tell the time".to_owned(),
        );
    };
    let size = skew.size();
    if size < NOTICEABLE {
        return new(CLOCK, State::Ok, "it agrees with the cloud's".to_owned());
    }
    let direction = match skew {
        Skew::Ahead(_) => "ahead of",
        Skew::Behind(_) => "behind",
    };
    let seen = format!(
        "this computer's is {} {direction} the cloud's",
        format_duration(size)
    );
    let state = if size < HARMFUL {
        State::Warning
    } else {
        State::Problem
    };
    new(CLOCK, state, seen).fix(set_clock())
}

fn set_clock() -> &'static str {
    if cfg!(target_os = "macos") {
        "sudo sntp -sS time.apple.com"
    } else if cfg!(windows) {
        "w32tm /resync"
    } else {
        "sudo timedatectl set-ntp true"
    }
}

pub(super) const LOGIN: &str = "login";
pub(super) const FILES: &str = "account-files";
pub(super) const CLOUD: &str = "cloud";
const CLOCK: &str = "clock";
/// Tokens are renewed when less than a minute is left.
const NOTICEABLE: Duration = Duration::from_mins(1);
/// A signed challenge counts for as long.
const HARMFUL: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_judged_by_what_depends_on_it() {
        let state = |seconds| clock(Some(Skew::Behind(Duration::from_secs(seconds)))).state;
        assert_eq!(state(59), State::Ok);
        assert_eq!(state(61), State::Warning);
        assert_eq!(state(301), State::Problem);
        assert_eq!(clock(None).state, State::Skipped);
        let told = clock(Some(Skew::Ahead(Duration::from_hours(3)))).seen;
        assert_eq!(told, "this computer's is 3 h ahead of the cloud's");
    }

    #[test]
    fn files_that_others_may_read_are_closed_by_one_command() {
        let exposed = |path: &str| ExposedPath {
            path: path.into(),
            mode: 0o644,
        };
        let rights = Permissions {
            files: 3,
            exposed: vec![exposed("/home/a/x_config.json"), exposed("/home/a b/it's")],
            ..Permissions::default()
        };
        let finding = rights_of(&rights, Path::new("/home/a"));
        assert_eq!(finding.state, State::Warning);
        assert!(finding.seen.ends_with("(644), and 1 more"), "{finding:?}");
        let fix = r#"chmod 600 /home/a/x_config.json "/home/a b/it's""#;
        assert_eq!(finding.fix.as_deref(), Some(fix));

        let rights = Permissions {
            folders: vec![exposed("/home/a")],
            foreign: vec!["/home/a/profiles".into()],
            unchecked: vec![("/home/a/b".into(), "no".to_owned())],
            ..rights
        };
        let finding = rights_of(&rights, Path::new("/home/a"));
        for part in [
            "put files into /home/a (644)",
            "; /home/a/profiles is another user's; /home/a/b cannot be looked at: no",
        ] {
            assert!(finding.seen.contains(part), "{finding:?}");
        }
        let fix = finding.fix.unwrap_or_default();
        assert!(fix.starts_with("sudo chown \"$(id -u)\" /home/a/profiles && chmod 600 "));
        assert!(fix.ends_with(" && chmod go-w /home/a"));
    }
}
