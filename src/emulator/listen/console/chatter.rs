//! What a board prints besides protocomm's own words: log lines as `esp_log` writes them, key dumps,
//! the chip's banner, the boot log with its QR code. Only the texts; when they are printed is the
//! console's.
//!
//! Firmware dumps the keys of Security 1 at INFO since ESP-IDF 6: of these, what travels is printed
//! as it is. The shared key is the schemes' own and stays there; bytes of its length stand in for
//! it.

use std::fmt::Write as _;

use prost::Message as _;

use crate::proto::protocomm::sec1_payload::Payload;
use crate::proto::protocomm::session_data::Proto;
use crate::proto::protocomm::{SessionData, SessionResp0};
use crate::qr::PAGE;
use crate::qr::drawing::{Drawing, Terminal};

/// How much of the log is on the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noise {
    /// None of it.
    None,
    /// What firmware prints at INFO, and now and then a line of another task.
    #[default]
    Light,
    /// Other tasks print all the time, in the middle of the echo, too.
    Heavy,
}

/// Writes log lines.
#[derive(Debug)]
pub(super) struct Chatter {
    pub(super) noise: Noise,
    next: usize,
    device_key: Vec<u8>,
}

/// A line's level.
#[derive(Clone, Copy, Debug)]
pub(super) enum Level {
    Error,
    Warning,
    Info,
}

impl Chatter {
    pub(super) fn new(noise: Noise) -> Self {
        Self {
            noise,
            next: 0,
            device_key: Vec::new(),
        }
    }

    /// A line, if there is a log.
    pub(super) fn line(&self, ms: u128, level: Level, tag: &str, text: &str) -> String {
        if self.noise == Noise::None {
            return String::new();
        }
        log_line(ms, level, tag, text)
    }

    /// A line of another task.
    pub(super) fn another(&mut self, ms: u128) -> String {
        let place = self.next.checked_rem(OTHERS.len() + 1).unwrap_or(0);
        self.next = self.next.wrapping_add(1);
        match OTHERS.get(place) {
            Some((level, tag, text)) => self.line(ms, *level, tag, text),
            // An application's own words, which no tag announces.
            None if self.noise == Noise::Heavy => "25.3 C\r\n".to_owned(),
            None => String::new(),
        }
    }

    /// What the handler of a handshake prints: the keys.
    pub(super) fn key_dump(&mut self, ms: u128, request: &[u8], reply: Option<&[u8]>) -> String {
        let mut text = String::new();
        let mut dump = |label: &str, bytes: &[u8]| text.push_str(&self.dump(ms, label, bytes));
        let sent = payload(request);
        let answered = reply.and_then(payload);
        match (sent, answered) {
            (Some(Payload::Sc0(command)), Some(Payload::Sr0(answer))) => {
                let SessionResp0 {
                    device_pubkey,
                    device_random,
                    ..
                } = answer;
                dump("Device pubkey", &device_pubkey);
                dump("Client pubkey", &command.client_pubkey);
                dump("Shared key", &stand_in(&device_pubkey, &device_random));
                dump("Device random", &device_random);
                self.device_key = device_pubkey;
            }
            (Some(Payload::Sc1(command)), answer) => {
                dump("Client verifier", &command.client_verify_data);
                if let Some(Payload::Sr1(answer)) = answer {
                    dump("Dec Client verifier", &self.device_key);
                    dump("Device verify data", &answer.device_verify_data);
                }
            }
            _ => {}
        }
        text
    }

    /// `ESP_LOG_BUFFER_HEX_LEVEL`: sixteen bytes a line, each followed by a space.
    fn dump(&self, ms: u128, label: &str, bytes: &[u8]) -> String {
        let mut text = self.line(ms, Level::Info, SECURITY1, &format!("{label}:"));
        for row in bytes.chunks(16) {
            let digits = row.iter().fold(String::new(), |mut digits, byte| {
                // Writing to a String cannot fail.
                let _written = write!(digits, "{byte:02x} ");
                digits
            });
            text.push_str(&self.line(ms, Level::Info, SECURITY1, &digits));
        }
        text
    }
}

fn log_line(ms: u128, level: Level, tag: &str, text: &str) -> String {
    let (letter, colour) = match level {
        Level::Error => ('E', 31),
        Level::Warning => ('W', 33),
        Level::Info => ('I', 32),
    };
    format!("\x1b[0;{colour}m{letter} ({ms}) {tag}: {text}\x1b[0m\r\n")
}

fn payload(message: &[u8]) -> Option<Payload> {
    match SessionData::decode(message).ok()?.proto? {
        Proto::Sec1(sec1) => sec1.payload,
        _ => None,
    }
}

/// Looks like a key, and is none.
fn stand_in(key: &[u8], random: &[u8]) -> Vec<u8> {
    key.iter()
        .rev()
        .zip(random.iter().cycle())
        .map(|(one, other)| one ^ other)
        .collect()
}

/// What the chip prints when it starts, before any firmware runs.
pub(super) const BANNER: &str = "ets Jul 29 2019 12:21:46\r\n\r\n\
    rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n\
    configsip: 0, SPIWP:0xee\r\n\
    mode:DIO, clock div:2\r\n\
    load:0x3fff0030,len:7176\r\n\
    entry 0x400805e4\r\n";

/// What the firmware prints until its console is there.
pub(super) fn boot_lines(chatter: &Chatter, qr_code: Option<&str>) -> String {
    let mut text = String::new();
    for (ms, tag, what) in [
        (29, "boot", "ESP-IDF v6.0 2nd stage bootloader"),
        (318, "cpu_start", "Multicore app"),
        (341, "main_task", "Calling app_main()"),
        (527, "wifi", "wifi firmware version: 3ea4c76"),
    ] {
        text.push_str(&chatter.line(ms, Level::Info, tag, what));
    }
    let Some(payload) = qr_code else {
        return text;
    };
    // The boot log was asked for, whatever else is printed.
    for (ms, tag, what) in [
        (812, "app_network", "Starting provisioning"),
        (
            1021,
            "app_network",
            "Scan this QR code from the ESP RainMaker phone app for Provisioning.",
        ),
        (
            1034,
            "QRCODE",
            "Encoding below text with ECC LVL 0 & QR Code Version 10",
        ),
        (1042, "QRCODE", payload),
    ] {
        text.push_str(&log_line(ms, Level::Info, tag, what));
    }
    // One that is too long for a code is not drawn; firmware says so.
    let drawing = Drawing::of(payload).map(|drawing| drawing.lines(Terminal::LightOnDark));
    for row in drawing.unwrap_or_default() {
        text.push_str(&row);
        text.push_str("\r\n");
    }
    // Not percent-encoded, and within one entry of the log.
    let url = format!(
        "If QR code is not visible, copy paste the below URL in a browser.\r\n{PAGE}?data={payload}"
    );
    text.push_str(&log_line(1278, Level::Info, "app_network", &url));
    text
}

const SECURITY1: &str = "security1";

/// Lines of other tasks: none of bare digits, and one with what is almost a prompt.
const OTHERS: [(Level, &str, &str); 8] = [
    (
        Level::Info,
        "wifi",
        "new:<6,0>, old:<1,0>, ap:<255,255>, sta:<6,0>, prof:1",
    ),
    (Level::Info, "wifi", "state: init -> auth (b0)"),
    (Level::Info, "app", "free heap 187432, lowest 142208"),
    (
        Level::Warning,
        "wifi",
        "Haven't to connect to a suitable AP now!",
    ),
    (Level::Info, "app", "queue 2 >> 3"),
    (
        Level::Info,
        "gpio",
        "GPIO[4]| InputEn: 1| OutputEn: 0| Pullup: 1",
    ),
    (Level::Error, "i2c", "device 3c did not answer: deadbeef"),
    (Level::Info, "sensor", "0a1b 2c3d 4e5f"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_the_log_is_bare_digits() {
        let mut chatter = Chatter::new(Noise::Heavy);
        let mut text: String = (0..20).map(|ms| chatter.another(ms)).collect();
        assert!(text.contains("25.3 C"), "{text}");
        text.push_str(BANNER);
        text.push_str(&boot_lines(&chatter, Some("{}")));
        text.push_str(&chatter.dump(1, "Device random", &[0xab; 16]));
        for line in text.split("\r\n").filter(|line| !line.is_empty()) {
            assert!(!line.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
        }
    }

    #[test]
    fn a_dump_has_sixteen_bytes_a_line() {
        let chatter = Chatter::new(Noise::Light);
        assert_eq!(
            chatter.dump(7, "Device random", &[0xab; 17]),
            format!(
                "\x1b[0;32mI (7) security1: Device random:\x1b[0m\r\n\
                 \x1b[0;32mI (7) security1: {}\x1b[0m\r\n\
                 \x1b[0;32mI (7) security1: ab \x1b[0m\r\n",
                "ab ".repeat(16)
            )
        );
        assert_eq!(Chatter::new(Noise::None).dump(7, "Device random", b"a"), "");
    }
}
