//! The user's browser.

use std::io;
use std::process::Stdio;
use std::thread;

use super::variables::list_own_variables;

/// Opens a page in the user's browser. It runs on by itself, and gets none of espctl's variables: they
/// can hold secrets.
pub(crate) fn open_page(url: &str) -> io::Result<()> {
    let mut outcome = Err(io::Error::from(io::ErrorKind::NotFound));
    for mut launcher in open::commands(url) {
        for name in list_own_variables() {
            launcher.env_remove(name);
        }
        launcher
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // Ctrl-C in this terminal must not end the browser.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut launcher, 0);
        match launcher.spawn() {
            Ok(mut child) => {
                thread::spawn(move || child.wait());
                return Ok(());
            }
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}
