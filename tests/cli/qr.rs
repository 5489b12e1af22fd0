//! Labels: every input form of a payload, the messages about it, and codes that decode to the payload
//! that they were made of.

mod distorted;
mod refused;

use std::fs;
use std::path::Path;

use espctl::qr::image::read;
use image::{GrayImage, Luma};
use serde_json::{Value, json};

use crate::support::device::{Device, fresh_path};
use crate::support::espctl::{Output, espctl};

const LABEL: &str =
    r#"{"ver":"v1","name":"PROV_fc9ea3","username":"wifiprov","pop":"7a9d365e","transport":"ble"}"#;

fn decode(argument: &str) -> Output {
    espctl(["qr", "decode", "--format", "json", argument]).output()
}

fn at(path: &Path) -> String {
    format!("@{}", path.display())
}

#[test]
fn decodes_every_input_form_equally() {
    let page = "https://rainmaker.espressif.com/qrcode.html?data=";
    let text = fresh_path("label.json");
    fs::write(&text, format!("\u{feff}{LABEL}\r\n")).unwrap();
    let log = fresh_path("boot.log");
    let line = format!("I (1278) app_network: see\r\n\u{1b}[0;32m{page}{LABEL}\u{1b}[0m\r\n");
    fs::write(&log, format!("rst:0x1 (POWERON_RESET)\r\n{line}esp> ")).unwrap();
    let png = fresh_path("label.png");
    encode(&["--png", png.to_str().unwrap(), LABEL]).exits(0);
    let jpeg = fresh_path("label.jpg");
    image::open(&png).unwrap().to_rgb8().save(&jpeg).unwrap();
    let forms = [
        LABEL.to_owned(),
        "NP:PROV_fc9ea3|7a9d365e|b".to_owned(),
        format!("{page}{LABEL}"),
        format!("{page}{}", LABEL.replace('"', "%22")),
        format!("{page}NP%3APROV_fc9ea3%7C7a9d365e%7Cb"),
        at(&text),
        at(&log),
        at(&png),
        at(&jpeg),
    ];
    for form in forms {
        let payload = decode(&form).exits(0).result()["payload"].clone();
        for (key, value) in [
            ("name", "PROV_fc9ea3"),
            ("pop", "7a9d365e"),
            ("transport", "ble"),
        ] {
            assert_eq!(payload[key], value, "{form}: {payload}");
        }
    }
    for bytes in [LABEL.as_bytes(), &fs::read(&png).unwrap()] {
        let output = espctl(["qr", "decode", "-"]).stdin(bytes).output().exits(0);
        assert!(output.stdout.contains("7a9d365e"), "{output}");
        assert!(output.stdout.contains("--qrcode - "), "{output}");
    }
}

#[test]
fn decoded_label_is_described_with_next_command() {
    let all = r#"{"ver":"v1","name":"PROV_1","username":"u","pop":"p'q","transport":"SoftAP","security":2,"network":"wifi","password":"hotspot-key"}"#;
    let output = espctl(["qr", "decode", all]).output().exits(0);
    for part in [
        "PROV_1",
        "softap (a hotspot of the device)",
        "p'q",
        "security       2",
        "u (Security 2)",
        "wifi",
        "hotspot-key",
        "Join its hotspot",
        r#"espctl provision --qrcode "{\"ver\":\"v1\""#,
        r#"\"pop\":\"p'q\""#,
        "--ssid SSID --passphrase-file FILE",
    ] {
        assert!(output.stdout.contains(part), "{part}\n{output}");
    }
    let keys = &decode(all).exits(0).result()["payload"];
    let expected = json!({"ver": "v1", "name": "PROV_1", "username": "u", "pop": "p'q",
        "transport": "softap", "security": 2, "network": "wifi", "password": "hotspot-key"});
    assert_eq!(*keys, expected);

    let thread = r#"{"name":"PROV_1","transport":"ble","network":"thread"}"#;
    let output = espctl(["qr", "decode", thread]).output().exits(0);
    assert!(output.stdout.contains("Thread network"), "{output}");
}

#[test]
fn truncated_payload_is_used_with_a_warning() {
    let cut = r#"{"ver":"v1","name":"PROV_fc9ea3","transport":"ble","pop":"7a9d"#;
    let output = espctl(["qr", "decode", cut]).output().exits(0);
    assert!(!output.stdout.replace(cut, "").contains("7a9d"), "{output}");
    assert!(output.stdout.contains("--pop POP"), "{output}");
    let warning = "warning: PAYLOAD: the payload ends in the middle of \"pop\", which is not used";
    assert!(output.stderr.contains(warning), "{output}");
    let result = decode(cut).exits(0).result();
    assert_eq!(
        (&result["cut"], &result["payload"]["pop"]),
        (&json!("pop"), &Value::Null)
    );
    let output = encode(&[cut]).exits(2);
    assert!(output.stderr.contains("no label is made of it"), "{output}");
}

#[test]
fn malformed_payload_error_has_position_without_value() {
    for (text, id, place) in [
        ("", "invalid-qrcode", "line 1, column 1"),
        (
            "{ver:v1,pop:7a9d365e}",
            "invalid-qrcode",
            "line 1, column 2",
        ),
        (
            r#"{"name":1,"pop":"7a9d365e"}"#,
            "invalid-qrcode",
            "line 1, column 9",
        ),
        ("NP:PROV_1|7a9d365e", "invalid-qrcode", "line 1, column 19"),
        (
            "https://example.com/?data=%7B%22pop%22:7a9d365e}",
            "invalid-qrcode",
            "line 1, column",
        ),
        (
            "https://example.com/?pop=7a9d365e",
            "invalid-qrcode",
            "line 1, column 34",
        ),
        ("MT:Y.K9042C00KA0648G00", "matter-code", "line 1, column 1"),
    ] {
        for command in [&["qr", "decode"][..], &["device", "info", "--qrcode"]] {
            let output = espctl([command, &[text]].concat()).output();
            if text.is_empty() && command.len() == 3 {
                continue;
            }
            let output = output.exits(2);
            assert!(output.stderr.contains(place), "{text}\n{output}");
            assert!(!output.stderr.contains("7a9d365e"), "{text}\n{output}");
            assert!(
                output.stderr.contains(&format!("explain {id}")),
                "{text}\n{output}"
            );
        }
    }
    let matter = espctl(["qr", "decode", "MT:Y.K90"]).output().exits(2);
    assert!(matter.stderr.contains("hub for Matter"), "{matter}");
}

#[test]
fn prints_values_ready_to_copy() {
    let label = r#"{"ver":"v1","name":"back\slash","pop":"a\c"b","transport":"ble"}"#;
    let output = espctl(["qr", "decode", label]).output().exits(0);
    for value in ["back\\slash\n", "a\\c\"b\n"] {
        assert!(output.stdout.contains(value), "{value}{output}");
    }
    // What is made of it is marked, and reads back.
    let made = encode(&["--format", "json", label]).exits(0).result();
    let made = made["qrcode"].as_str().unwrap();
    assert!(made.contains(r#""escaped":true"#), "{made}");
    let payload = decode(made).exits(0).result()["payload"].clone();
    assert_eq!(
        (&payload["name"], &payload["pop"]),
        (&json!("back\\slash"), &json!("a\\c\"b"))
    );
    let unclear = r#"{"ver":"v1","name":"n","pop":"7a\t9d","transport":"ble"}"#;
    let output = espctl(["qr", "decode", unclear]).output().exits(2);
    assert!(output.stderr.contains("pass `--pop`"), "{output}");
    assert!(!output.stderr.contains("9d"), "{output}");
}

#[test]
fn distinguishes_pictures_without_a_label() {
    let id = |name: &str, bytes: &[u8]| {
        let path = fresh_path(name);
        fs::write(&path, bytes).unwrap();
        let output = decode(&at(&path)).exits(2);
        output.result()["error"]["id"].as_str().unwrap().to_owned()
    };
    let drawn = |text: &str| {
        let code = espctl::qr::drawing::Drawing::of(text).unwrap();
        code.png().unwrap()
    };
    let whole = drawn(LABEL);
    assert_eq!(id("half.png", &whole[..whole.len() / 2]), "unreadable-file");
    assert_eq!(id("begun.jpg", b"\xff\xd8\xff\xe0"), "unreadable-file");
    assert_eq!(id("bytes.bin", b"\x00\xff\xfe"), "unreadable-file");
    assert_eq!(
        id("other.png", &drawn("https://example.com")),
        "invalid-qrcode"
    );
    assert_eq!(
        id("matter.png", &drawn("MT:Y.K9042C00KA0648G00")),
        "matter-code"
    );
    // A picture whose header claims a width and height of 100,000 pixels.
    let mut huge = whole;
    huge[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
    assert_eq!(id("huge.png", &huge), "unreadable-file");
}

/// A file that begins like a picture can have any content: espctl reports it and does not panic.
#[test]
fn damaged_pictures_do_not_panic() {
    let png = espctl::qr::drawing::Drawing::of(LABEL)
        .unwrap()
        .png()
        .unwrap();
    let mut jpeg = std::io::Cursor::new(Vec::new());
    let picture = image::load_from_memory(&png).unwrap().thumbnail(200, 200);
    picture
        .to_rgb8()
        .write_to(&mut jpeg, image::ImageFormat::Jpeg)
        .unwrap();
    let whole = jpeg.into_inner();
    for step in 0..60 {
        let mut damaged = whole.clone();
        // Everywhere in the file, the tables at its beginning included.
        let at = 4 + step * (whole.len() - 8) / 60;
        damaged[at] ^= 0x5a;
        damaged[at + 1] = 0xff;
        if let Ok(found) = read(&damaged) {
            assert_eq!(found.text.unwrap().expose(), LABEL);
        }
    }
}

fn encode(arguments: &[&str]) -> Output {
    espctl(["qr", "encode"].iter().chain(arguments)).output()
}

/// The text of the code in a picture.
fn text_in(picture: &GrayImage) -> String {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    let found = read(&bytes.into_inner()).unwrap();
    found.text.unwrap().expose().clone()
}

/// Half blocks as a terminal shows them: eight pixels for a module.
fn as_pixels(screen: &str, is_light_on_dark: bool) -> GrayImage {
    let rows: Vec<Vec<char>> = screen.lines().map(|line| line.chars().collect()).collect();
    let (width, height) = (rows[0].len(), rows.len() * 2);
    let side = |modules: usize| u32::try_from(modules * 8).unwrap();
    GrayImage::from_fn(side(width), side(height), |x, y| {
        let [x, y] = [x, y].map(|pixel| usize::try_from(pixel / 8).unwrap());
        let written = match rows[y / 2].get(x).copied().unwrap_or(' ') {
            '█' => true,
            '▀' => y % 2 == 0,
            '▄' => y % 2 == 1,
            ' ' => false,
            other => panic!("{other:?}\n{screen}"),
        };
        Luma([if written == is_light_on_dark { 255 } else { 0 }])
    })
}

/// The rectangles of our own SVG: `M8 8h16v8H8V8`.
fn rasterised(svg: &str) -> GrayImage {
    let number = |text: &str| text.parse::<u32>().unwrap();
    let attribute = |name: &str| {
        svg.split_once(&format!(" {name}=\""))
            .unwrap()
            .1
            .split('"')
            .next()
            .unwrap()
    };
    let side = number(attribute("width"));
    let mut picture = GrayImage::from_pixel(side, side, Luma([255]));
    for part in attribute("d").split('M').skip(1) {
        let numbers: Vec<u32> = part.split([' ', 'h', 'v', 'H', 'V']).map(number).collect();
        let [left, top, width, height, ..] = numbers[..] else {
            panic!("{part}");
        };
        for (x, y) in (left..left + width).flat_map(|x| (top..top + height).map(move |y| (x, y))) {
            picture.put_pixel(x, y, Luma([0]));
        }
    }
    picture
}

#[test]
fn encoded_code_decodes_to_same_payload() {
    let url = "https://rainmaker.espressif.com/qrcode.html?data=";
    for (flags, expected) in [
        (&[][..], LABEL.to_owned()),
        (&["--compact"], "NP:PROV_fc9ea3|7a9d365e|b".to_owned()),
        (
            &["--compact", "--url"],
            format!("{url}NP%3APROV_fc9ea3%7C7a9d365e%7Cb"),
        ),
    ] {
        let line = [flags, &[LABEL]].concat();
        let screen = encode(&line).exits(0).stdout;
        assert_eq!(text_in(&as_pixels(&screen, true)), expected);
        let screen = encode(&[&line[..], &["--invert"]].concat()).exits(0).stdout;
        assert_eq!(text_in(&as_pixels(&screen, false)), expected);
        let (png, svg) = (fresh_path("drawn.png"), fresh_path("drawn.svg"));
        let files = [
            "--png",
            png.to_str().unwrap(),
            "--svg",
            svg.to_str().unwrap(),
        ];
        encode(&[&line[..], &files].concat()).exits(0);
        assert_eq!(text_in(&image::open(&png).unwrap().to_luma8()), expected);
        assert_eq!(
            text_in(&rasterised(&fs::read_to_string(&svg).unwrap())),
            expected
        );
    }
    // In the other polarity it is inverted, and reads as well.
    let screen = encode(&[LABEL]).exits(0).stdout;
    assert_eq!(text_in(&as_pixels(&screen, false)), LABEL);
    let result = encode(&["--format", "json", "--url", LABEL])
        .exits(0)
        .result();
    assert!(
        result["qrcode"].as_str().unwrap().starts_with(url),
        "{result}"
    );
    // What means nothing to us stays in it.
    let more = r#"{"name":"PROV_1","more":[1]}"#;
    assert_eq!(
        encode(&["--format", "json", more]).exits(0).result()["qrcode"],
        more
    );
}

#[test]
fn existing_file_needs_force() {
    let path = fresh_path("kept.svg");
    fs::write(&path, "mine").unwrap();
    let file = path.to_str().unwrap();
    let output = encode(&["--svg", file, LABEL]).exits(2);
    assert!(output.stderr.contains("--force"), "{output}");
    assert!(
        output.stderr.contains("explain unwritable-file"),
        "{output}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    encode(&["--force", "--svg", file, LABEL]).exits(0);
    assert!(fs::read_to_string(&path).unwrap().contains("<svg"));
    let output = encode(&[
        "--compact",
        r#"{"name":"n","transport":"ble","password":"k"}"#,
    ]);
    assert!(output.exits(2).stderr.contains("no place for \"password\""));
}

#[test]
fn provisions_from_picture_of_label() {
    let device = Device::start(&[]);
    let label = device.ready["qrcode"].as_str().unwrap();
    let png = fresh_path("device.png");
    encode(&["--png", png.to_str().unwrap(), label]).exits(0);
    let mut line: Vec<String> = vec!["provision".into(), "--no-cloud".into()];
    line.extend(device.address());
    let rest = [
        "--qrcode",
        &at(&png),
        "--ssid",
        "Home",
        "--passphrase",
        "correct horse battery",
    ];
    line.extend(rest.map(str::to_owned));
    espctl(line).output().exits(0);
    assert_eq!(device.log_entries("secured").len(), 1);
}
