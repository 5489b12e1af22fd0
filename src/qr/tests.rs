//! Each form in tables: accepted and refused texts, places of problems, and no invented values.

mod doubts;

use super::*;
use crate::secret::Secret;

const FIRMWARE: &str =
    r#"{"ver":"v1","name":"PROV_fc9ea3","username":"wifiprov","pop":"7a9d365e","transport":"ble"}"#;

/// name, PoP, transport.
type Label = (
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
);

fn label(payload: &Payload) -> (Option<&str>, Option<&str>, Option<&str>) {
    let pop = payload.pop.as_ref().map(|pop| pop.expose().as_str());
    let (name, transport) = (payload.name.as_deref(), payload.transport.as_deref());
    (name, pop, transport)
}

/// Reads a line of a log.
fn find(line: &str) -> Option<Payload> {
    find_in_log_line(line).unwrap()
}

#[test]
fn recognizes_every_form() {
    let usual: Label = (Some("PROV_fc9ea3"), Some("7a9d365e"), Some("ble"));
    let without: Label = (Some("PROV_fc9ea3"), None, Some("softap"));
    let plus: Label = (Some("PROV_fc9ea3"), Some("a+b&c%41#d"), Some("ble"));
    let page = "https://rainmaker.espressif.com/qrcode.html";
    let table: [(String, Label); 21] = [
        (FIRMWARE.to_owned(), usual),
        (format!("\u{feff} \r\n{FIRMWARE}\r\n"), usual),
        (FIRMWARE.replace(':', " : ").replace(',', "\n, "), usual),
        (FIRMWARE.replace(r#""ble""#, r#""BLE""#), usual),
        (
            FIRMWARE.replace(r#""v1""#, r#""v2","more":{"pop":[1]}"#),
            usual,
        ),
        (
            r#"{"name":"PROV_fc9ea3","pop":null,"transport":"softap"}"#.to_owned(),
            without,
        ),
        ("NP:PROV_fc9ea3|7a9d365e|b".to_owned(), usual),
        ("NP:PROV_fc9ea3||s\n".to_owned(), without),
        (
            "NP:n|a|b||s".to_owned(),
            (Some("n"), Some("a|b|"), Some("softap")),
        ),
        // As the device prints it.
        (format!("{page}?data={FIRMWARE}"), usual),
        (
            format!("{page}?data={}", FIRMWARE.replace("7a9d365e", "a+b&c%41#d")),
            plus,
        ),
        (format!("{page}?data=NP:PROV_fc9ea3|7a9d365e|b"), usual),
        (format!("{page}?data=NP:PROV_fc9ea3|a+b&c%41#d|b&x=1"), plus),
        (
            format!("HTTP://example.com/?x=1&data={FIRMWARE}&y=2#z"),
            usual,
        ),
        // As a browser shows it, which leaves braces, ampersands and pluses.
        (
            format!("{page}?data={}", FIRMWARE.replace('"', "%22")),
            usual,
        ),
        (
            format!(
                "{page}?data={}",
                FIRMWARE
                    .replace('"', "%22")
                    .replace("7a9d365e", "a+b&c%2541%23d")
            ),
            plus,
        ),
        // As programs write it.
        (to_url(FIRMWARE).expose().clone(), usual),
        (to_url("NP:PROV_fc9ea3|a+b&c%41#d|b").expose().clone(), plus),
        (
            format!("{page}?data=NP%3aPROV_fc9ea3%7c7a9d365e%7cb&x=1#y"),
            usual,
        ),
        // As forms write it, with a plus for each space.
        (
            to_url(&FIRMWARE.replace(':', ": "))
                .expose()
                .replace("%20", "+"),
            usual,
        ),
        (
            to_url(&FIRMWARE.replace("7a9d365e", "a+b&c%41#d"))
                .expose()
                .replace("%2B", "+"),
            plus,
        ),
    ];
    for (text, expected) in table {
        let payload = Payload::read(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(label(&payload), expected, "{text}");
        assert_eq!(payload.remarks, [], "{text}");
    }
}

#[test]
fn reads_every_key() {
    let payload = Payload::read(
        r#"{"ver":"v1","name":"n","username":"u","pop":"p","transport":"softap","security":1,"network":"Thread","password":"k","more":1}"#,
    )
    .unwrap();
    assert_eq!(payload.ver.as_deref(), Some("v1"));
    assert_eq!(payload.username.as_deref(), Some("u"));
    assert_eq!(payload.security, Some(1));
    assert_eq!(payload.network, Some(Network::Thread));
    assert_eq!(payload.password.unwrap().expose(), "k");
}

#[test]
fn keeps_unescaped_characters_of_firmware() {
    for pop in [
        r#"a"b"#,
        r"a\c",
        r"a\",
        r#"""#,
        r#"a","b"#,
        r#"{"a":1}"#,
        r#"a":"b"#,
        "\\",
    ] {
        let text = FIRMWARE.replace("7a9d365e", pop);
        let payload = Payload::read(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let expected = (Some("PROV_fc9ea3"), Some(pop), Some("ble"));
        assert_eq!(label(&payload), expected, "{text}");
        assert_eq!(payload.remarks, [Remark::NotEscaped], "{text}");
        let found = find(&format!("I (1) app: {text}")).unwrap();
        assert_eq!(label(&found), expected, "{text}");
    }
    // Ambiguous.
    for unclear in [
        r#"{"ver":"v1","name":"n","pop":"a"b","transport":"x","transport":"ble"}"#,
        r#"{"ver":"v1","name":"n","pop":"a","transport":"x","transport":"ble"}"#,
        r#"{"ver":"v1","name":"n","pop":"""}","transport":"ble"}"#,
        r#"{"ver":"v1","name":"n","transport":"ble","pop":"a"b"} {"Power":"on"}"#,
        r#"{"ver":"v1","name":"n","transport":"ble","pop":"ab"} {"Power":"on"}"#,
    ] {
        Payload::read(unclear).unwrap_err();
    }
}

/// Each value of a payload that is cut anywhere is that of the whole one, or missing.
#[test]
fn cut_payload_has_no_invented_values() {
    for pop in ["7a9d365e", r#"7"9d"3"#, r"7a\9d", r"a\"] {
        let whole = FIRMWARE.replace("7a9d365e", pop);
        let all: Label = (Some("PROV_fc9ea3"), Some(pop), Some("ble"));
        for length in 0..whole.len() {
            let text = &whole[..length];
            let Ok(payload) = Payload::read(text) else {
                continue;
            };
            let (name, read, transport) = label(&payload);
            assert!(name.is_none() || name == all.0, "{text}");
            assert!(transport.is_none() || transport == all.2, "{text}");
            assert!(
                payload
                    .remarks
                    .iter()
                    .any(|one| matches!(one, Remark::Cut { .. })),
                "{text}"
            );
            assert!(read.is_none() || read == all.1, "{text}: {read:?}");
            let at_pop = text.find("pop\":\"").filter(|at| length > at + 6);
            if at_pop.is_some_and(|at| length <= at + 6 + pop.len()) {
                let cut = Remark::Cut { key: Some("pop") };
                let other = Remark::Cut { key: None };
                let is_reported =
                    payload.remarks.contains(&cut) || payload.remarks.contains(&other);
                assert!(
                    is_reported && read.is_none(),
                    "{text}: {:?}",
                    payload.remarks
                );
            }
        }
    }
    // Firmware's buffer has room for 149 characters.
    let long = FIRMWARE.replace("7a9d365e", &"x".repeat(100));
    let payload = Payload::read(&long[..149]).unwrap();
    assert_eq!(label(&payload), (Some("PROV_fc9ea3"), None, None));
    assert_eq!(payload.remarks, [Remark::Cut { key: Some("pop") }]);
    let payload = Payload::read(r#"{"name":"n","security":1"#).unwrap();
    assert_eq!(payload.security, None);
    let payload = Payload::read(&FIRMWARE[..FIRMWARE.len() - 1]).unwrap();
    assert_eq!(payload.transport.as_deref(), Some("ble"));
}

#[test]
fn rejects_malformed_text_with_its_place() {
    let not_compact = |expected| Problem::NotCompact { expected };
    let page = "https://example.com/q?data=";
    let table: [(&str, Problem, usize, usize); 35] = [
        ("", Problem::Empty, 1, 1),
        (" \n", Problem::Empty, 2, 1),
        ("label.json", Problem::Unrecognized, 1, 1),
        ("\n  é", Problem::Unrecognized, 2, 3),
        ("[]", Problem::NotAnObject, 1, 1),
        ("\"x\"", Problem::NotAnObject, 1, 1),
        ("{", Problem::NotJson, 1, 2),
        ("{ver:v1}", Problem::NotJson, 1, 2),
        ("{}x", Problem::NotJson, 1, 3),
        ("{}", Problem::NotUseful, 1, 1),
        (r#" {"a":1}"#, Problem::NotUseful, 1, 2),
        (r#"{"ver":"v1","name":""}"#, Problem::NotUseful, 1, 1),
        ("NP:n|a\nb|s", Problem::Control, 1, 7),
        (
            "https://example.com/q?data=NP:n|a|b\nI | a|b",
            Problem::Control,
            1,
            36,
        ),
        (r#"{"pop":"7a9d365e"#, Problem::NotJson, 1, 17),
        (r#"{"pop":"7a9d365e""#, Problem::NotJson, 1, 18),
        (r#"{"ver":"v1""#, Problem::NotJson, 1, 12),
        ("{\n \"né\": tru}", Problem::NotJson, 2, 11),
        (r#"{"name" "x"}"#, Problem::NotJson, 1, 9),
        (
            r#"{"name":"é","pop":12345678}"#,
            Problem::WrongType {
                key: "pop",
                expected: "a text",
            },
            1,
            19,
        ),
        (
            r#"{"security":3}"#,
            Problem::WrongType {
                key: "security",
                expected: "0, 1 or 2",
            },
            1,
            13,
        ),
        (
            r#"{"network":"lan"}"#,
            Problem::WrongType {
                key: "network",
                expected: "\"wifi\" or \"thread\"",
            },
            1,
            12,
        ),
        (
            r#"{"pop":"a","pop":"b"}"#,
            Problem::Twice { key: "pop" },
            1,
            18,
        ),
        ("NP:", not_compact("the bar after the name"), 1, 4),
        ("NP:|a|b", not_compact("the name"), 1, 4),
        ("NP:n|a", not_compact("the bar after the PoP"), 1, 7),
        (" NP:né|a|x", not_compact("b or s at the end"), 1, 10),
        ("MT:Y.K9042C00KA0648G00", Problem::Matter, 1, 1),
        (
            "https://example.com/q?data=MT%3AY.K90",
            Problem::Matter,
            1,
            28,
        ),
        ("https://example.com/q?x=1", Problem::NoData, 1, 26),
        ("https://example.com/q?data= ", Problem::NoData, 1, 28),
        (
            "https://example.com/q?data=%7B%2",
            Problem::NotEncoded,
            1,
            31,
        ),
        ("https://example.com/q?data=%ff", Problem::NotEncoded, 1, 28),
        (
            "https://example.com/q?data=%7B%22pop%22:1}",
            Problem::WrongType {
                key: "pop",
                expected: "a text",
            },
            1,
            41,
        ),
        ("https://example.com/q?data=x", Problem::Unrecognized, 1, 28),
    ];
    assert_eq!(page.len(), 27);
    for (text, fault, line, column) in table {
        let error = Payload::read(text).unwrap_err();
        assert_eq!(
            (error.problem, error.line, error.column),
            (fault, line, column),
            "{text:?}"
        );
        assert!(!error.to_string().contains("1234"), "{error}");
    }
}

#[test]
fn finds_payload_in_log_line() {
    let usual: Label = (Some("PROV_fc9ea3"), Some("7a9d365e"), Some("ble"));
    for line in [
        FIRMWARE.to_owned(),
        format!("\u{1b}[0;32mI (1278) app_network: {FIRMWARE}\u{1b}[0m\r\n"),
        format!("{PAGE}?data={FIRMWARE}\u{1b}[0m\r"),
        format!("browser: {PAGE}?data={FIRMWARE} and more"),
        format!("{PAGE}?data=NP:PROV_fc9ea3|7a9d365e|b\u{1b}[0m"),
        "I (1) app: NP:PROV_fc9ea3|7a9d365e|b".to_owned(),
        "I (1) app: NP:PROV_fc9ea3|7a9d365e|b is the code".to_owned(),
        format!("see {} !", to_url(FIRMWARE).expose()),
        format!("{{1}} {FIRMWARE}"),
    ] {
        let payload = find(&line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(label(&payload), usual, "{line}");
    }
    let cut = format!("{PAGE}?data={}\u{1b}[0m\r\n", &FIRMWARE[..70]);
    let payload = find(&cut).unwrap();
    assert_eq!(label(&payload), (Some("PROV_fc9ea3"), None, None));
    assert_eq!(payload.remarks, [Remark::Cut { key: Some("pop") }]);
    for line in [
        "",
        "I (312) heap_init: At 3FFAE6E0 len 00001920 (6 KiB): DRAM",
        r#"I (1) esp_rmaker_param: Received params: {"Light":{"Power":true}}"#,
        r#"I (1) node: {"name":"Switch","type":"esp.device.switch"}"#,
        "If QR code is not visible, copy paste the below URL in a browser.",
        "MT:Y.K9042C00KA0648G00",
        "NP: not this | one",
        "{\"ver\":\"v1\"",
    ] {
        assert!(find(line).is_none(), "{line}");
    }
}

#[test]
fn written_payload_reads_back() {
    let payload = Payload {
        name: Some("PROV \"x\"".to_owned()),
        username: Some("wifiprov".to_owned()),
        pop: Some(Secret::new("a|+ü\\%\"".to_owned())),
        transport: Some("softap".to_owned()),
        ..Payload::default()
    };
    let json = payload.to_json();
    let compact = payload.to_compact().unwrap();
    for form in [json.expose(), compact.expose()] {
        for text in [form.clone(), to_url(form).expose().clone()] {
            let read = Payload::read(&text).unwrap();
            assert_eq!(label(&read), label(&payload), "{text}");
        }
    }
    assert_eq!(
        FIRMWARE,
        Payload::read(FIRMWARE).unwrap().to_json().expose()
    );
    let refused = |text| Payload::read(text).unwrap().to_compact().unwrap_err();
    assert_eq!(
        refused(r#"{"name":"n"}"#),
        CompactFormError::Lacks("transport")
    );
    assert_eq!(
        refused(r#"{"transport":"ble"}"#),
        CompactFormError::Lacks("name")
    );
    assert_eq!(
        refused(r#"{"name":"a|b","transport":"ble"}"#),
        CompactFormError::Bar
    );
    assert_eq!(
        refused(r#"{"name":"n","transport":"ble","password":"k"}"#),
        CompactFormError::Loses("password")
    );
}

/// Texts of the significant parts of a payload, in any order; and damaged payloads.
#[test]
fn no_text_causes_a_panic() {
    const PIECES: [&str; 24] = [
        "{",
        "}",
        "\"",
        ":",
        ",",
        "\\",
        "|",
        "%",
        "%7B",
        "+",
        "&",
        "#",
        "NP:",
        "https://",
        "?data=",
        "\"pop\":",
        "\"name\":\"",
        "\",\"transport\":\"",
        "é",
        "\u{1b}[0m",
        " ",
        "\n",
        "1",
        "\u{feff}",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below
    };
    for _ in 0..20_000 {
        let text = if draw(2) == 0 {
            (0..draw(14))
                .map(|_| PIECES[draw(PIECES.len())])
                .collect::<String>()
        } else {
            let mut text: Vec<char> = to_url(FIRMWARE).expose().chars().collect();
            if draw(2) == 0 {
                text = FIRMWARE.chars().collect();
            }
            for _ in 0..=draw(3) {
                let at = draw(text.len());
                let piece = PIECES[draw(PIECES.len())];
                text.splice(at..(at + draw(3)).min(text.len()), piece.chars());
            }
            text.into_iter().collect()
        };
        let _read = Payload::read(&text);
        let _found = find_in_log_line(&text);
    }
}
