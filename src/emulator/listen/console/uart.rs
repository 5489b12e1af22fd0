//! The two lines of a UART, with the buffers of its driver: computes when bytes have left or arrived, and
//! which are lost. Each call passes the time.
//!
//! All output of a board shares one line. Received bytes wait in the hardware until it is nearly full or
//! the line is idle; then they move to the driver's ring, which adds an event (`uart_driver_install` and
//! the defaults of ESP-IDF's `uart.c`).

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// A UART at one speed.
#[derive(Debug)]
pub(super) struct Uart {
    /// The time of ten bits: start, eight, stop. Zero: bytes arrive at once.
    byte_time: Duration,
    /// The output that has not left.
    out: VecDeque<u8>,
    /// When its first byte began to leave.
    out_from: Instant,
    /// The input that has not arrived.
    wire: VecDeque<u8>,
    /// When its first byte was sent.
    wire_from: Instant,
    /// The input that has arrived, without an event.
    hardware: VecDeque<u8>,
    last_arrival: Instant,
    ring: VecDeque<u8>,
    events: usize,
    lost: usize,
}

impl Uart {
    /// `baud` bits per second; with 0, bytes take no time.
    pub(super) fn new(baud: u32, now: Instant) -> Self {
        let nanos = BYTE_TIME_AT_ONE_BAUD.checked_div(u64::from(baud));
        // Rounded up, so that it is never faster than the baud rate.
        let more = u64::from(nanos.is_some());
        Self {
            byte_time: Duration::from_nanos(nanos.unwrap_or(0).saturating_add(more)),
            out: VecDeque::new(),
            out_from: now,
            wire: VecDeque::new(),
            wire_from: now,
            hardware: VecDeque::new(),
            last_arrival: now,
            ring: VecDeque::new(),
            events: 0,
            lost: 0,
        }
    }

    /// Appends output.
    pub(super) fn print(&mut self, now: Instant, bytes: impl AsRef<[u8]>) {
        if self.out.is_empty() {
            self.out_from = self.out_from.max(now);
        }
        self.out.extend(bytes.as_ref());
    }

    /// Takes the output that has left.
    pub(super) fn take_sent(&mut self, now: Instant) -> Vec<u8> {
        let count = self.count_bytes(self.out_from, now).min(self.out.len());
        self.out_from = self.add_byte_times(self.out_from, count);
        self.out.drain(..count).collect()
    }

    /// Whether a printing task has to wait for the hardware.
    pub(super) fn is_clogged(&self) -> bool {
        self.out.len() >= FIFO_LENGTH
    }

    /// Whether all output has left.
    pub(super) fn is_sent(&self) -> bool {
        self.out.is_empty()
    }

    /// Whether the line accepts more input now: bytes that a client sends at once arrive without a gap.
    pub(super) fn accepts_bytes(&self) -> bool {
        self.wire.len() < FIFO_LENGTH
    }

    /// Adds input, which arrives from now on.
    pub(super) fn receive_later(&mut self, now: Instant, bytes: &[u8]) {
        if self.wire.is_empty() {
            self.wire_from = self.wire_from.max(now);
        }
        self.wire.extend(bytes);
    }

    /// Moves the input that has arrived to the hardware and the ring.
    pub(super) fn receive(&mut self, now: Instant) {
        let count = self.count_bytes(self.wire_from, now).min(self.wire.len());
        let arrived: Vec<u8> = self.wire.drain(..count).collect();
        for byte in arrived {
            self.wire_from = self.add_byte_times(self.wire_from, 1);
            if self.wire_from > self.idle_at() {
                self.move_to_ring();
            }
            self.hardware.push_back(byte);
            self.last_arrival = self.wire_from;
            if self.hardware.len() >= FULL_THRESHOLD {
                self.move_to_ring();
            }
        }
        if self.idle_at() <= now {
            self.move_to_ring();
        }
    }

    /// Takes an event, if there is one: the ring has input.
    pub(super) fn take_event(&mut self) -> bool {
        let is_one = self.events > 0;
        self.events = self.events.saturating_sub(1);
        is_one
    }

    /// Reads a byte of the ring.
    pub(super) fn read(&mut self) -> Option<u8> {
        self.ring.pop_front()
    }

    /// Takes the number of bytes lost since the last call.
    pub(super) fn take_lost(&mut self) -> usize {
        std::mem::take(&mut self.lost)
    }

    /// Discards received input, as a starting chip does.
    pub(super) fn discard_input(&mut self) {
        self.hardware.clear();
        self.ring.clear();
        self.events = 0;
    }

    /// When the next change is due.
    pub(super) fn next_due_at(&self) -> Option<Instant> {
        let leaves = (!self.out.is_empty()).then(|| {
            // One wake-up for several bytes.
            let until = self.out_from + WAKE_INTERVAL;
            let count = self.count_bytes(self.out_from, until).max(1);
            self.add_byte_times(self.out_from, count.min(self.out.len()))
        });
        let room = FULL_THRESHOLD.saturating_sub(self.hardware.len());
        let arrives = if self.wire.len() >= room {
            Some(self.add_byte_times(self.wire_from, room))
        } else if !self.wire.is_empty() {
            let bytes = self.wire.len().saturating_add(IDLE_THRESHOLD);
            Some(self.add_byte_times(self.wire_from, bytes))
        } else {
            (!self.hardware.is_empty()).then(|| self.idle_at())
        };
        [leaves, arrives].into_iter().flatten().min()
    }

    /// Moves the hardware's bytes to the ring, and adds an event if there is room for one.
    fn move_to_ring(&mut self) {
        if self.hardware.is_empty() {
            return;
        }
        for byte in self.hardware.drain(..) {
            if self.ring.len() < RING_LENGTH {
                self.ring.push_back(byte);
            } else {
                self.lost = self.lost.saturating_add(1);
            }
        }
        self.events = self.events.saturating_add(1).min(QUEUE_LENGTH);
    }

    fn idle_at(&self) -> Instant {
        self.add_byte_times(self.last_arrival, IDLE_THRESHOLD)
    }

    fn add_byte_times(&self, moment: Instant, bytes: usize) -> Instant {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        moment + self.byte_time.saturating_mul(bytes)
    }

    /// The number of bytes between two moments.
    fn count_bytes(&self, from: Instant, now: Instant) -> usize {
        let between = now.saturating_duration_since(from).as_nanos();
        let count = between.checked_div(self.byte_time.as_nanos());
        let count = count.and_then(|count| usize::try_from(count).ok());
        count.unwrap_or(usize::MAX)
    }
}

/// Nanoseconds of a byte at one baud.
const BYTE_TIME_AT_ONE_BAUD: u64 = 10_000_000_000;
/// `SOC_UART_FIFO_LEN`, in each direction.
const FIFO_LENGTH: usize = 128;
/// `UART_FULL_THRESH_DEFAULT`.
const FULL_THRESHOLD: usize = 120;
/// `UART_TOUT_THRESH_DEFAULT`, in byte times.
const IDLE_THRESHOLD: usize = 10;
/// The ring and the event queue that protocomm's console requests from the driver.
const RING_LENGTH: usize = 256;
const QUEUE_LENGTH: usize = 8;
const WAKE_INTERVAL: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn read_all(uart: &mut Uart) -> usize {
        std::iter::from_fn(|| uart.read()).count()
    }

    #[tokio::test]
    async fn byte_takes_ten_bits_on_shared_line() {
        let start = Instant::now();
        let mut uart = Uart::new(10_000, start);
        uart.print(start, [b'a'; 5]);
        uart.print(start, b"bc");
        assert_eq!(uart.take_sent(start + Duration::from_micros(999)), b"");
        assert_eq!(uart.take_sent(start + ms(3)), b"aa");
        assert_eq!(uart.take_sent(start + ms(8)), b"aaabc");
        assert!(uart.is_sent());
        // A pause adds no speed later.
        uart.print(start + ms(100), b"d");
        assert_eq!(uart.take_sent(start + ms(100)), b"");
        assert_eq!(
            uart.next_due_at().unwrap() - start,
            uart.byte_time + ms(100)
        );
    }

    #[tokio::test]
    async fn baud_rate_zero_takes_no_time() {
        let start = Instant::now();
        let mut uart = Uart::new(0, start);
        uart.print(start, [b'a'; 1000]);
        assert_eq!(uart.take_sent(start).len(), 1000);
        uart.receive_later(start, b"abc");
        uart.receive(start);
        assert!(uart.take_event() && !uart.take_event());
        assert_eq!(read_all(&mut uart), 3);
    }

    #[tokio::test]
    async fn event_follows_idle_line_or_full_hardware() {
        let start = Instant::now();
        let mut uart = Uart::new(10_000, start);
        uart.receive_later(start, &[b'a'; 30]);
        uart.receive(start + ms(35));
        assert!(!uart.take_event());
        uart.receive(start + ms(41));
        assert!(uart.take_event());
        assert_eq!(read_all(&mut uart), 30);
        uart.receive_later(start + ms(100), &[b'a'; 130]);
        uart.receive(start + ms(225));
        assert!(uart.take_event() && !uart.take_event());
        assert_eq!(read_all(&mut uart), 120);
    }

    #[tokio::test]
    async fn ring_has_256_bytes_and_queue_eight_events() {
        let start = Instant::now();
        let mut uart = Uart::new(0, start);
        for _ in 0..30 {
            uart.receive_later(start, &[b'a'; 10]);
            uart.receive(start);
        }
        assert_eq!(uart.take_lost(), 300 - 256);
        assert_eq!(
            std::iter::from_fn(|| uart.take_event().then_some(())).count(),
            8
        );
        assert_eq!(read_all(&mut uart), 256);
    }
}
