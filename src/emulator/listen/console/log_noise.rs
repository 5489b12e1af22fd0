//! The output of a board besides protocomm's replies: log lines in the format of `esp_log`, key dumps, the
//! chip's banner, the boot log with its QR code. The board decides when it prints them.
//!
//! Since ESP-IDF 6, firmware logs the keys of Security 1 at INFO. The emulator logs the real public keys,
//! but not the shared key, which remains in the security scheme: it logs other bytes of that length.

use clap::ValueEnum;
use prost::Message as _;
use tokio::time::Instant;

use crate::proto::protocomm::SessionData;
use crate::proto::protocomm::sec1_payload::Payload;
use crate::proto::protocomm::session_data::Proto;
use crate::qr::PAGE;
use crate::qr::drawing::{Drawing, Terminal};

/// How much of its log a board prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Noise {
    /// Nothing of it.
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
    booted_at: Instant,
    next: usize,
    device_key: Vec<u8>,
}

impl LogNoise {
    pub(super) fn new(noise: Noise, booted_at: Instant) -> Self {
        Self {
            noise,
            booted_at,
            next: 0,
            device_key: Vec::new(),
        }
    }

    /// The milliseconds since the chip started, as in the log.
    pub(super) fn elapsed_ms(&self, now: Instant) -> u128 {
        now.saturating_duration_since(self.booted_at).as_millis()
    }

    /// Formats a log line; empty without a log.
    pub(super) fn format_line(&self, now: Instant, entry: &str) -> String {
        self.format_line_at(self.elapsed_ms(now), entry)
    }

    fn format_line_at(&self, ms: u128, entry: &str) -> String {
        match self.noise {
            Noise::None => String::new(),
            Noise::Light | Noise::Heavy => format_log_line(ms, entry),
        }
    }

    /// The next line of another task.
    pub(super) fn next_line(&mut self, now: Instant) -> String {
        let index = self.next.checked_rem(OTHERS.len() + 1).unwrap_or(0);
        self.next = self.next.wrapping_add(1);
        match OTHERS.get(index) {
            Some(entry) => self.format_line(now, entry),
            // Output of an application, without a tag.
            None if self.noise == Noise::Heavy => "25.3 C\r\n".to_owned(),
            None => String::new(),
        }
    }

    /// Formats the keys that the handler of a handshake logs.
    pub(super) fn format_keys(
        &mut self,
        now: Instant,
        request: &[u8],
        reply: Option<&[u8]>,
    ) -> String {
        let mut text = String::new();
        let mut dump =
            |label: &str, bytes: &[u8]| text.push_str(&self.format_dump(now, label, bytes));
        match (decode_payload(request), reply.and_then(decode_payload)) {
            (Some(Payload::Sc0(command)), Some(Payload::Sr0(answer))) => {
                let (key, random) = (answer.device_pubkey, answer.device_random);
                dump("Device pubkey", &key);
                dump("Client pubkey", &command.client_pubkey);
                dump("Shared key", &fake_shared_key(&key, &random));
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

    /// Formats bytes as `ESP_LOG_BUFFER_HEX_LEVEL`: sixteen bytes per line, each followed by a space.
    fn format_dump(&self, now: Instant, label: &str, bytes: &[u8]) -> String {
        let mut text = self.format_line(now, &format!("I security1: {label}:"));
        for row in bytes.chunks(16) {
            let mut entry = "I security1: ".to_owned();
            entry.extend(row.iter().map(|byte| format!("{byte:02x} ")));
            text.push_str(&self.format_line(now, &entry));
        }
        text
    }

    /// Formats the log of a start, until the console is ready.
    pub(super) fn format_boot_log(&mut self, now: Instant, qr_code: Option<&str>) -> String {
        self.booted_at = now;
        let mut text = BOOT_LOG
            .map(|(ms, entry)| self.format_line_at(ms, entry))
            .concat();
        let Some(payload) = qr_code else {
            return text;
        };
        // The flag for the QR code enables these lines, even without noise.
        text.extend(QR_CODE_LOG.map(|(ms, entry)| format_log_line(ms, entry)));
        text.push_str(&format_log_line(1042, &format!("I QRCODE: {payload}")));
        // Firmware logs an error instead of drawing a payload that is too long.
        let drawing = Drawing::of(payload).map(|drawing| drawing.lines(Terminal::LightOnDark));
        for row in drawing.unwrap_or_default() {
            text.extend([&*row, "\r\n"]);
        }
        // Not percent-encoded, and within one entry of the log.
        let url = format!(
            "I app_network: If QR code is not visible, copy paste the below URL in a browser.\r\n\
             {PAGE}?data={payload}"
        );
        text.push_str(&format_log_line(1278, &url));
        text
    }
}

fn format_log_line(ms: u128, entry: &str) -> String {
    let (level, rest) = entry.split_once(' ').unwrap_or(("I", entry));
    let color = match level {
        "E" => 31,
        "W" => 33,
        _ => 32,
    };
    format!("\x1b[0;{color}m{level} ({ms}) {rest}\x1b[0m\r\n")
}

fn decode_payload(message: &[u8]) -> Option<Payload> {
    match SessionData::decode(message).ok()?.proto? {
        Proto::Sec1(sec1) => sec1.payload,
        _ => None,
    }
}

/// Bytes in place of the shared key.
fn fake_shared_key(key: &[u8], random: &[u8]) -> Vec<u8> {
    let random = random.iter().cycle();
    key.iter().rev().zip(random).map(|(a, b)| a ^ b).collect()
}

/// The output of the chip when it starts, before the firmware.
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

/// Lines of other tasks: none has only digits, and one contains almost a prompt.
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
    fn no_log_line_has_only_digits() {
        let now = Instant::now();
        let mut noise = LogNoise::new(Noise::Heavy, now);
        let mut text: String = (0..20).map(|_| noise.next_line(now)).collect();
        assert!(text.contains("25.3 C"), "{text}");
        text.push_str(BANNER);
        text.push_str(&noise.format_boot_log(now, Some("{}")));
        text.push_str(&noise.format_dump(now, "Device random", &[0xab; 16]));
        for line in text.split("\r\n").filter(|line| !line.is_empty()) {
            assert!(!line.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
        }
    }

    #[test]
    fn dump_has_sixteen_bytes_per_line() {
        let booted = Instant::now();
        let now = booted + Duration::from_millis(7);
        let noise = LogNoise::new(Noise::Light, booted);
        assert_eq!(
            noise.format_dump(now, "Device random", &[0xab; 17]),
            format!(
                "\x1b[0;32mI (7) security1: Device random:\x1b[0m\r\n\
                 \x1b[0;32mI (7) security1: {}\x1b[0m\r\n\
                 \x1b[0;32mI (7) security1: ab \x1b[0m\r\n",
                "ab ".repeat(16)
            )
        );
        let silent = LogNoise::new(Noise::None, booted);
        assert_eq!(silent.format_dump(now, "Device random", b"a"), "");
    }
}
