//! The two lines of a UART, and the driver's buffers behind them: when a byte has left or arrived, and
//! what is lost. Pure: it is told the time. Not what the bytes say, and not the pty they travel on.
//!
//! Everything that a board prints shares one line. What arrives waits in the hardware until that is
//! nearly full or the line is idle; then it moves to the driver's ring, and an event says so
//! (`uart_driver_install` and the defaults of ESP-IDF's `uart.c`).

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// A UART at one speed.
#[derive(Debug)]
pub(super) struct Uart {
    /// Ten bits: start, eight, stop. Zero: everything is there at once.
    byte_time: Duration,
    /// What was printed and has not left.
    out: VecDeque<u8>,
    /// When the first of it began to.
    out_from: Instant,
    /// What the other side has sent and has not arrived.
    wire: VecDeque<u8>,
    /// When the first of it was sent.
    wire_from: Instant,
    /// What has arrived and nobody was told of.
    hardware: VecDeque<u8>,
    last_arrival: Instant,
    ring: VecDeque<u8>,
    events: usize,
    lost: usize,
}

impl Uart {
    /// `baud` bits a second; 0 takes no time.
    pub(super) fn new(baud: u32, now: Instant) -> Self {
        let nanos = BITS_A_BYTE.checked_div(u64::from(baud));
        // Rounded up, so that it is never faster than it says.
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

    /// Puts this on the line, behind what is there already.
    pub(super) fn print(&mut self, now: Instant, bytes: &[u8]) {
        if self.out.is_empty() {
            self.out_from = self.out_from.max(now);
        }
        self.out.extend(bytes);
    }

    /// What has left by now.
    pub(super) fn sent(&mut self, now: Instant) -> Vec<u8> {
        let count = self.count_until(self.out_from, now).min(self.out.len());
        self.out_from = self.after(self.out_from, count);
        self.out.drain(..count).collect()
    }

    /// Whether a task that prints has to wait for the hardware.
    pub(super) fn is_clogged(&self) -> bool {
        self.out.len() >= HARDWARE
    }

    /// Whether everything that was printed has left.
    pub(super) fn is_silent(&self) -> bool {
        self.out.is_empty()
    }

    /// Whether the other side's bytes are wanted: what it sends in one go is sent without a gap.
    pub(super) fn wants_bytes(&self) -> bool {
        self.wire.len() < HARDWARE
    }

    /// What the other side sends, from now on.
    pub(super) fn take(&mut self, now: Instant, bytes: &[u8]) {
        if self.wire.is_empty() {
            self.wire_from = self.wire_from.max(now);
        }
        self.wire.extend(bytes);
    }

    /// Lets arrive what has arrived by now.
    pub(super) fn receive(&mut self, now: Instant) {
        let count = self.count_until(self.wire_from, now).min(self.wire.len());
        let arrived: Vec<u8> = self.wire.drain(..count).collect();
        for byte in arrived {
            self.wire_from = self.after(self.wire_from, 1);
            if self.wire_from > self.idle_at() {
                self.hand_over();
            }
            self.hardware.push_back(byte);
            self.last_arrival = self.wire_from;
            if self.hardware.len() >= NEARLY_FULL {
                self.hand_over();
            }
        }
        if self.idle_at() <= now {
            self.hand_over();
        }
    }

    /// Takes an event, if there is one: that there is something to read.
    pub(super) fn event(&mut self) -> bool {
        let is_one = self.events > 0;
        self.events = self.events.saturating_sub(1);
        is_one
    }

    /// Reads one byte.
    pub(super) fn read(&mut self) -> Option<u8> {
        self.ring.pop_front()
    }

    /// How many bytes were lost since this was last asked.
    pub(super) fn take_lost(&mut self) -> usize {
        std::mem::take(&mut self.lost)
    }

    /// Forgets what has arrived, as a chip that starts.
    pub(super) fn forget_input(&mut self) {
        self.hardware.clear();
        self.ring.clear();
        self.events = 0;
    }

    /// When something changes of itself.
    pub(super) fn next_turn(&self) -> Option<Instant> {
        let leaves = (!self.out.is_empty()).then(|| {
            // A timer's grain: nobody is woken for every byte.
            let grain = self
                .count_until(self.out_from, self.out_from + GRAIN)
                .max(1);
            self.after(self.out_from, grain.min(self.out.len()))
        });
        let room = NEARLY_FULL.saturating_sub(self.hardware.len());
        let arrives = if self.wire.len() >= room {
            Some(self.after(self.wire_from, room))
        } else if !self.wire.is_empty() {
            Some(self.after(self.wire_from, self.wire.len().saturating_add(IDLE)))
        } else {
            (!self.hardware.is_empty()).then(|| self.idle_at())
        };
        [leaves, arrives].into_iter().flatten().min()
    }

    /// To the ring, and an event if there is room for one.
    fn hand_over(&mut self) {
        if self.hardware.is_empty() {
            return;
        }
        for byte in self.hardware.drain(..) {
            if self.ring.len() < RING {
                self.ring.push_back(byte);
            } else {
                self.lost = self.lost.saturating_add(1);
            }
        }
        self.events = self.events.saturating_add(1).min(QUEUE);
    }

    fn idle_at(&self) -> Instant {
        self.after(self.last_arrival, IDLE)
    }

    fn after(&self, moment: Instant, bytes: usize) -> Instant {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        moment + self.byte_time.saturating_mul(bytes)
    }

    /// How many bytes fit in between.
    fn count_until(&self, from: Instant, now: Instant) -> usize {
        let between = now.saturating_duration_since(from).as_nanos();
        let count = between.checked_div(self.byte_time.as_nanos());
        let count = count.and_then(|count| usize::try_from(count).ok());
        count.unwrap_or(usize::MAX)
    }
}

/// In nanoseconds at one baud.
const BITS_A_BYTE: u64 = 10_000_000_000;
/// `SOC_UART_FIFO_LEN`, in either direction.
const HARDWARE: usize = 128;
/// `UART_FULL_THRESH_DEFAULT`.
const NEARLY_FULL: usize = 120;
/// `UART_TOUT_THRESH_DEFAULT`, in the time of a byte.
const IDLE: usize = 10;
/// What protocomm's console asks the driver for: a ring of as many bytes, and as many events.
const RING: usize = 256;
const QUEUE: usize = 8;
const GRAIN: Duration = Duration::from_millis(1);

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
    async fn a_byte_takes_ten_bits_on_the_one_line_for_all_that_is_printed() {
        let start = Instant::now();
        let mut uart = Uart::new(10_000, start);
        uart.print(start, &[b'a'; 5]);
        uart.print(start, b"bc");
        assert_eq!(uart.sent(start + Duration::from_micros(999)), b"");
        assert_eq!(uart.sent(start + ms(3)), b"aa");
        assert_eq!(uart.sent(start + ms(8)), b"aaabc");
        assert!(uart.is_silent());
        // A pause is not made up for.
        uart.print(start + ms(100), b"d");
        assert_eq!(uart.sent(start + ms(100)), b"");
        assert_eq!(uart.next_turn().unwrap() - start, uart.byte_time + ms(100));
    }

    #[tokio::test]
    async fn at_no_speed_everything_is_there_at_once() {
        let start = Instant::now();
        let mut uart = Uart::new(0, start);
        uart.print(start, &[b'a'; 1000]);
        assert_eq!(uart.sent(start).len(), 1000);
        uart.take(start, b"abc");
        uart.receive(start);
        assert!(uart.event() && !uart.event());
        assert_eq!(read_all(&mut uart), 3);
    }

    #[tokio::test]
    async fn what_arrives_is_told_when_the_line_is_idle_or_the_hardware_nearly_full() {
        let start = Instant::now();
        let mut uart = Uart::new(10_000, start);
        uart.take(start, &[b'a'; 30]);
        uart.receive(start + ms(35));
        assert!(!uart.event());
        uart.receive(start + ms(41));
        assert!(uart.event());
        assert_eq!(read_all(&mut uart), 30);
        uart.take(start + ms(100), &[b'a'; 130]);
        uart.receive(start + ms(225));
        assert!(uart.event() && !uart.event());
        assert_eq!(read_all(&mut uart), 120);
    }

    #[tokio::test]
    async fn the_ring_holds_256_bytes_and_the_queue_eight_events() {
        let start = Instant::now();
        let mut uart = Uart::new(0, start);
        for _ in 0..30 {
            uart.take(start, &[b'a'; 10]);
            uart.receive(start);
        }
        assert_eq!(uart.take_lost(), 300 - 256);
        assert_eq!(std::iter::from_fn(|| uart.event().then_some(())).count(), 8);
        assert_eq!(read_all(&mut uart), 256);
    }
}
