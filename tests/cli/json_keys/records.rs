//! Files about a run: transcripts and support bundles.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Case, Section};
use crate::cli::errors::arranged::{HOME, at};
use crate::support::device::{Device, fresh_path};
use crate::support::espctl::espctl;

pub(super) const CASES: &[Case] = &[
    || {
        let device = Device::start(&["--time-scale", "0.5"]);
        let (transcript, bundle) = (fresh_path("transcript"), fresh_path("bundle"));
        let files = [
            "--transcript",
            transcript.to_str().unwrap(),
            "--support-bundle",
            bundle.to_str().unwrap(),
        ];
        let arguments = [&files[..], &HOME, &["--pop", device.pop()]].concat();
        at(&device, &["provision", "--no-cloud"], &arguments).exits(0);
        let mut sections = bundle_sections("bundle of a success", &bundle);
        // What doctor finds on this computer is not on another.
        sections.retain(|section| !section.heading.ends_with("doctor"));
        sections.push(transcript_section("transcript", &transcript));
        sections
    },
    || {
        let device = Device::start(&["--sec-ver", "1"]);
        let transcript = fresh_path("transcript");
        let path = ["--transcript", transcript.to_str().unwrap()];
        let wrong = [&path[..], &["--pop", "wrong"]].concat();
        at(&device, &["device", "wifi"], &wrong).exits(5);
        vec![transcript_section("transcript, wrong PoP", &transcript)]
    },
    || {
        let device = Device::start(&["--fault", "proto-ver:1:close"]);
        let transcript = fresh_path("transcript");
        let path = ["--transcript", transcript.to_str().unwrap()];
        at(&device, &["device", "info"], &path);
        vec![transcript_section("transcript, no answer", &transcript)]
    },
    || {
        let bundle = fresh_path("bundle");
        let path = ["--support-bundle", bundle.to_str().unwrap()];
        espctl(["explain", "unknown"].iter().chain(&path))
            .output()
            .exits(2);
        bundle_sections("bundle of a failure", &bundle)
    },
    || {
        let bundle = fresh_path("bundle");
        let path = ["--support-bundle", bundle.to_str().unwrap()];
        espctl(["man"].iter().chain(&path)).output().exits(0);
        bundle_sections("bundle without a result", &bundle)
    },
];

fn transcript_section(heading: &str, path: &Path) -> Section {
    let text = fs::read_to_string(path).unwrap();
    Section::new(heading.to_owned(), &objects(&text))
}

/// A section for each of the bundle's that has objects.
fn bundle_sections(heading: &str, path: &Path) -> Vec<Section> {
    let text = fs::read_to_string(path).unwrap();
    let parts = text.split("\n## ").skip(1);
    let sections = parts.map(|part| {
        let (name, lines) = part.split_once('\n').unwrap_or((part, ""));
        Section::new(format!("{heading}, {name}"), &objects(lines))
    });
    sections
        .filter(|section| !section.lines.is_empty())
        .collect()
}

/// The lines that are objects. Those of a log are not.
fn objects(text: &str) -> Vec<Value> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
