//! Account files in a separate folder for each test: profiles that the shipped binary added, and
//! logins at emulated clouds.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::cloud::Cloud;
use super::device::{Device, fresh_path};
use super::espctl::{Output, Run, command, espctl, watch};

/// A folder of account files.
pub(crate) struct Account {
    folder: PathBuf,
}

impl Account {
    /// Without any account: the folder does not exist.
    pub(crate) fn empty() -> Self {
        Self {
            folder: fresh_path("rainmaker"),
        }
    }

    /// With the current profile `lab` for this cloud, where the cloud's user is logged in.
    pub(crate) fn logged_in(cloud: &Cloud) -> Self {
        Self::logged_in_through(cloud.url(), cloud)
    }

    /// With a login at this cloud through another URL.
    pub(crate) fn logged_in_through(url: &str, cloud: &Cloud) -> Self {
        let account = Self::empty();
        account.log_in("lab", url, cloud);
        account.run(&["profile", "switch", "lab"]).output().exits(0);
        account
    }

    /// Adds a profile for a cloud and logs in as the cloud's user.
    pub(crate) fn log_in(&self, profile: &str, url: &str, cloud: &Cloud) {
        self.add(profile, url);
        let user = ["login", "--profile", profile, "--user-name", cloud.user()];
        let run = self.run(&user).env("ESPCTL_PASSWORD", cloud.password());
        run.output().exits(0);
    }

    /// Adds a profile.
    pub(crate) fn add(&self, profile: &str, url: &str) {
        let added = self.run(&["profile", "add", profile, "--base-url", url]);
        added.output().exits(0);
    }

    /// A run of the binary with these account files.
    pub(crate) fn run<T: AsRef<str>>(&self, line: &[T]) -> Run {
        espctl(line.iter().map(AsRef::as_ref)).env("RM_USER_CONFIG_DIR", self.folder())
    }

    /// The command of such a run.
    pub(crate) fn command<T: AsRef<str>>(&self, line: &[T]) -> Command {
        let mut command = command(line.iter().map(AsRef::as_ref));
        command.env("RM_USER_CONFIG_DIR", &self.folder);
        command
    }

    /// A run of `provision` with the device's PoP and JSON output, unless `arguments` set them.
    pub(crate) fn provision(&self, device: &Device, arguments: &[&str]) -> Run {
        self.run(&provisioning(device, arguments))
    }

    /// Runs `provision` to its end; `act` receives each line of output as soon as it arrives.
    pub(crate) fn watch(
        &self,
        device: &Device,
        arguments: &[&str],
        act: impl FnMut(&str, u32),
    ) -> Output {
        watch(self.command(&provisioning(device, arguments)), act)
    }

    /// The nodes of the account, as `node list` shows them.
    pub(crate) fn nodes(&self, arguments: &[&str]) -> Vec<Value> {
        let line = [&["node", "list", "--format", "json"][..], arguments].concat();
        let listed = self.run(&line).output().exits(0).result();
        listed["nodes"].as_array().expect("a list").clone()
    }

    /// The file with the login of a profile.
    pub(crate) fn login_file(&self, profile: &str) -> PathBuf {
        let name = format!("{profile}_config.json");
        self.folder.join("profiles").join(name)
    }

    /// A token of the login: `accesstoken`, `idtoken` or `refreshtoken`.
    pub(crate) fn token(&self, profile: &str, key: &str) -> String {
        let text = fs::read_to_string(self.login_file(profile)).expect("a login");
        let login: Value = serde_json::from_str(&text).expect("a file of JSON");
        login[key].as_str().expect(key).to_owned()
    }

    /// The path of the folder.
    pub(crate) fn folder(&self) -> &str {
        self.folder.to_str().expect("a path of ASCII")
    }
}

fn provisioning(device: &Device, arguments: &[&str]) -> Vec<String> {
    let mut line = vec!["provision".to_owned()];
    line.extend(device.address());
    if !arguments.contains(&"--format") {
        line.extend(["--format", "json"].map(str::to_owned));
    }
    if !arguments.contains(&"--pop") {
        line.extend(["--pop".to_owned(), device.pop().to_owned()]);
    }
    line.extend(arguments.iter().map(ToString::to_string));
    line
}
