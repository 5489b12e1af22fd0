//! The fault matrix of the account: every exchange of a run with the cloud × every way in which it
//! can go wrong, once or every time × every way of mapping. What each case must show is in
//! [`run`]; which exit codes fit is in [`Case::allowed`]. The device's exchanges are `faults`'s.

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::device::{Device, fresh_path};
use crate::support::espctl::Output;
use crate::support::matrix::{agreed_exit, run_all, sample};
use crate::support::owner::{Owner, ReportedMapping};

/// How the node gets into the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It signs a challenge, then it gets Wi-Fi.
    Challenge,
    /// It signs a challenge, and gets no Wi-Fi.
    ChallengeAlone,
    /// It gets a secret key, then Wi-Fi.
    SecretKey,
}

/// A request of a run to the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exchange {
    GroupLookup,
    Refresh,
    Initiate,
    Verify,
    /// Whether a signature counted whose answer was lost.
    NodeLookup,
    Add,
    Poll,
    /// Where the mapping does not see to it.
    JoinGroup,
}

const EXCHANGES: [(Exchange, &[Way]); 8] = [
    (Exchange::GroupLookup, &[Way::Challenge, Way::SecretKey]),
    (
        Exchange::Refresh,
        &[Way::Challenge, Way::ChallengeAlone, Way::SecretKey],
    ),
    (
        Exchange::Initiate,
        &[Way::Challenge, Way::ChallengeAlone, Way::SecretKey],
    ),
    (Exchange::Verify, &[Way::Challenge, Way::ChallengeAlone]),
    (Exchange::NodeLookup, &[Way::Challenge, Way::ChallengeAlone]),
    (Exchange::Add, &[Way::SecretKey]),
    (Exchange::Poll, &[Way::SecretKey]),
    (Exchange::JoinGroup, &[Way::Challenge, Way::SecretKey]),
];

impl Exchange {
    fn request(self) -> &'static str {
        match self {
            Self::GroupLookup => "GET user/node_group",
            Self::Refresh => "POST login2",
            Self::Initiate => "POST user/nodes/mapping/initiate",
            Self::Verify => "POST user/nodes/mapping/verify",
            Self::NodeLookup => "GET user/nodes",
            Self::Add => "PUT user/nodes/mapping",
            Self::Poll => "GET user/nodes/mapping",
            Self::JoinGroup => "PUT user/node_group",
        }
    }

    fn is_about_a_group(self) -> bool {
        matches!(self, Self::GroupLookup | Self::JoinGroup)
    }

    /// Only a run whose signature's answer was lost gets there.
    fn needs_a_lost_answer(self, way: Way) -> bool {
        match self {
            Self::NodeLookup => true,
            Self::JoinGroup => way == Way::Challenge,
            _ => false,
        }
    }
}

/// What a fault means for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harm {
    /// The request was handled, and silence follows.
    AnswerLost,
    /// Too many requests.
    Busy,
    /// The request was handled, and half of the answer arrives.
    Cut,
    /// The cloud has done with this mapping.
    Ended,
    /// Nothing but time, or nothing that concerns this answer.
    Harmless,
    /// The connection ends.
    HungUp,
    /// The answer lacks what was asked for.
    Lacking,
    /// No answer, and the cloud has not handled the request.
    Lost,
    /// The token is not taken.
    NoToken,
    /// A state that is not documented.
    OddState,
    /// Something else answers.
    Page,
    /// The cloud rejects the request.
    Refused,
    /// The gateway has trouble of its own.
    Trouble,
}

const FAULTS: [(&str, Harm); 12] = [
    ("close", Harm::HungUp),
    ("delay=150", Harm::Harmless),
    ("drop", Harm::Lost),
    ("mute", Harm::AnswerLost),
    ("malformed", Harm::Cut),
    ("html", Harm::Page),
    ("status=500", Harm::Trouble),
    ("status=429", Harm::Busy),
    ("unauthorized", Harm::NoToken),
    ("failure-200", Harm::Refused),
    ("not-found", Harm::Refused),
    ("error-code-string", Harm::Harmless),
];

/// These affect one answer only.
const OWN_FAULTS: [(Exchange, &str, Harm); 4] = [
    (Exchange::Initiate, "no-challenge", Harm::Lacking),
    (Exchange::Poll, "request-status=timedout", Harm::Ended),
    (Exchange::Poll, "request-status=discarded", Harm::Ended),
    (
        Exchange::Poll,
        "request-status=internal error",
        Harm::OddState,
    ),
];

#[derive(Clone, Copy)]
struct Case {
    exchange: Exchange,
    way: Way,
    fault: &'static str,
    harm: Harm,
    /// Every time, not only the first.
    always: bool,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let often = if self.always { "every" } else { "the first" };
        let (fault, exchange, way) = (self.fault, self.exchange, self.way);
        write!(f, "{fault} at {often} {exchange:?}, {way:?}")
    }
}

impl Case {
    /// What `provision` may end with: 8, "log in", is for a login that is not taken; 7 for a cloud
    /// that does not answer or rejects the request. No case involves the device or its network.
    #[expect(
        clippy::match_same_arms,
        reason = "the same exit code for another reason"
    )]
    fn allowed(&self) -> &'static [i32] {
        use Exchange::{Add, Initiate, JoinGroup, NodeLookup, Poll, Refresh, Verify};
        use Harm::{
            AnswerLost, Busy, Cut, Harmless, HungUp, Lost, NoToken, OddState, Page, Refused,
            Trouble,
        };
        match (self.harm, self.exchange) {
            // To be in no group is worth a warning, to a node that is in the account and joins.
            (Harmless, _) | (_, JoinGroup) => &[0],
            // The cloud does not take the refresh token: there is nothing left to ask with.
            (NoToken | Refused, Refresh) => &[8],
            // The challenge is used up, and may have counted: another one is signed, and in the end
            // the account confirms it. An answer that never can be read is no reason to wait.
            (AnswerLost, Verify) => &[0],
            (Cut | Page | Trouble, Verify) if !self.always => &[0],
            // Likewise. An answer that cannot be read ends the run at once, because the node may be
            // slower than the question: its hint is to list the nodes.
            (AnswerLost, Add) => &[0],
            // Asked once more when the signature is handed in again.
            (Cut | Page | Refused, NodeLookup) if !self.always && self.fault != "not-found" => &[0],
            // Never sent twice, unless the cloud cannot have handled it.
            (Trouble, Refresh) => &[7],
            // Asked again for as long as it can help.
            (Cut | Page, Poll) if !self.always => &[0],
            // A cloud of older make: asked once more when it is known that it must, or never.
            (Refused, Initiate) if self.fault == "not-found" && !self.always => &[0],
            (Refused, Initiate) if self.fault == "not-found" && self.way == Way::SecretKey => &[0],
            (HungUp | Lost | AnswerLost | Trouble | Busy | NoToken | OddState, _)
                if !self.always =>
            {
                &[0]
            }
            // This firmware needs no challenge.
            (HungUp | Lost | AnswerLost, Initiate) if self.way == Way::SecretKey => &[0],
            (NoToken, _) => &[8],
            _ => &[7],
        }
    }

    /// The run goes on for as long as the account may come back: minutes.
    fn is_endless(&self) -> bool {
        let silent = matches!(self.harm, Harm::HungUp | Harm::Lost | Harm::AnswerLost);
        let waits = match self.exchange {
            Exchange::Verify | Exchange::NodeLookup | Exchange::Add | Exchange::Poll => silent,
            Exchange::Refresh => silent && self.way == Way::SecretKey,
            Exchange::GroupLookup | Exchange::Initiate | Exchange::JoinGroup => false,
        };
        let unread = matches!(
            self.harm,
            Harm::Busy | Harm::Cut | Harm::OddState | Harm::Page | Harm::Trouble
        );
        self.always && (waits || self.exchange == Exchange::Poll && unread)
    }

    /// Silence takes as long as the client's patience.
    fn is_silent(&self) -> bool {
        matches!(self.harm, Harm::Lost | Harm::AnswerLost)
    }

    /// The fault, after what leads there.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.exchange.needs_a_lost_answer(self.way) {
            faults.push(format!("{}:1:mute", Exchange::Verify.request()));
            // As often as the client asks by itself, so that there is no other challenge.
            if self.way != Way::SecretKey {
                let initiate = Exchange::Initiate.request();
                faults.extend((2..=4).map(|number| format!("{initiate}:{number}:close")));
            }
        }
        let number = if self.always { "*" } else { "1" };
        faults.push(format!(
            "{}:{number}:{}",
            self.exchange.request(),
            self.fault
        ));
        faults
    }
}

fn matrix() -> Vec<Case> {
    let mut cases = Vec::new();
    for (exchange, ways) in EXCHANGES {
        let own = OWN_FAULTS.iter().filter(|(one, ..)| *one == exchange);
        let own = own.map(|&(_, fault, harm)| (fault, harm));
        for (fault, harm) in FAULTS.into_iter().chain(own) {
            for &way in ways {
                cases.extend([false, true].map(|always| Case {
                    exchange,
                    way,
                    fault,
                    harm,
                    always,
                }));
            }
        }
    }
    cases
}

#[test]
fn sampled_cloud_faults_are_reported_and_recoverable() {
    let cases = sample(matrix(), |case| {
        vec![
            format!("{:?}", case.exchange),
            format!("{:?}, {}", case.way, case.always),
            case.fault.to_owned(),
        ]
    });
    run_cases("a sample of the cloud's fault matrix", cases);
}

#[test]
#[ignore = "the cloud's whole fault matrix takes minutes; .ci/run runs it"]
fn all_cloud_faults_are_reported_and_recoverable() {
    let cases = matrix();
    assert!(cases.len() >= 350, "{} cases", cases.len());
    run_cases("the cloud's fault matrix", cases);
}

fn run_cases(name: &str, mut cases: Vec<Case>) {
    // The slow cases first: they wait while the others compute.
    cases.sort_by_key(|case| (!case.is_endless(), !case.is_silent()));
    run_all(name, cases, run);
}

/// One case, and the run after it. The first run's exit code.
fn run(case: &Case) -> Result<i32, String> {
    // Less than a minute is left of such a token: every call renews it.
    let owner = Owner::start(match case.exchange {
        Exchange::Refresh => &["--access-life", "30"],
        _ => &[],
    });
    if case.exchange.is_about_a_group() {
        let (token, body) = (owner.cloud.token(), json!({"group_name": GROUP}));
        let made = owner
            .cloud
            .call("POST", "/v1/user/node_group", &token, &body);
        assert!(made.status < 300, "{made:?}");
    }
    let state = fresh_path("state.json");
    let state = state.to_str().ok_or("a path of ASCII")?;
    let mut own = vec!["--sec-ver", "0", "--node-id", "N", "--state", state];
    own.extend(["--cloud", owner.cloud.url()]);
    own.extend(match case.way {
        Way::SecretKey => ["--cap", "user_assoc"],
        Way::Challenge | Way::ChallengeAlone => ["--cap", "ch_resp"],
    });
    let mut device = Device::start(&own);

    owner.set_faults(&case.faults());
    let began = Instant::now();
    let output = provision(case, &owner, &device, true);
    let took = began.elapsed();
    let exit = check(case, &owner, &device, &output)
        .map_err(|why| format!("{why}\n{output}\n{}", owner.cloud.log_text()))?;

    // The cloud is well again. A device that has joined goes away by itself, and is restarted.
    owner.set_faults(&[]);
    let gone = !device.log_entries("wifi_applied").is_empty();
    if gone {
        device.kill();
        device = Device::start(&[&own[..], &["--force-provisioning"]].concat());
    }
    let began = Instant::now();
    let again = provision(case, &owner, &device, false);
    // A loaded computer also needs longer for a run without a fault.
    let bound = BOUND + 10 * began.elapsed();
    if took > bound {
        return Err(format!("it took {took:?} of {bound:?}\n{output}"));
    }
    expect_done(case, &owner, &device, &again)
        .map_err(|why| format!("the first run:\n{output}\nthe run after it: {why}\n{again}"))?;
    Ok(exit)
}

/// The first run: it ended by itself, and its report is true.
fn check(case: &Case, owner: &Owner, device: &Device, output: &Output) -> Result<i32, String> {
    let met = owner.cloud.log_entries("fault");
    if met.iter().all(|entry| entry["kind"] != case.fault) {
        return Err("the fault met nobody".to_owned());
    }
    let exit = agreed_exit(output, case.allowed())?;
    if exit == 0 {
        expect_done(case, owner, device, output)?;
    }
    // espctl trusts a cloud that reports a mapped node as not mapped.
    let word = match case.harm {
        Harm::Ended => ReportedMapping::NotMapped,
        _ => owner.check_reported_mapping(device, output)?,
    };
    // The run could not know that the cloud accepted these.
    let unknowable = matches!(
        case.exchange,
        Exchange::NodeLookup | Exchange::Add | Exchange::Poll
    );
    let unread = case.exchange == Exchange::Verify && case.harm == Harm::Cut && case.always;
    if word == ReportedMapping::Unknown && !unknowable && !unread {
        return Err("it could have known that the node is in the account".to_owned());
    }
    let reported = |event: &str| output.json().iter().any(|line| line["event"] == event);
    let waits = reported("mapping_deferred") || reported("user_sent");
    if exit != 0 && !waits && !device.log_entries("wifi_set").is_empty() {
        return Err("no mapping, and the device was given Wi-Fi".to_owned());
    }
    if matches!(case.exchange, Exchange::GroupLookup)
        && exit != 0
        && !device.log_entries("connection_opened").is_empty()
    {
        return Err("no group, and the device heard of it".to_owned());
    }
    if case.exchange == Exchange::JoinGroup {
        let joined = owner.cloud.log_entries("request").iter().any(|entry| {
            let joining = entry["method"] == "PUT" && entry["path"] == "/v1/user/node_group";
            joining && entry["status"] == 200 && case.harm != Harm::Page
        });
        let warned = output.json().iter().any(|line| line["id"] == "not-set-up");
        if !joined && !warned {
            return Err("not in the group, and not a word of it".to_owned());
        }
    }
    Ok(exit)
}

/// Mapped to the logged-in user, and on Wi-Fi unless the run was without.
fn expect_done(case: &Case, owner: &Owner, device: &Device, output: &Output) -> Result<(), String> {
    if output.exit != Some(0) {
        return Err("not done".to_owned());
    }
    if output.result()["summary"]["mapped"] != true || !owner.has(device) {
        return Err("exit 0, and the node is not in the account".to_owned());
    }
    let joined = !device.log_entries("wifi_joined").is_empty();
    if joined != (case.way != Way::ChallengeAlone) {
        return Err("exit 0, and the device has not joined, or should not have".to_owned());
    }
    Ok(())
}

fn provision(case: &Case, owner: &Owner, device: &Device, faulty: bool) -> Output {
    let mut line = vec!["provision", "--format", "json"];
    match case.way {
        Way::ChallengeAlone => line.push("--no-wifi"),
        _ => line.extend(["--ssid", "Home", "--passphrase", "correct horse battery"]),
    }
    if case.exchange.is_about_a_group() {
        line.extend(["--group", GROUP]);
    }
    if faulty && case.is_silent() || case.exchange.needs_a_lost_answer(case.way) {
        line.extend(["--cloud-timeout", PATIENCE]);
    }
    if faulty && case.is_endless() {
        line.extend(["--timeout", LIMIT]);
    }
    let address = device.address();
    line.extend(address.iter().map(String::as_str));
    owner.account.run(&line).output()
}

const GROUP: &str = "Upstairs";
/// In seconds. Less than a busy computer takes for an answer would be another fault.
const PATIENCE: &str = "3";
/// In seconds: for a run that would wait for minutes. Long enough to join meanwhile.
const LIMIT: &str = "20";
/// What a case waits at most: three times the patience and the pauses between, thrice.
const BOUND: Duration = Duration::from_secs(40);
