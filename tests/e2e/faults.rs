//! The fault matrix: every step of a provisioning run × every way in which its exchange can go
//! wrong × every scheme, by the shipped binary against a device with that one fault. What each
//! case must show is in [`run`]; which exit codes fit is in [`Case::allowed`]. The account's
//! exchanges are `cloud_faults`'s.
//!
//! A medium joins by a line in [`MEDIA`].

mod media;

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use self::media::{Harm, MEDIA, Medium, Step};
use crate::support::device::{Device, fresh_path};
use crate::support::espctl::Output;
use crate::support::matrix::{agreed_exit, run_all, sample};
use crate::support::owner::{Owner, ReportedMapping};

#[derive(Clone, Copy)]
struct Case {
    medium: &'static Medium,
    scheme: u8,
    step: Step,
    fault: &'static str,
    harm: Harm,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (medium, step) = (self.medium.name, self.step);
        let (scheme, fault) = (self.scheme, self.fault);
        write!(f, "{medium}, Security {scheme}, {fault} at {step:?}")
    }
}

impl Case {
    /// Whether the device is on its network already.
    fn is_on_network(&self) -> bool {
        self.step == Step::Disable || !self.medium.steps.contains(&Step::Apply)
    }

    /// What its node announces; `None` for a device without an owner.
    fn capability(&self) -> Option<&'static str> {
        if self.is_on_network() {
            Some("ch_resp")
        } else {
            self.step.capability()
        }
    }

    /// What `provision` may end with. 5, "this secret is wrong", is for a refused proof alone:
    /// there, a device rejects it by closing the connection. After Apply was sent, only the device can
    /// report that it did not accept it.
    fn allowed(&self) -> &'static [i32] {
        let may_be_applied = self.step >= Step::Apply;
        match (self.harm, self.step) {
            // After the last, the node is in the account, and a failure is only a warning.
            (Harm::Late, _) | (_, Step::Disable) => &[0],
            // There, the scheme is tried out, and it is known what to ask for.
            (Harm::Absent, Step::Version) if self.is_on_network() => &[0],
            // An answer more can be taken for the next request's, which may be Apply's; a request
            // more moves the device's keys on, so that the next one, likewise, is refused.
            // The device has drawn another key since the answer that the client got, and refuses
            // its proof.
            (Harm::Twice, Step::FirstHandshake) => &[0, 5, 6],
            (Harm::Twice, _) if may_be_applied => &[0, 10],
            (Harm::Twice, _) => &[0, 6, 10],
            // Such a device announces no scan, so espctl cannot know that the network is open: 2.
            (Harm::Absent, Step::Version) => &[2],
            (Harm::Absent, Step::Apply) => &[6],
            (_, Step::Apply | Step::Status) => &[0, 10],
            (Harm::HungUp, Step::Proof) => &[5, 6],
            (Harm::Lost | Harm::HungUp, Step::Version) => &[4, 6],
            _ => &[6],
        }
    }

    /// Silence takes as long as the client's patience for this step.
    fn is_slow(&self) -> bool {
        matches!(self.harm, Harm::Lost | Harm::AnswerLost)
    }
}

fn matrix() -> Vec<Case> {
    let mut cases = Vec::new();
    for medium in &MEDIA {
        // Elsewhere an adapter cannot be emulated.
        if medium.name.starts_with("Bluetooth") && !cfg!(target_os = "linux") {
            continue;
        }
        // There are no ptys there.
        if medium.name == "console" && !cfg!(unix) {
            continue;
        }
        for &scheme in medium.schemes {
            for &step in medium.steps {
                // Security 0 has one message, and no proof.
                if scheme == 0 && step == Step::Proof {
                    continue;
                }
                for &(fault, harm) in medium.faults {
                    // To Bluedroid, an endpoint that is not there is a refusal like any other.
                    let is_refusal = fault == "not-found" && medium.name.ends_with("Bluedroid");
                    let harm = if is_refusal { Harm::HungUp } else { harm };
                    // A console rejects a request in the same way as an unknown endpoint, and
                    // before the first answer there is no other that could be sent instead.
                    let is_absence = medium.name == "console"
                        && (harm == Harm::HungUp || fault == "wrong-order");
                    let harm = if is_absence && step == Step::Version {
                        Harm::Absent
                    } else {
                        harm
                    };
                    // To the client the same as a lost request, and each costs its patience:
                    // only if it matters what the device has received.
                    if harm == Harm::AnswerLost && step < Step::Sign {
                        continue;
                    }
                    cases.push(Case {
                        medium,
                        scheme,
                        step,
                        fault,
                        harm,
                    });
                }
            }
        }
    }
    cases
}

#[test]
fn sampled_faults_are_reported_and_recoverable() {
    let cases = sample(matrix(), |case| {
        let (medium, scheme) = (case.medium.name, case.scheme);
        vec![
            format!("{medium}, Security {scheme}"),
            format!("{:?}", case.step),
            case.fault.to_owned(),
        ]
    });
    run_cases("a sample of the fault matrix", cases);
}

#[test]
#[ignore = "the whole fault matrix takes minutes; .ci/run runs it"]
fn all_faults_are_reported_and_recoverable() {
    let cases = matrix();
    assert!(cases.len() >= 640, "{} cases", cases.len());
    run_cases("the fault matrix", cases);
}

fn run_cases(name: &str, mut cases: Vec<Case>) {
    // The slow cases first: they wait while the others compute.
    cases.sort_by_key(|case| !case.is_slow());
    run_all(name, cases, run);
}

/// One case, and the run after it. The first run's exit code.
fn run(case: &Case) -> Result<i32, String> {
    let (endpoint, number) = case.step.request(case.is_on_network());
    let fault = format!("{endpoint}:{number}:{}", case.fault);
    let capability = case.capability();
    let owner = capability.map(|_| Owner::start(&[]));
    let owner = owner.as_ref();

    // On a busy computer the scan can be over before the client asks for the first time. Then
    // its results are asked for earlier, and the fault has no effect.
    for _ in 0..TRIES {
        let state = fresh_path("state.json");
        let state = state.to_str().ok_or("a path of ASCII")?;
        let scheme = case.scheme.to_string();
        let mut own = vec!["--sec-ver", &scheme];
        own.extend(case.medium.own);
        if !case.is_on_network() {
            own.extend(["--state", state]);
        }
        if case.scheme > 0 {
            own.extend(["--pop", POP]);
        }
        if let (Some(capability), Some(owner)) = (capability, owner) {
            own.extend(["--cap", capability, "--node-id", "N"]);
            own.extend(["--cloud", owner.cloud.url()]);
        }
        let mut device = (case.medium.start)(&[&own[..], &["--fault", &fault]].concat());
        let output = provision(case, owner, &device);
        if device.log_entries("fault").is_empty() {
            continue;
        }
        let exit =
            check(case, owner, &device, &output).map_err(|why| format!("{why}\n{output}"))?;

        // A device that got Apply closes its hotspot when it has joined, or can only be reset from there.
        // As a person would, restart it: what it kept is still there, and it takes other
        // credentials. Any other device must go on as if nothing had been.
        // So is one whose challenge-response is disabled.
        if was_applied(&device, exit) || !device.log_entries("chal_resp_disabled").is_empty() {
            device.kill();
            let anew: &[&str] = if case.is_on_network() {
                &[]
            } else {
                &["--force-provisioning"]
            };
            let again = (case.medium.start)(&[&own[..], anew].concat());
            expect_done(case, owner, &again)?;
        } else {
            let before = device.log().len();
            expect_done(case, owner, &device).map_err(|why| {
                let log = &device.log()[before..];
                format!("the first run:\n{output}\n{why}\n{log:#?}")
            })?;
        }
        return Ok(exit);
    }
    Err(format!("the fault never met a request in {TRIES} runs"))
}

/// Whether the device is joining. A client that was misled may leave before the device has read
/// the Apply that it sent.
fn was_applied(device: &Device, exit: i32) -> bool {
    let patience = if exit == 10 { SETTLING } else { Duration::ZERO };
    let began = Instant::now();
    loop {
        if !device.log_entries("wifi_applied").is_empty() {
            return true;
        }
        if began.elapsed() >= patience {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The first run: it ended by itself, and its report is true.
fn check(
    case: &Case,
    owner: Option<&Owner>,
    device: &Device,
    output: &Output,
) -> Result<i32, String> {
    let exit = agreed_exit(output, case.allowed())?;
    if let Some(owner) = owner
        && owner.check_reported_mapping(device, output)? == ReportedMapping::Unknown
    {
        return Err("it could have known that the node is in the account".to_owned());
    }
    let applied = !device.log_entries("wifi_applied").is_empty();
    if case.is_on_network() {
        return check_disabled(device, output).map(|()| exit);
    }
    if exit == 0 && device.log_entries("wifi_joined").is_empty() {
        return Err("exit 0, and the device has not joined".to_owned());
    }
    if matches!(exit, 4..=6) && applied {
        return Err(format!("exit {exit}, and the device is joining"));
    }
    Ok(exit)
}

/// Challenge-response of a mapped device is disabled, or the run warns that it may not be.
fn check_disabled(device: &Device, output: &Output) -> Result<(), String> {
    let is_off = !device.log_entries("chal_resp_disabled").is_empty();
    let has_event = |event: &str, key: &str, value: &str| {
        let mut lines = output.json().into_iter();
        lines.any(|line| line["event"] == event && (key.is_empty() || line[key] == value))
    };
    let is_reported = has_event("challenge_response_disabled", "", "");
    let warns = has_event("warned", "id", "not-disabled");
    match (output.exit == Some(0), is_off, is_reported) {
        (_, false, true) => Err("it says that the device is switched off".to_owned()),
        (true, _, false) if !warns => Err("neither switched off nor a warning".to_owned()),
        (false, true, _) => Err("switched off by a run that failed".to_owned()),
        _ => Ok(()),
    }
}

/// The next run, which succeeds.
fn expect_done(case: &Case, owner: Option<&Owner>, device: &Device) -> Result<(), String> {
    let output = provision(case, owner, device);
    let mapped = owner.is_none_or(|owner| owner.has(device));
    let last = if case.is_on_network() {
        "chal_resp_disabled"
    } else {
        "wifi_joined"
    };
    if output.exit == Some(0) && mapped && !device.log_entries(last).is_empty() {
        return Ok(());
    }
    Err(format!("the run after it failed too\n{output}"))
}

fn provision(case: &Case, owner: Option<&Owner>, device: &Device) -> Output {
    let mut line: Vec<String> = ["provision", "--format", "json"]
        .map(str::to_owned)
        .to_vec();
    line.extend(device.address());
    if case.is_on_network() {
        line.extend(["--transport", "on-network"].map(str::to_owned));
    } else {
        // An open network without a word about its passphrase: the client has to look.
        line.extend(["--ssid", "Guest", "--join-timeout", "30"].map(str::to_owned));
    }
    if case.scheme > 0 {
        line.extend(["--pop", POP].map(str::to_owned));
    }
    if let Some(owner) = owner {
        return device.near(owner.account.run(&line)).output();
    }
    line.push("--no-cloud".to_owned());
    device.run(line).output()
}

/// Until a device has read what lies in its socket.
const SETTLING: Duration = Duration::from_secs(3);
const POP: &str = "abcd1234";
const TRIES: usize = 10;
