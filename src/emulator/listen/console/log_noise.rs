//! What a board prints besides protocomm's own words: log lines as `esp_log` writes them, key dumps,
//! the chip's banner, the boot log with its QR code. Only the texts; the board decides when they are
//! printed.
//!
//! Firmware dumps the keys of Security 1 at INFO since ESP-IDF 6: of these, what travels is printed
//! as it is. The shared key stays in the security scheme; bytes of its length stand in for it.

use std::fmt::Write as _;

use prost::Message as _;
use tokio::time::Instant;

use crate::proto::protocomm::SessionData;
use crate::proto::protocomm::sec1_payload::Payload;
use crate::proto::protocomm::session_data::Proto;
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
    /// Other tasks print all the time, also in the middle of the echo.
    Heavy,
}

/// Writes log lines. An entry is a level, a tag and a text, as in `I wifi: connected`.
#[derive(Debug)]
pub(super) struct LogNoise {
    noise: Noise,
    booted: Instant,
    next: usize,
    device_key: Vec<u8>,
}

impl LogNoise {
    pub(super) fn new(noise: Noise, booted: Instant) -> Self {
        Self {
            noise,
            booted,
            next: 0,
            device_key: Vec::new(),
        }
    }

    /// The time since the chip started, as the log has it.
    pub(super) fn ms(&self, now: Instant) -> u128 {
        now.saturating_duration_since(self.booted).as_millis()
    }

    /// A line, if there is a log.
    pub(super) fn line(&self, now: Instant, entry: &str) -> String {
        self.line_at(self.ms(now), entry)
    }

    fn line_at(&self, ms: u128, entry: &str) -> String {
        if self.noise == Noise::None {
            return String::new();
        }
        log_line(ms, entry)
    }

    /// A line of another task.
    pub(super) fn next_line(&mut self, now: Instant) -> String {
        let place = self.next.checked_rem(OTHERS.len() + 1).unwrap_or(0);
        self.next = self.next.wrapping_add(1);
        match OTHERS.get(place) {
            Some(entry) => self.line(now, entry),
            // An application's own words, without a tag.
            None if self.noise == Noise::Heavy => "25.3 C\r\n".to_owned(),
            None => String::new(),
        }
    }

    /// What the handler of a handshake prints: the keys.
    pub(super) fn key_dump(
        &mut self,
        now: Instant,
        request: &[u8],
        reply: Option<&[u8]>,
    ) -> String {
        let mut text = String::new();
        let mut dump = |label: &str, bytes: &[u8]| text.push_str(&self.dump(now, label, bytes));
        match (payload(request), reply.and_then(payload)) {
            (Some(Payload::Sc0(command)), Some(Payload::Sr0(answer))) => {
                let (key, random) = (answer.device_pubkey, answer.device_random);
                dump("Device pubkey", &key);
                dump("Client pubkey", &command.client_pubkey);
                dump("Shared key", &stand_in(&key, &random));
                dump("Device random", &random);
                self.device_key = key;
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
    fn dump(&self, now: Instant, label: &str, bytes: &[u8]) -> String {
        let mut text = self.line(now, &format!("I security1: {label}:"));
        for row in bytes.chunks(16) {
            let mut entry = "I security1: ".to_owned();
            for byte in row {
                // Writing to a String cannot fail.
                let _written = write!(entry, "{byte:02x} ");
            }
            text.push_str(&self.line(now, &entry));
        }
        text
    }

    /// What the firmware prints from its start until its console is there.
    pub(super) fn boot(&mut self, now: Instant, qr_code: Option<&str>) -> String {
        self.booted = now;
        let mut text = BOOT_LOG.map(|(ms, entry)| self.line_at(ms, entry)).concat();
        let Some(payload) = qr_code else {
            return text;
        };
        // The flag that shows a QR code prints these lines, with noise or without.
        text.extend(QR_CODE_LOG.map(|(ms, entry)| log_line(ms, entry)));
        text.push_str(&log_line(1042, &format!("I QRCODE: {payload}")));
        // Firmware logs an error instead of drawing a payload that is too long.
        let drawing = Drawing::of(payload).map(|drawing| drawing.lines(Terminal::LightOnDark));
        for row in drawing.unwrap_or_default() {
            text.push_str(&row);
            text.push_str("\r\n");
        }
        // Not percent-encoded, and within one entry of the log.
        let url = format!(
            "I app_network: If QR code is not visible, copy paste the below URL in a browser.\r\n\
             {PAGE}?data={payload}"
        );
        text.push_str(&log_line(1278, &url));
        text
    }
}

fn log_line(ms: u128, entry: &str) -> String {
    let (level, rest) = entry.split_once(' ').unwrap_or(("I", entry));
    let color = match level {
        "E" => 31,
        "W" => 33,
        _ => 32,
    };
    format!("\x1b[0;{color}m{level} ({ms}) {rest}\x1b[0m\r\n")
}

fn payload(message: &[u8]) -> Option<Payload> {
    match SessionData::decode(message).ok()?.proto? {
        Proto::Sec1(sec1) => sec1.payload,
        _ => None,
    }
}

/// Bytes that look like a shared key.
fn stand_in(key: &[u8], random: &[u8]) -> Vec<u8> {
    let random = random.iter().cycle();
    key.iter().rev().zip(random).map(|(a, b)| a ^ b).collect()
}

/// What the chip prints when it starts, before any firmware runs.
pub(super) const BANNER: &str = "ets Jul 29 2019 12:21:46\r\n\r\n\
    rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n\
    configsip: 0, SPIWP:0xee\r\n\
    mode:DIO, clock div:2\r\n\
    load:0x3fff0030,len:7176\r\n\
    entry 0x400805e4\r\n";

const BOOT_LOG: [(u128, &str); 4] = [
    (29, "I boot: ESP-IDF v6.0 2nd stage bootloader"),
    (318, "I cpu_start: Multicore app"),
    (341, "I main_task: Calling app_main()"),
    (527, "I wifi: wifi firmware version: 3ea4c76"),
];

const QR_CODE_LOG: [(u128, &str); 3] = [
    (812, "I app_network: Starting provisioning"),
    (
        1021,
        "I app_network: Scan this QR code from the ESP RainMaker phone app for Provisioning.",
    ),
    (
        1034,
        "I QRCODE: Encoding below text with ECC LVL 0 & QR Code Version 10",
    ),
];

/// Lines of other tasks: none of bare digits, and one with what is almost a prompt.
const OTHERS: [&str; 8] = [
    "I wifi: new:<6,0>, old:<1,0>, ap:<255,255>, sta:<6,0>, prof:1",
    "I wifi: state: init -> auth (b0)",
    "I app: free heap 187432, lowest 142208",
    "W wifi: Haven't to connect to a suitable AP now!",
    "I app: queue 2 >> 3",
    "I gpio: GPIO[4]| InputEn: 1| OutputEn: 0| Pullup: 1",
    "E i2c: device 3c did not answer: deadbeef",
    "I sensor: 0a1b 2c3d 4e5f",
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_line_of_the_log_is_bare_digits() {
        let now = Instant::now();
        let mut noise = LogNoise::new(Noise::Heavy, now);
        let mut text: String = (0..20).map(|_| noise.next_line(now)).collect();
        assert!(text.contains("25.3 C"), "{text}");
        text.push_str(BANNER);
        text.push_str(&noise.boot(now, Some("{}")));
        text.push_str(&noise.dump(now, "Device random", &[0xab; 16]));
        for line in text.split("\r\n").filter(|line| !line.is_empty()) {
            assert!(!line.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
        }
    }

    #[test]
    fn a_dump_has_sixteen_bytes_a_line() {
        let booted = Instant::now();
        let now = booted + Duration::from_millis(7);
        let noise = LogNoise::new(Noise::Light, booted);
        assert_eq!(
            noise.dump(now, "Device random", &[0xab; 17]),
            format!(
                "\x1b[0;32mI (7) security1: Device random:\x1b[0m\r\n\
                 \x1b[0;32mI (7) security1: {}\x1b[0m\r\n\
                 \x1b[0;32mI (7) security1: ab \x1b[0m\r\n",
                "ab ".repeat(16)
            )
        );
        let silent = LogNoise::new(Noise::None, booted);
        assert_eq!(silent.dump(now, "Device random", b"a"), "");
    }
}
