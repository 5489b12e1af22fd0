//! The provisioning manager's states, one rule a test. Time is paused: no socket is open here.

mod generations;

use super::*;
use crate::emulator::device::firmware::Firmware;
use crate::emulator::device::world::World;
use crate::secret::Secret;
use crate::security::DeviceSecret;

const RIGHT: &str = "correct horse battery";

fn settings() -> DeviceSettings {
    DeviceSettings::new(DeviceSecret::Sec0)
}

fn of(world: World) -> Manager {
    Manager::new(Arc::new(DeviceSettings {
        world,
        ..settings()
    }))
}

fn manager() -> Manager {
    of(World::neighborhood())
}

fn config(ssid: &str, passphrase: &str) -> StoredConfig {
    StoredConfig {
        ssid: ssid.as_bytes().to_vec(),
        passphrase: Secret::new(passphrase.as_bytes().to_vec()),
    }
}

fn applied(ssid: &str, passphrase: &str, at: Instant) -> Manager {
    let mut manager = manager();
    manager.store(config(ssid, passphrase));
    manager.apply(at).unwrap();
    manager
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// The station's state in a word, so that a test reads as a table.
fn word(station: &Station) -> String {
    match station {
        Station::Connecting => "connecting".to_owned(),
        Station::AttemptFailed { remaining } => format!("{remaining} left"),
        Station::Connected(point) => format!("connected to {}", point.bssid[5]),
        Station::Failed(reason) => format!("{reason:?}"),
    }
}

#[test]
fn reports_connecting_before_apply() {
    let mut manager = manager();
    let now = Instant::now() + ms(3_600_000);
    assert_eq!(word(&manager.report_station(now)), "connecting");
    assert_eq!(manager.stops_at(), None);
}

#[test]
fn apply_uses_up_stored_credentials() {
    let t = Instant::now();
    let mut manager = manager();
    assert!(manager.apply(t).is_none());
    manager.store(config("Home", RIGHT));
    assert!(manager.apply(t).is_some());
    // A second one while the first is under way fails, and takes its credentials with it.
    manager.store(config("Guest", ""));
    assert!(manager.apply(t).is_none());
    assert_eq!(manager.stored.as_ref().map(|_| ()), None);
}

#[test]
fn successful_join_ends_service() {
    let t = Instant::now();
    let mut manager = applied("Home", RIGHT, t);
    assert_eq!(word(&manager.report_station(t + ms(999))), "connecting");
    assert_eq!(word(&manager.report_station(t + ms(2199))), "connecting");
    // Without a request: thirty seconds from the address.
    let unrequested = (t + ms(2200 + 30_000), StopReason::ResultNotRequested);
    assert_eq!(manager.stops_at(), Some(unrequested));
    assert_eq!(manager.next_event_at(), Some(t + ms(2200)));
    assert_eq!(manager.take_events(t + ms(2199)), []);
    let joined = (t + ms(2200), ManagerEvent::Joined(b"Home".to_vec()));
    assert_eq!(manager.take_events(t + ms(5000)), [joined]);
    assert_eq!(manager.take_events(t + ms(5000)), []);
    assert_eq!(manager.next_event_at(), None);
    assert_eq!(
        word(&manager.report_station(t + ms(6000))),
        "connected to 1"
    );
    // The first report counts, not the last.
    assert_eq!(
        word(&manager.report_station(t + ms(6500))),
        "connected to 1"
    );
    let reported = (t + ms(7000), StopReason::Provisioned);
    assert_eq!(manager.stops_at(), Some(reported));
    // Stopping: nothing is taken any more.
    assert!(!manager.reset(t + ms(6600)));
    manager.store(config("Home", RIGHT));
    assert!(manager.apply(t + ms(6600)).is_none());
}

#[test]
fn wrong_passphrase_has_firmware_number_of_attempts() {
    let t = Instant::now();
    let mut manager = applied("Home", "wrong horse", t);
    for (at, expected) in [
        (2499, "connecting"),
        (2500, "2 left"),
        (4000, "1 left"),
        (5499, "1 left"),
        (5500, "AuthError"),
        (600_000, "AuthError"),
    ] {
        assert_eq!(
            word(&manager.report_station(t + ms(at))),
            expected,
            "at {at} ms"
        );
    }
    assert_eq!(manager.stops_at(), None);
}

#[test]
fn failure_requires_reset_before_next_apply() {
    let t = Instant::now();
    let mut manager = applied("Nowhere", RIGHT, t);
    assert!(!manager.reset(t + ms(100)));
    let failed = t + ms(60_000);
    assert_eq!(word(&manager.report_station(failed)), "NetworkNotFound");
    manager.store(config("Home", RIGHT));
    assert!(manager.apply(failed).is_none());
    assert!(manager.reset(failed));
    assert_eq!(word(&manager.report_station(failed)), "NetworkNotFound");
    // At the start already: succeeds as well, since 1.2.1.
    assert!(manager.reset(failed));
    manager.store(config("Home", RIGHT));
    assert!(manager.apply(failed).is_some());
    assert_eq!(word(&manager.report_station(failed)), "connecting");
    assert_eq!(
        word(&manager.report_station(failed + ms(2200))),
        "connected to 1"
    );
}

#[test]
fn unrelated_failure_reports_stale_reason() {
    let t = Instant::now();
    let end = ms(60_000);
    let mut manager = applied("Office", RIGHT, t);
    assert_eq!(word(&manager.report_station(t + end)), "AuthError");
    let mut manager = applied("Nowhere", RIGHT, t);
    assert!(manager.reset(t + end));
    manager.store(config("Office", RIGHT));
    manager.apply(t + end).unwrap();
    assert_eq!(
        word(&manager.report_station(t + end * 2)),
        "NetworkNotFound"
    );
}

#[test]
fn unlimited_attempts_never_report_unrelated_failure() {
    let t = Instant::now();
    for (ssid, passphrase, expected) in [
        ("Office", RIGHT, "connecting"),
        ("Home", "wrong horse", "AuthError"),
        ("Nowhere", "", "NetworkNotFound"),
    ] {
        let firmware = Firmware::V5;
        let mut manager = Manager::new(Arc::new(DeviceSettings {
            firmware,
            ..settings()
        }));
        manager.store(config(ssid, passphrase));
        manager.apply(t).unwrap();
        assert_eq!(word(&manager.report_station(t + ms(2499))), "connecting");
        assert_eq!(word(&manager.report_station(t + ms(900_000))), expected);
    }
}

#[test]
fn scan_sorts_results_by_strength() {
    let t = Instant::now();
    let mut manager = manager();
    let whole = CmdScanWifiStart {
        blocking: true,
        passive: false,
        group_channels: 0,
        period_ms: 100,
    };
    assert!(manager.is_scan_finished(t));
    assert_eq!(manager.scan(t, whole), ms(1400));
    assert_eq!(manager.scan(t + ms(5), whole), Duration::ZERO);
    assert!(!manager.is_scan_finished(t + ms(1399)));
    assert!(manager.scan_results(t + ms(1399)).is_empty());
    assert!(manager.is_scan_finished(t + ms(1400)));
    let strengths: Vec<i8> = manager
        .scan_results(t + ms(1400))
        .iter()
        .map(|point| point.rssi)
        .collect();
    assert_eq!(strengths, [-44, -51, -58, -63, -67, -72, -80]);
}

#[test]
fn grouped_scan_adds_results_by_channel() {
    let t = Instant::now();
    let mut manager = manager();
    let grouped = CmdScanWifiStart {
        blocking: true,
        passive: false,
        group_channels: 5,
        period_ms: 96,
    };
    // 96 ms and a fifth of 120 ms for each of 13 channels.
    assert_eq!(manager.scan(t, grouped), ms(13 * 120));
    let seen = |after: u64| manager.scan_results(t + ms(after)).len();
    assert_eq!(seen(119), 0);
    assert_eq!(seen(120), 1);
    assert_eq!(seen(6 * 120), 4);
    assert!(!manager.is_scan_finished(t + ms(6 * 120)));
    assert_eq!(seen(13 * 120), 7);
}

#[test]
fn no_more_than_sixteen_are_reported() {
    let t = Instant::now();
    let mut world = World::neighborhood();
    while world.access_points.len() < 40 {
        world.access_points.push(world.access_points[0].clone());
    }
    let mut manager = of(world);
    let takes = manager.scan(
        t,
        CmdScanWifiStart {
            blocking: true,
            passive: true,
            group_channels: 0,
            period_ms: 0,
        },
    );
    assert_eq!(takes, ms(14 * 360));
    assert_eq!(manager.scan_results(t + takes).len(), 16);
}

#[test]
fn scan_after_apply_never_ends() {
    let t = Instant::now();
    let request = CmdScanWifiStart {
        blocking: true,
        passive: false,
        group_channels: 0,
        period_ms: 10,
    };
    let mut manager = applied("Nowhere", RIGHT, t);
    assert_eq!(manager.scan(t + ms(10), request), NEVER);
    let failed = t + ms(60_000);
    assert!(!manager.is_scan_finished(failed));
    assert!(manager.reset(failed));
    // Even after the reset: "already running".
    assert_eq!(manager.scan(failed, request), Duration::ZERO);
    assert!(!manager.is_scan_finished(failed + NEVER));
}

#[test]
fn apply_prevents_end_of_running_scan() {
    let t = Instant::now();
    let mut manager = manager();
    manager.scan(
        t,
        CmdScanWifiStart {
            blocking: true,
            passive: false,
            group_channels: 0,
            period_ms: 100,
        },
    );
    manager.store(config("Home", RIGHT));
    manager.apply(t + ms(1000)).unwrap();
    assert!(!manager.is_scan_finished(t + ms(100_000)));
}
