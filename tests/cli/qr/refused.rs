//! What is refused where it would have to be guessed which device, which file or which network is
//! meant.

use std::fs;

use espctl::qr::image::{PictureError, read};
use image::{GrayImage, Luma};

use super::{LABEL, at, decode, encode};
use crate::support::device::{Device, fresh_path};
use crate::support::espctl::espctl;

#[test]
fn rejects_payloads_with_no_device_or_two() {
    let log = fresh_path("two.log");
    fs::write(
        &log,
        format!("{LABEL}\n{}\n", LABEL.replace("7a9d", "7a9e")),
    )
    .unwrap();
    let output = espctl(["qr", "decode", &at(&log)]).output().exits(2);
    assert!(output.stderr.contains("several devices"), "{output}");
    for nothing in ["{}", r#"{"a":1}"#] {
        let result = decode(nothing).exits(2).result();
        assert_eq!(result["error"]["id"], "invalid-qrcode", "{nothing}");
    }
    let bytes = fresh_path("boot.log");
    fs::write(
        &bytes,
        [b"\xff\x00rst\n", LABEL.as_bytes(), b"\n\xfe"].concat(),
    )
    .unwrap();
    assert_eq!(
        decode(&at(&bytes)).exits(0).result()["payload"]["pop"],
        "7a9d365e"
    );
    fs::write(
        &bytes,
        b"\xff\nI (1) chip[SVR]: SetupQRCode: [MT:Y.K9042C00KA0648G00]\n",
    )
    .unwrap();
    assert_eq!(
        decode(&at(&bytes)).exits(2).result()["error"]["id"],
        "matter-code"
    );
}

/// Codes side by side, some of them light on dark.
fn side_by_side(codes: &[(&str, bool)]) -> Vec<u8> {
    let tiles: Vec<GrayImage> = codes
        .iter()
        .map(|(text, is_inverted)| {
            let png = espctl::qr::drawing::Drawing::of(text)
                .unwrap()
                .png()
                .unwrap();
            let mut tile = image::load_from_memory(&png).unwrap();
            if *is_inverted {
                tile.invert();
            }
            tile.to_luma8()
        })
        .collect();
    let size = tiles.iter().map(GrayImage::width).max().unwrap();
    let count = u32::try_from(tiles.len()).unwrap();
    let mut picture = GrayImage::from_pixel(size * count, size, Luma([255]));
    for (tile, at) in tiles.iter().zip(0_i64..) {
        image::imageops::replace(&mut picture, tile, at * i64::from(size), 0);
    }
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

#[test]
fn rejects_picture_with_two_devices() {
    let other = LABEL.replace("7a9d365e", "7a9d365f");
    for is_inverted in [false, true] {
        let two = side_by_side(&[(LABEL, false), (&other, is_inverted)]);
        assert!(
            matches!(read(&two), Err(PictureError::Several)),
            "{is_inverted}"
        );
        for beside in [
            "NP:PROV_fc9ea3|7a9d365e|b",
            r#"{"a":1}"#,
            "https://example.com",
        ] {
            let one = side_by_side(&[(beside, is_inverted), (LABEL, false)]);
            let found = read(&one).unwrap();
            assert_eq!(found.text.unwrap().expose(), LABEL, "{beside}");
        }
    }
}

#[test]
fn writes_no_file_after_rejection() {
    let (new, there) = (fresh_path("new.png"), fresh_path("there.svg"));
    fs::write(&there, "mine").unwrap();
    let [new_file, there_file] = [&new, &there].map(|path| path.to_str().unwrap());
    encode(&["--png", new_file, "--svg", there_file, LABEL]).exits(2);
    assert!(!new.exists());
    let output = encode(&["--force", "--png", new_file, "--svg", new_file, LABEL]).exits(2);
    assert!(output.stderr.contains("the same file"), "{output}");
    assert!(!new.exists());
}

#[cfg(unix)]
#[test]
fn force_replaces_link_but_not_its_target() {
    let (link, target) = (fresh_path("link.svg"), fresh_path("target"));
    fs::write(&target, "somebody else's").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let file = link.to_str().unwrap();
    encode(&["--svg", file, LABEL]).exits(2);
    encode(&["--force", "--svg", file, LABEL]).exits(0);
    assert_eq!(fs::read_to_string(&target).unwrap(), "somebody else's");
    assert!(fs::read_to_string(&link).unwrap().contains("<svg"));
    assert!(!link.symlink_metadata().unwrap().is_symlink());
}

#[test]
fn thread_label_gets_no_wifi() {
    let device = Device::start(&[]);
    let label = format!(
        r#"{{"ver":"v1","pop":"{}","transport":"softap","network":"thread"}}"#,
        device.pop()
    );
    let mut line: Vec<String> = vec!["provision".into(), "--no-cloud".into()];
    line.extend(device.address());
    let rest = [
        "--qrcode",
        &label,
        "--ssid",
        "Home",
        "--passphrase",
        "correct horse battery",
    ];
    line.extend(rest.map(str::to_owned));
    let output = espctl(line).output().exits(2);
    assert!(output.stderr.contains("provisions Wi-Fi only"), "{output}");
    assert!(device.log_entries("connection_opened").is_empty());
}
