//! Every scheme, by both services, announced and not, with both kinds of key.

use std::thread;

use super::{Home, at, events, flags};

struct Case {
    name: &'static str,
    /// Of the device.
    own: &'static [&'static str],
    /// To get in.
    given: &'static [&'static str],
    scheme: u64,
}

const CASES: [Case; 6] = [
    Case {
        name: "sec0",
        own: &["--sec-ver", "0", "--key", "ec"],
        given: &[],
        scheme: 0,
    },
    Case {
        name: "sec1",
        own: &["--sec-ver", "1", "--no-pop", "--key", "rsa"],
        given: &[],
        scheme: 1,
    },
    Case {
        name: "sec1-pop",
        own: &["--sec-ver", "1", "--pop", "abcd1234", "--key", "ec"],
        given: &["--pop", "abcd1234"],
        scheme: 1,
    },
    Case {
        name: "sec2-fixed",
        own: &SEC2_FIXED,
        given: &["--pop", "abcd1234"],
        scheme: 2,
    },
    Case {
        name: "sec2-counter",
        own: &SEC2_COUNTER,
        given: &["--pop", "abcd1234"],
        scheme: 2,
    },
    Case {
        name: "sec2-user",
        own: &SEC2_COUNTER,
        given: &["--sec2-username", "wifiprov", "--sec2-password", "abcd1234"],
        scheme: 2,
    },
];
const SEC2_FIXED: [&str; 8] = [
    "--sec-ver",
    "2",
    "--sec-patch-ver",
    "0",
    "--pop",
    "abcd1234",
    "--key",
    "rsa",
];
const SEC2_COUNTER: [&str; 8] = [
    "--sec-ver",
    "2",
    "--sec-patch-ver",
    "1",
    "--pop",
    "abcd1234",
    "--key",
    "ec",
];

/// All at the same time: their announcements overlap, and each run finds its own device.
fn by(check: impl Fn(&Case) + Sync) {
    thread::scope(|scope| {
        for case in &CASES {
            let check = &check;
            scope.spawn(move || check(case));
        }
    });
}

fn key(case: &Case) -> &'static str {
    case.own[case.own.len() - 1]
}

fn map_announced(variant: &str, source: &str) {
    let home = Home::new();
    by(|case| {
        let own = ["--variant", variant, "--name", case.name];
        let device = home.device(&[&own[..], case.own].concat());
        let named = ["--device-name", case.name, "--discovery-timeout", "60"];
        let output = home.provision(&[&named[..], case.given].concat());
        let output = home.mapped(output, &device);
        let chosen = &events(&output, "scheme_chosen")[0];
        assert_eq!(chosen["scheme"], case.scheme, "{}: {output}", case.name);
        assert_eq!(chosen["source"], source, "{}: {output}", case.name);
        assert_eq!(device.log_entries("secured")[0]["scheme"], case.scheme);
        assert_eq!(
            device.log_entries("handshake_started").len(),
            1,
            "no other tried"
        );
        let mapped = home.owner.cloud.log_entries("mapped").into_iter();
        let kinds: Vec<_> = mapped
            .filter(|entry| entry["node_id"] == device.node_id())
            .collect();
        assert_eq!(kinds[0]["key"], key(case), "{}", case.name);
    });
}

#[test]
fn announcement_opens_separate_service() {
    map_announced("standalone", "announced");
}

#[test]
fn announcement_opens_local_control() {
    map_announced("local-control", "announced");
}

#[test]
fn unannounced_scheme_is_probed() {
    let home = Home::new();
    by(|case| {
        let device = home.silent(case.own);
        let output = home.provision(&flags(&at(&device), case.given));
        let output = home.mapped(output, &device);
        let version = &events(&output, "version_read")[0];
        assert!(version["sec_ver"].is_null(), "{output}");
        let chosen = &events(&output, "scheme_chosen")[0];
        assert_eq!(chosen["scheme"], case.scheme, "{}: {output}", case.name);
        assert_eq!(chosen["source"], "probed", "{}: {output}", case.name);
        let secured = device.log_entries("secured");
        assert_eq!(secured.len(), 1, "{}", case.name);
        assert_eq!(secured[0]["scheme"], case.scheme);
        assert!(device.log_entries("strike").is_empty(), "{}", case.name);
    });
}

#[test]
fn local_control_states_scheme_at_address() {
    let home = Home::new();
    by(|case| {
        let device = home.silent(&[&["--variant", "local-control"][..], case.own].concat());
        let output = home.provision(&flags(&at(&device), case.given));
        let output = home.mapped(output, &device);
        let version = &events(&output, "version_read")[0];
        assert_eq!(version["sec_ver"], case.scheme, "{output}");
        let chosen = &events(&output, "scheme_chosen")[0];
        assert_eq!(chosen["source"], "announced", "{}: {output}", case.name);
        assert_eq!(
            device.log_entries("handshake_started").len(),
            1,
            "no other tried"
        );
    });
}

#[test]
fn requested_scheme_is_the_only_one_tried() {
    let home = Home::new();
    let device = home.silent(&["--sec-ver", "0"]);
    let output = home.provision(&flags(&at(&device), &["--sec-ver", "1"]));
    super::failed(output, 6, "wrong-scheme", &["--sec-ver"]);
    let output = home.provision(&flags(&at(&device), &["--sec-ver", "0"]));
    let output = home.mapped(output, &device);
    assert_eq!(events(&output, "scheme_chosen")[0]["source"], "asked");
}
