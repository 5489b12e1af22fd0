//! The flags of `emulate device`, and its first line. The behavior of devices has its own tests.

use clap::{ArgMatches, Args as _, Command, FromArgMatches as _, ValueEnum as _};

use super::node::find_association;
use super::*;
use crate::emulator::device::Scenario;
use crate::emulator::fault::Fault;

fn command() -> Command {
    EmulateDevice::augment_args(Command::new("emulate"))
}

fn parse_with_matches(flags: &[&str]) -> clap::error::Result<(EmulateDevice, ArgMatches)> {
    let matches = command().try_get_matches_from(["emulate"].iter().chain(flags))?;
    Ok((EmulateDevice::from_arg_matches(&matches)?, matches))
}

fn parse(flags: &[&str]) -> EmulateDevice {
    parse_with_matches(flags).unwrap().0
}

fn check(flags: &[&str]) -> Result<(), Failure> {
    let (args, matches) = parse_with_matches(flags).unwrap();
    check_flags(&args, &matches)
}

fn ready(flags: &[&str]) -> Value {
    let args = parse(flags);
    let label = Label::new(&args).unwrap();
    let address = http::http_address("127.0.0.1:8080".parse().unwrap());
    let node = create_node(&args, 1).unwrap();
    let new = NewDevice {
        args: &args,
        number: 1,
        name: "PROV_1",
        label: &label,
        node: node.as_ref(),
    };
    describe_device(&new, &address)
}

#[test]
fn first_line_has_address_and_secrets() {
    let line = ready(&["--pop", "abcd1234"]);
    assert_eq!(line["event"], "ready");
    assert_eq!(line["transport"], "softap");
    assert_eq!(line["url"], "http://127.0.0.1:8080");
    assert_eq!((&line["port"], &line["sec_ver"]), (&8080.into(), &2.into()));
    assert_eq!(line["username"], "wifiprov");
    assert_eq!(
        line["qrcode"],
        r#"{"ver":"v1","name":"PROV_1","username":"wifiprov","pop":"abcd1234","transport":"softap"}"#
    );
}

#[test]
fn generates_pop_if_scheme_requires_one() {
    let generated = ready(&["--sec-ver", "1"]);
    assert_eq!(generated["pop"].as_str().map(str::len), Some(8));
    assert_eq!(generated.get("username"), None);
    for flags in [&["--sec-ver", "1", "--no-pop"][..], &["--sec-ver", "0"]] {
        let line = ready(flags);
        assert_eq!(line.get("pop"), None);
        assert!(!line["qrcode"].as_str().unwrap().contains("pop"));
    }
    for flags in [
        &["--no-pop"][..],
        &["--firmware", "v4.4", "--sec-ver", "2"],
        &["--firmware", "v4.4", "--pop", ""],
        &["--sec-ver", "0", "--pop", "a"],
    ] {
        assert!(Label::new(&parse(flags)).is_err(), "{flags:?}");
    }
    assert_eq!(ready(&["--firmware", "v4.4"])["sec_ver"], 1);
    assert_eq!(ready(&["--firmware", "v5"])["sec_ver"], 2);
}

#[test]
fn first_line_on_network_has_announced_names() {
    let line = ready(&["--transport", "on-network", "--node-id", "N"]);
    for (key, value) in [
        ("transport", "on-network"),
        ("service", "on_network"),
        ("name", "PROV_1"),
        ("instance", "PROV_1"),
        ("host", "N.local"),
        ("node_id", "N"),
    ] {
        assert_eq!(line[key], value, "{key}");
    }
    // Firmware's default: Security 1 without a PoP.
    assert_eq!((&line["sec_ver"], line.get("pop")), (&1.into(), None));
    assert_eq!((line.get("qrcode"), line.get("firmware")), (None, None));
    let local = ["--transport", "on-network", "--variant", "local-control"];
    let line = ready(&local);
    assert_eq!(
        (&line["service"], &line["sec_ver"]),
        (&"local_ctrl".into(), &1.into())
    );
    assert_eq!(line["pop"].as_str().map(str::len), Some(8));
    let without = ready(&[&local[..], &["--no-pop"]].concat());
    assert_eq!(without.get("pop"), None);
    let sec2 = ready(&["--transport", "on-network", "--sec-ver", "2"]);
    assert_eq!(sec2["pop"].as_str().map(str::len), Some(8));
    assert_eq!(sec2["username"], "wifiprov");
}

/// `own` flags require the medium, which rejects `foreign` ones.
fn check_flags_of(medium: &str, own: &[&[&str]], foreign: &[&[&str]]) {
    let with_medium = |flags: &[&str]| check(&[&["--transport", medium], flags].concat());
    for flags in own {
        assert!(check(flags).is_err(), "{flags:?}");
        assert!(with_medium(flags).is_ok(), "{flags:?}");
    }
    for flags in foreign {
        assert!(with_medium(flags).is_err(), "{flags:?}");
    }
}

#[test]
fn on_network_flags_and_provisioning_flags_exclude_each_other() {
    check_flags_of(
        "on-network",
        &[
            &["--variant", "standalone"],
            &["--interface", "lo"],
            &["--txt", "a=b"],
            &["--no-announce"],
        ],
        &[
            &["--aps", "a.json"],
            &["--join-ms", "1200"],
            &["--firmware", "network_provisioning"],
            &["--max-strikes", "5"],
            &["--state", "a"],
            &["--force-provisioning"],
            &["--cap", "local_ctrl"],
            &["--scenario", "not-found"],
            &["--scenario", "wrong-secret-key"],
        ],
    );
    let fine = "--transport on-network --cap ch_resp --scenario chal-resp-disabled";
    assert!(check(&fine.split(' ').collect::<Vec<_>>()).is_ok());
}

#[cfg(unix)]
#[test]
fn console_flags_require_console_which_rejects_foreign_flags() {
    check_flags_of(
        "console",
        &[
            &["--pty-link", "a"],
            &["--uart-baud", "9600"],
            &["--noise", "heavy"],
            &["--console-newlines", "translated"],
            &["--console-trouble", "resets=3,hex-after"],
        ],
        &[
            &["--port", "1"],
            &["--count", "2", "--pty-link", "a"],
            &["--scenario", "channel-change"],
            &["--scenario", "service-gone"],
            &["--fault", "proto-ver:1:status=500"],
            &["--fault", "proto-ver:1:att=0x0e"],
            &["--variant", "standalone"],
            &["--rssi", "-50"],
        ],
    );
    assert!(check(&["--transport", "console", "--port", "0"]).is_ok());
}

#[cfg(target_os = "linux")]
#[test]
fn ble_flags_require_ble_which_rejects_http_flags() {
    check_flags_of(
        "ble",
        &[
            &["--bus", "a"],
            &["--bus-address", "unix:path=a"],
            &["--stack", "bluedroid"],
            &["--mac", "7c:df:a1:00:00:01"],
            &["--service-uuid", "1775244d-6b43-439b-877c-060f2d9bed07"],
            &["--customer-id", "1"],
            &["--device-type", "5"],
            &["--device-subtype", "1"],
            &["--rssi", "-90"],
            &["--advertise-after", "100"],
            &["--at-once"],
            &["--att-ms", "5"],
            &["--neighbours", "a.json"],
            &["--link-trouble", "held,vanishes"],
            &["--host-trouble", "no-bluez"],
            &["--fault", "prov-scan:1:att=0x0e"],
        ],
        &[
            &["--port", "80"],
            &["--listen", "127.0.0.1"],
            &["--fault", "prov-scan:1:duplicate"],
            &["--fault", "prov-scan:1:status=500"],
            &["--txt", "a=b"],
            &["--bus-address", "unix:path=a", "--host-trouble", "hangs"],
        ],
    );
}

#[test]
fn rejects_flags_that_contradict_each_other() {
    for flags in [
        &["--firmware", "v4.4", "--sec-patch-ver", "0"][..],
        &["--firmware", "v5", "--scenario", "wrong-reason"],
        &["--scenario", "not-found,wrong-passphrase"],
        &["--count", "2", "--state", "a"],
        &["--count", "2", "--port", "65535"],
        &["--count", "2", "--node-key", "a.pem"],
        &["--cap", "ch_resp,user_assoc"],
    ] {
        assert!(check(flags).is_err(), "{flags:?}");
    }
    let fine = ["--scenario", "not-found", "--scenario", "app-resets"];
    assert!(check(&fine).is_ok());
}

#[test]
fn flags_and_capabilities_select_node_endpoint() {
    use crate::emulator::device::Association::{ChallengeResponse, UserMapping};
    let cloud = "http://127.0.0.1:8080/v1";
    for (flags, association, announced) in [
        (&[][..], None, &[][..]),
        (&["--cap", "local_ctrl"], None, &["local_ctrl"]),
        (&["--node-id", "a"], Some(ChallengeResponse), &["ch_resp"]),
        (&["--key", "ec"], Some(ChallengeResponse), &["ch_resp"]),
        (&["--cloud", cloud], Some(ChallengeResponse), &["ch_resp"]),
        (&["--cap", "ch_resp"], Some(ChallengeResponse), &["ch_resp"]),
        (
            &["--cap", "ch_resp,claim"],
            Some(ChallengeResponse),
            &["ch_resp", "claim"],
        ),
        (&["--cap", "user_assoc"], Some(UserMapping), &[]),
        (&["--cap", "claim"], Some(UserMapping), &["claim"]),
        (
            &["--cap", "user_assoc,camera_claim"],
            Some(UserMapping),
            &["camera_claim"],
        ),
        (
            &["--cloud", cloud, "--cap", "local_ctrl"],
            Some(UserMapping),
            &["local_ctrl"],
        ),
    ] {
        let args = parse(flags);
        assert_eq!(find_association(&args), association, "{flags:?}");
        assert_eq!(announced_capabilities(&args), announced, "{flags:?}");
        let node = create_node(&args, 1).unwrap();
        assert_eq!(node.map(|node| node.association), association);
    }
}

#[test]
fn generates_node_id_for_each_device() {
    assert_eq!(ready(&[]).get("node_id"), None);
    let generated = ready(&["--cap", "ch_resp"])["node_id"].clone();
    assert_eq!(generated.as_str().map(str::len), Some(22));
    assert_ne!(generated, ready(&["--cap", "ch_resp"])["node_id"]);
    assert_eq!(ready(&["--node-id", "N"])["node_id"], "N");
    let several = ready(&["--node-id", "N", "--count", "2"]);
    assert_eq!(several["node_id"], "N_1");
    // An unclaimed device has only its MAC address.
    let mac = ready(&["--cap", "claim"])["node_id"].clone();
    assert_eq!(mac.as_str().map(str::len), Some(12));
}

#[test]
fn node_scenarios_require_matching_node() {
    for (flags, possible) in [
        (&["--scenario", "wrong-signature"][..], false),
        (&["--scenario", "wrong-signature", "--key", "ec"], true),
        (&["--scenario", "pkcs1-signature", "--key", "ec"], false),
        (&["--scenario", "wrong-secret-key", "--key", "ec"], false),
        (
            &["--scenario", "wrong-secret-key", "--cap", "user_assoc"],
            true,
        ),
    ] {
        let node = create_node(&parse(flags), 1);
        assert_eq!(node.is_ok(), possible, "{flags:?}");
    }
}

#[test]
fn rejects_malformed_values_and_hides_pop() {
    for flags in [
        &["--sec-ver", "3"][..],
        &["--sec-patch-ver", "2"],
        &["--time-scale", "-1"],
        &["--firmware", "v3"],
        &["--scenario", "rain"],
        &["--fault", "prov-config:drop"],
        &["--count", "0"],
        &["--pop", "a", "--no-pop"],
        &["--key", "dsa"],
        &["--key", "ec", "--node-key", "a.pem"],
        &["--node-id", "a/b"],
        &["--node-id", ""],
        &["--cloud", "https://127.0.0.1:8443"],
        &["--txt", "port"],
        &["--txt", "=80"],
        &["--no-announce", "--interface", "lo"],
        &["--variant", "bluetooth"],
        &["--mac", "1"],
        &["--service-uuid", "ffff"],
        &["--rssi", "100"],
        &["--link-trouble", "rain"],
        &["--host-trouble", "rain"],
    ] {
        assert!(parse_with_matches(flags).is_err(), "{flags:?}");
    }
    let args = parse(&["--pop", "abcd1234", "--cap", "ch_resp,claim"]);
    let capabilities: Vec<&str> = args.cap.iter().map(|name| &**name).collect();
    assert_eq!(capabilities, ["ch_resp", "claim"]);
    assert!(!format!("{args:?}").contains("abcd1234"));
}

#[test]
fn help_lists_all_scenarios_and_fault_kinds() {
    let help = command().render_long_help().to_string();
    let help: String = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for scenario in Scenario::value_variants() {
        assert!(help.contains(&scenario.to_string()), "{scenario}");
    }
    let Err(error) = "a:1:?".parse::<Fault>() else {
        panic!("a fault of no kind");
    };
    let kinds = error.split("one of ").nth(1).unwrap();
    for kind in kinds.split(", ") {
        assert!(help.contains(kind), "{kind}");
    }
}
