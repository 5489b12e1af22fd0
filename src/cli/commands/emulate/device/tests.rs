//! The flags of `emulate device`, and its first line. How the device behaves is tested with it.

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    args: EmulateDevice,
}

fn parse(flags: &[&str]) -> EmulateDevice {
    Alone::try_parse_from(["emulate"].iter().chain(flags))
        .unwrap()
        .args
}

fn ready(flags: &[&str]) -> Value {
    let args = parse(flags);
    let label = Label::new(&args, &mut UnwrapErr(SysRng)).unwrap();
    let address = ListenAddress::Port("127.0.0.1:8080".parse().unwrap());
    let node = args.node(1, &mut UnwrapErr(SysRng)).unwrap();
    args.ready(Some(&address), "PROV_1", &label, node.as_ref())
}

#[test]
fn the_first_line_says_where_the_device_is_and_what_opens_it() {
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
fn a_pop_is_drawn_where_one_is_needed() {
    let drawn = ready(&["--sec-ver", "1"]);
    assert_eq!(drawn["pop"].as_str().map(str::len), Some(8));
    assert_eq!(drawn.get("username"), None);
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
        let impossible = parse(flags);
        let label = Label::new(&impossible, &mut UnwrapErr(SysRng));
        assert!(label.is_err(), "{flags:?}");
    }
    assert_eq!(ready(&["--firmware", "v4.4"])["sec_ver"], 1);
    assert_eq!(ready(&["--firmware", "v5"])["sec_ver"], 2);
}

#[test]
fn a_device_on_its_network_says_under_which_names() {
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

#[test]
fn flags_of_one_kind_of_device_are_not_for_the_other() {
    for flags in [
        &["--variant", "standalone"][..],
        &["--interface", "lo"],
        &["--txt", "a=b"],
        &["--no-announce"],
    ] {
        assert!(parse(flags).check().is_err(), "{flags:?}");
        let on_network = [&["--transport", "on-network"], flags].concat();
        assert!(parse(&on_network).check().is_ok(), "{flags:?}");
    }
    for flags in [
        &["--aps", "a.json"][..],
        &["--join-ms", "1200"],
        &["--firmware", "network_provisioning"],
        &["--max-strikes", "5"],
        &["--state", "a"],
        &["--force-provisioning"],
        &["--cap", "local_ctrl"],
        &["--scenario", "not-found"],
        &["--scenario", "wrong-secret-key"],
    ] {
        let flags = [&["--transport", "on-network"], flags].concat();
        assert!(parse(&flags).check().is_err(), "{flags:?}");
    }
    let fine = "--transport on-network --cap ch_resp --scenario chal-resp-disabled";
    assert!(parse(&fine.split(' ').collect::<Vec<_>>()).check().is_ok());
}

#[cfg(unix)]
#[test]
fn flags_of_a_serial_line_are_for_a_serial_line_and_what_it_has_not_is_refused() {
    let console = ["--transport", "console"];
    for flags in [
        &["--pty-link", "a"][..],
        &["--uart-baud", "9600"],
        &["--noise", "heavy"],
        &["--console-newlines", "translated"],
        &["--console-trouble", "resets=3,hex-after"],
    ] {
        assert!(parse(flags).check().is_err(), "{flags:?}");
        let on_line = [&console[..], flags].concat();
        assert!(parse(&on_line).check().is_ok(), "{flags:?}");
    }
    for flags in [
        &["--port", "1"][..],
        &["--count", "2", "--pty-link", "a"],
        &["--scenario", "channel-change"],
        &["--scenario", "service-gone"],
        &["--fault", "proto-ver:1:status=500"],
        &["--fault", "proto-ver:1:att=0x0e"],
        &["--variant", "standalone"],
        &["--rssi", "-50"],
    ] {
        let on_line = [&console[..], flags].concat();
        assert!(parse(&on_line).check().is_err(), "{flags:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn flags_about_bluetooth_are_for_bluetooth_and_those_about_http_are_not() {
    for flags in [
        &["--bus", "a"][..],
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
    ] {
        assert!(parse(flags).check().is_err(), "{flags:?}");
        let ble = [&["--transport", "ble"], flags].concat();
        assert!(parse(&ble).check().is_ok(), "{flags:?}");
    }
    for flags in [
        &["--port", "80"][..],
        &["--listen", "127.0.0.1"],
        &["--fault", "prov-scan:1:duplicate"],
        &["--fault", "prov-scan:1:status=500"],
        &["--txt", "a=b"],
    ] {
        let ble = [&["--transport", "ble"], flags].concat();
        assert!(parse(&ble).check().is_err(), "{flags:?}");
    }
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    for flags in [
        &["--firmware", "v4.4", "--sec-patch-ver", "0"][..],
        &["--firmware", "v5", "--scenario", "wrong-reason"],
        &["--scenario", "not-found,wrong-passphrase"],
        &["--count", "2", "--state", "a"],
        &["--count", "2", "--port", "65535"],
        &["--count", "2", "--node-key", "a.pem"],
        &["--cap", "ch_resp,user_assoc"],
    ] {
        assert!(parse(flags).check().is_err(), "{flags:?}");
    }
    let fine = ["--scenario", "not-found", "--scenario", "app-resets"];
    assert!(parse(&fine).check().is_ok());
}

#[test]
fn flags_and_capabilities_decide_whether_it_is_a_node_and_which_endpoint_it_has() {
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
        assert_eq!(
            args.node.association(&args.capabilities()),
            association,
            "{flags:?}"
        );
        assert_eq!(
            args.node.announced(&args.capabilities()),
            announced,
            "{flags:?}"
        );
        let node = args.node(1, &mut UnwrapErr(SysRng)).unwrap();
        assert_eq!(node.map(|node| node.association), association);
    }
}

#[test]
fn a_node_has_an_id_of_its_own() {
    assert_eq!(ready(&[]).get("node_id"), None);
    let drawn = ready(&["--cap", "ch_resp"])["node_id"].clone();
    assert_eq!(drawn.as_str().map(str::len), Some(22));
    assert_ne!(drawn, ready(&["--cap", "ch_resp"])["node_id"]);
    assert_eq!(ready(&["--node-id", "N"])["node_id"], "N");
    let several = ready(&["--node-id", "N", "--count", "2"]);
    assert_eq!(several["node_id"], "N_1");
    // Before it is claimed, there is its MAC address.
    let mac = ready(&["--cap", "claim"])["node_id"].clone();
    assert_eq!(mac.as_str().map(str::len), Some(12));
}

#[test]
fn a_scenario_about_a_node_needs_such_a_node() {
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
        let node = parse(flags).node(1, &mut UnwrapErr(SysRng));
        assert_eq!(node.is_ok(), possible, "{flags:?}");
    }
}

#[test]
fn what_is_typed_is_checked_and_a_pop_is_not_printed() {
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
        assert!(
            Alone::try_parse_from(["emulate"].iter().chain(flags)).is_err(),
            "{flags:?}"
        );
    }
    let args = parse(&["--pop", "abcd1234", "--cap", "ch_resp,claim"]);
    assert_eq!(args.capabilities(), ["ch_resp", "claim"]);
    assert!(!format!("{args:?}").contains("abcd1234"));
}

#[test]
fn the_help_names_every_scenario_and_every_kind_of_fault() {
    use clap::CommandFactory as _;
    let help = Alone::command().render_long_help().to_string();
    let help: String = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for name in <Scenario as strum::VariantNames>::VARIANTS {
        assert!(help.contains(name), "{name}");
    }
    let Err(error) = "a:1:?".parse::<Fault>() else {
        panic!("a fault of no kind");
    };
    let error = error.to_string();
    let kinds = error.split("one of ").nth(1).unwrap();
    for kind in kinds.split(", ") {
        assert!(help.contains(kind), "{kind}");
    }
}
