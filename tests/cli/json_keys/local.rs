//! Commands that need neither a device nor an account: labels, explanations, generated texts, the demo.

use super::{Case, Section};
use crate::support::device::fresh_path;
use crate::support::espctl::espctl;

pub(super) const CASES: &[Case] = &[
    || {
        let (png, pages) = (fresh_path("label.png"), fresh_path("man"));
        let (png, pages) = (png.to_str().unwrap(), pages.to_str().unwrap());
        vec![
            run("qr decode", &["qr", "decode", LABEL]),
            run(
                "qr decode, compact",
                &["qr", "decode", "NP:PROV_1|abcd1234|s"],
            ),
            run("qr decode, truncated", &["qr", "decode", &LABEL[..50]]),
            run("qr decode, rejected", &["qr", "decode", "no label"]),
            run("qr encode", &["qr", "encode", LABEL]),
            run("qr encode --png", &["qr", "encode", "--png", png, LABEL]),
            run("explain", &["explain"]),
            run("explain wrong-pop", &["explain", "wrong-pop"]),
            run("explain unreachable", &["explain", "unreachable"]),
            run("explain, unknown id", &["explain", "wrong-popp"]),
            run("completions", &["completions", "bash"]),
            run("man", &["man"]),
            run("man --out", &["man", "--out", pages]),
            run("reference", &["reference", "errors"]),
            run("unknown command", &["version"]),
        ]
    },
    // Its device joins at about the time at which it is asked first.
    || vec![run("demo", &["demo"]).without("wifi_joining")],
];

fn run(heading: &str, line: &[&str]) -> Section {
    Section::printed(
        heading,
        &espctl(line.iter().chain(&["--format", "json"])).output(),
    )
}

const LABEL: &str = r#"{"ver":"v1","name":"PROV_1","username":"u","pop":"abcd1234","transport":"softap","security":2,"network":"wifi","password":"hotspot-key"}"#;
