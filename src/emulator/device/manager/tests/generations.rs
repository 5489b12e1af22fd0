//! The manager of older firmware, and of scenarios: what becomes of an apply, and when.

use super::*;

fn trying(firmware: Firmware, scenarios: &[Scenario], ssid: &str, t: Instant) -> Manager {
    let mut manager = Manager::new(Arc::new(DeviceSettings {
        firmware,
        scenarios: scenarios.to_vec(),
        ..settings()
    }));
    manager.store(config(ssid, RIGHT));
    manager.apply(t).unwrap();
    manager
}

#[test]
fn scenarios_decide_how_joining_ends() {
    use Firmware::{NetworkProvisioning as Np, V5, V44};
    use Scenario::{
        AttemptsCountdown, AuthExpire, EndlessConnecting, NotFound, WrongPassphrase, WrongReason,
    };
    let t = Instant::now();
    for (firmware, scenario, after_one, in_the_end) in [
        (Np, WrongPassphrase, "2 left", "AuthError"),
        (V5, WrongPassphrase, "AuthError", "AuthError"),
        (V44, NotFound, "NetworkNotFound", "NetworkNotFound"),
        (Np, AttemptsCountdown, "4 left", "AuthError"),
        (Np, WrongReason, "2 left", "AuthError"),
        (Np, AuthExpire, "2 left", "AuthError"),
        (V5, AuthExpire, "connecting", "connecting"),
        (V44, AuthExpire, "AuthError", "AuthError"),
        (Np, EndlessConnecting, "connecting", "connecting"),
        (V44, EndlessConnecting, "connecting", "connecting"),
    ] {
        let mut manager = trying(firmware, &[scenario], "Home", t);
        let name = format!("{firmware} {scenario}");
        assert_eq!(
            word(&manager.report_station(t + ms(2600))),
            after_one,
            "{name}"
        );
        assert_eq!(
            word(&manager.report_station(t + ms(90_000))),
            in_the_end,
            "{name}"
        );
    }
}

#[test]
fn example_resets_after_five_failures() {
    let t = Instant::now();
    let mut manager = trying(Firmware::V44, &[], "Nowhere", t);
    // The first failure is at 2.5 s, the fifth six seconds later.
    let fifth = t + ms(1000 + 5 * 1500);
    manager.store(config("Home", RIGHT));
    assert!(manager.apply(fifth - ms(1)).is_none());
    let failed = ManagerEvent::Failed(Reason::NetworkNotFound);
    let mut expected: Vec<_> = (1..=5)
        .map(|attempt| (t + ms(1000 + attempt * 1500), failed.clone()))
        .collect();
    expected.push((fifth, ManagerEvent::ApplicationReset));
    assert_eq!(manager.take_events(t + ms(60_000)), expected);
    assert_eq!(manager.next_event_at(), None);
    assert_eq!(word(&manager.report_station(fifth)), "NetworkNotFound");
    manager.store(config("Home", RIGHT));
    assert!(manager.apply(fifth).is_some());
    assert_eq!(word(&manager.report_station(fifth)), "connecting");
}

#[test]
fn scenario_decides_application_reset() {
    let t = Instant::now();
    let end = t + ms(600_000);
    for (scenario, firmware, taken) in [
        (Scenario::AppResets, Firmware::NetworkProvisioning, true),
        (Scenario::AppResets, Firmware::V44, true),
        (Scenario::AppNeverResets, Firmware::V44, false),
    ] {
        let mut manager = trying(firmware, &[scenario], "Nowhere", t);
        manager.store(config("Home", RIGHT));
        assert_eq!(manager.apply(end).is_some(), taken, "{scenario} {firmware}");
    }
    // The failure is reported once, before the reset.
    let today = Firmware::NetworkProvisioning;
    let mut manager = trying(today, &[Scenario::AppResets], "Nowhere", t);
    let at = t + ms(5500);
    assert_eq!(manager.next_event_at(), Some(at));
    let failed = ManagerEvent::Failed(Reason::NetworkNotFound);
    assert_eq!(
        manager.take_events(end),
        [(at, failed), (at, ManagerEvent::ApplicationReset)]
    );
}

#[test]
fn client_reset_ends_application_count() {
    let t = Instant::now();
    let mut manager = trying(Firmware::V5, &[], "Nowhere", t);
    assert!(manager.reset(t + ms(3000)));
    // At the start: older firmware calls that an error.
    assert!(!manager.reset(t + ms(3001)));
    let news = manager.take_events(t + ms(60_000));
    assert_eq!(news.len(), 1, "{news:?}");
}

#[test]
fn scenario_refuses_reset_in_every_state() {
    let t = Instant::now();
    let today = Firmware::NetworkProvisioning;
    let mut manager = trying(today, &[Scenario::ResetRefused], "Nowhere", t);
    for at in [10, 600_000] {
        assert!(!manager.reset(t + ms(at)));
    }
}

#[test]
fn channel_change_causes_outage() {
    let t = Instant::now();
    let today = Firmware::NetworkProvisioning;
    let manager = trying(today, &[Scenario::ChannelChange], "Home", t);
    let outage = manager.outage().unwrap();
    assert_eq!(outage.from, t + ms(1000));
    assert_eq!(outage.until, Some(t + ms(3000)));
    assert!(!outage.contains(t + ms(999)));
    assert!(outage.contains(t + ms(1000)));
    assert!(!outage.contains(t + ms(3000)));
    // Joined at 2.2 s; the end is counted from there.
    let unrequested = (t + ms(2200 + 30_000), StopReason::ResultNotRequested);
    assert_eq!(manager.stops_at(), Some(unrequested));
    // A network that is not joined changes nothing.
    let manager = trying(today, &[Scenario::ChannelChange], "Nowhere", t);
    assert_eq!(manager.outage(), None);
}

#[test]
fn service_gone_ends_at_join() {
    let t = Instant::now();
    let today = Firmware::NetworkProvisioning;
    let mut manager = trying(today, &[Scenario::ServiceGone], "Home", t);
    assert_eq!(manager.outage().unwrap().until, None);
    let end = (t + ms(2200), StopReason::Vanished);
    assert_eq!(manager.stops_at(), Some(end));
    assert_eq!(manager.take_events(t + ms(2200)).len(), 1);
}
