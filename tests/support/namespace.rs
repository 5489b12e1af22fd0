//! Reruns a test in its own namespaces, where it may change addresses, routes and files. Each test
//! defines its setup and its checks.

use std::process::Command;

/// A test with its own namespaces.
pub(crate) struct Namespace {
    /// The name of the test.
    pub(crate) test: &'static str,
    /// The namespaces besides the user's, as flags of `unshare`: `--net`, `--mount`.
    pub(crate) namespaces: &'static [&'static str],
    /// The shell commands that prepare the namespaces.
    pub(crate) set_up: &'static str,
}

impl Namespace {
    /// Whether this process is inside the namespaces. Otherwise the test was rerun there and
    /// passed. Without support for namespaces the test is skipped with a message, and fails in CI.
    pub(crate) fn is_entered(&self) -> bool {
        if std::env::var_os(INSIDE).is_some() {
            return true;
        }
        let me = std::env::current_exe().expect("this test");
        let set_up = format!("{}\necho {READY}\nexec \"$@\"", self.set_up);
        let output = Command::new("unshare")
            .args(["--user", "--map-root-user"])
            .args(self.namespaces)
            .args(["sh", "-ec", &set_up, "sh"])
            .arg(me)
            .args(["--exact", self.test, "--nocapture"])
            .env(INSIDE, "1")
            .output();
        let shown = match &output {
            Ok(output) => format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ),
            Err(error) => error.to_string(),
        };
        if shown.contains(READY) {
            assert!(
                output.is_ok_and(|output| output.status.success()),
                "{shown}"
            );
            assert!(shown.contains("1 passed"), "it did not run itself: {shown}");
            return false;
        }
        assert!(
            std::env::var_os("CI").is_none_or(|value| value.is_empty()),
            "no namespaces here, and in CI there must be: {shown}"
        );
        print_skipped(&shown);
        false
    }
}

#[expect(clippy::print_stdout, reason = "a skipped test must be visible")]
fn print_skipped(why: &str) {
    println!("skipped, because there are no namespaces here: {why}");
}

const INSIDE: &str = "ESPCTL_TEST_INSIDE_A_NAMESPACE";
const READY: &str = "the namespace is ready";
