//! Ambiguous texts are refused: line breaks, backslashes, and payloads of several devices.

use super::*;

#[test]
fn does_not_read_over_a_line_break() {
    let other = r#"I (12) params: {"Power":"on"}"#;
    let last = r#"{"ver":"v1","name":"PROV_x","transport":"softap","pop":"abc12345"}"#;
    let compact = "NP:PROV_x|abc12345|s";
    for (first, pop) in [
        (last, Some("abc12345")),
        (compact, Some("abc12345")),
        (&format!("{PAGE}?data={compact}"), Some("abc12345")),
        (&format!("{PAGE}?data={last}"), Some("abc12345")),
        (&last.replace("c1", "c\"1"), Some("abc\"12345")),
        (&last[..62], None),
        (
            r#"{"ver":"v1","name":"PROV_x","transport":"softap","pop":"a"b"} {"Power":"on"}"#,
            None,
        ),
    ] {
        for other in [other, "I (12) | a|b", "I (12) | a|s", "\"}"] {
            for end in ["\n", "\r\n"] {
                let log = format!("{first}{end}{other}");
                Payload::read(&log).unwrap_err();
                let read = find_in_log(log.as_bytes()).unwrap();
                let read = read.as_ref().and_then(|read| read.pop.as_ref());
                assert_eq!(read.map(|pop| pop.expose().as_str()), pop, "{log}");
            }
        }
    }
    // Bytes that are not text are not part of a value, whether or not they are characters.
    for noise in [&b"\xff"[..], b"\x01", b"\x7f"] {
        let (before, after) = last.split_at(59);
        let log = [
            b"rst:\xff\x00\n",
            before.as_bytes(),
            noise,
            after.as_bytes(),
        ]
        .concat();
        assert!(find_in_log(&log).unwrap().is_none(), "{noise:?}");
        let log = [b"rst:", noise, b"\n", last.as_bytes(), b"\n\xfe"].concat();
        assert!(find_in_log(&log).unwrap().is_some(), "{noise:?}");
    }
}

#[test]
fn refuses_ambiguous_backslash_without_mark() {
    for (key, value) in [
        ("pop", r"ab\tcd"),
        ("pop", r#"a\"b"#),
        ("name", r"\\"),
        ("password", r"\/"),
    ] {
        let text = format!(r#"{{"ver":"v1","{key}":"{value}","transport":"ble"}}"#);
        let error = Payload::read(&text).unwrap_err();
        assert_eq!(error.problem, Problem::TwoReadings { key }, "{text}");
        let marked = text.replacen('{', r#"{"escaped":true,"#, 1);
        Payload::read(&marked).unwrap();
    }
    let line = format!("I (1) app: {}", FIRMWARE.replace("7a9d", r"7a\n9d"));
    let fault = find_in_log_line(&line).unwrap_err();
    assert_eq!(fault, Problem::TwoReadings { key: "pop" });
    assert!(find(r#"I (1) node: {"name":"a\nb","type":"x"}"#).is_none());
}

#[test]
fn refuses_payloads_of_several_devices() {
    let other = FIRMWARE.replace("fc9ea3", "fc9ea4");
    let both = format!("{FIRMWARE}\n{other}\n");
    assert_eq!(
        find_in_log(both.as_bytes()).unwrap_err().problem,
        Problem::Several
    );
    let on_a_line = format!("{FIRMWARE} {other}");
    assert_eq!(find_in_log_line(&on_a_line).unwrap_err(), Problem::Several);
    let compact = "NP:PROV_fc9ea3|7a9d365e|b";
    let cut = &FIRMWARE[..70];
    for order in [[compact, FIRMWARE, cut], [cut, compact, FIRMWARE]] {
        let log = order.join("\n");
        let payload = find_in_log(log.as_bytes()).unwrap().unwrap();
        assert_eq!(payload.username.as_deref(), Some("wifiprov"));
        assert_eq!(
            label(&payload),
            (Some("PROV_fc9ea3"), Some("7a9d365e"), Some("ble"))
        );
        assert_eq!(payload.remarks, []);
    }
    let matter = "I (1) chip[SVR]: SetupQRCode: [MT:Y.K9042C00KA0648G00]\nI (2) x";
    assert_eq!(
        find_in_log(matter.as_bytes()).unwrap_err().problem,
        Problem::Matter
    );
}
