//! A test that runs itself again in namespaces of its own, where it owns addresses, routes and
//! files that no test may touch elsewhere. What is in there is for each test to set up and to say.

use std::process::Command;

/// A test with namespaces of its own.
pub(crate) struct Namespace {
    /// The test, by the name that it has for itself.
    pub(crate) test: &'static str,
    /// What is its own, as `unshare` calls it, beside the user: `--net`, `--mount`.
    pub(crate) own: &'static [&'static str],
    /// The shell's commands that prepare it.
    pub(crate) set_up: &'static str,
}

impl Namespace {
    /// Whether this is the run inside. Otherwise it has been made, and went well; where there are no
    /// namespaces that is said, and in CI it is a failure.
    pub(crate) fn is_entered(&self) -> bool {
        if std::env::var_os(INSIDE).is_some() {
            return true;
        }
        let me = std::env::current_exe().expect("this test");
        let set_up = format!("{}\necho {READY}\nexec \"$@\"", self.set_up);
        let output = Command::new("unshare")
            .args(["--user", "--map-root-user"])
            .args(self.own)
            .args(["sh", "-ec", &set_up, "sh"])
            .arg(me)
            .args(["--exact", self.test, "--nocapture"])
            .env(INSIDE, "1")
            .output();
        let told = match &output {
            Ok(output) => format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ),
            Err(error) => error.to_string(),
        };
        if told.contains(READY) {
            assert!(output.is_ok_and(|output| output.status.success()), "{told}");
            assert!(told.contains("1 passed"), "it did not run itself: {told}");
            return false;
        }
        assert!(
            std::env::var_os("CI").is_none_or(|value| value.is_empty()),
            "no namespaces here, and in CI there must be: {told}"
        );
        skipped(&told);
        false
    }
}

#[expect(clippy::print_stdout, reason = "what was not tested is said")]
fn skipped(why: &str) {
    println!("skipped, because there are no namespaces here: {why}");
}

const INSIDE: &str = "ESPCTL_TEST_INSIDE_A_NAMESPACE";
const READY: &str = "the namespace is ready";
