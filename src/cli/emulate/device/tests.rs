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
    let place = "127.0.0.1:8080".parse().ok();
    args.ready(place, "PROV_1", &label)
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
fn flags_that_contradict_each_other_are_refused() {
    for flags in [
        &["--firmware", "v4.4", "--sec-patch-ver", "0"][..],
        &["--firmware", "v5", "--scenario", "wrong-reason"],
        &["--scenario", "not-found,wrong-passphrase"],
        &["--count", "2", "--state", "a"],
        &["--count", "2", "--port", "65535"],
    ] {
        assert!(parse(flags).check().is_err(), "{flags:?}");
    }
    let fine = ["--scenario", "not-found", "--scenario", "app-resets"];
    assert!(parse(&fine).check().is_ok());
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
    ] {
        assert!(
            Alone::try_parse_from(["emulate"].iter().chain(flags)).is_err(),
            "{flags:?}"
        );
    }
    let args = parse(&["--pop", "abcd1234", "--cap", "ch_resp,claim"]);
    assert_eq!(args.cap, ["ch_resp", "claim"]);
    assert!(!format!("{args:?}").contains("abcd1234"));
}

#[test]
fn the_help_names_every_scenario_and_every_kind_of_fault() {
    use clap::CommandFactory as _;
    let help = Alone::command().render_long_help().to_string();
    let help: String = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for (name, _) in Scenario::ALL {
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
