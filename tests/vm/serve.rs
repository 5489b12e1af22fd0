//! The device of the VM from its start to its end: registered with BlueZ, advertised while no client is
//! connected, disconnected when its service is over.

use std::collections::HashMap;
use std::io::stderr;
use std::sync::Arc;

use anyhow::Result;
use espctl::emulator::device::{Device, DeviceSettings};
use espctl::emulator::log::Log;
use espctl::secret::Secret;
use espctl::security::{DeviceSecret, NonceRule, SecurityScheme};
use futures_util::StreamExt as _;
use getrandom::SysRng;
use rand_core::UnwrapErr;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use zbus::{
    Connection, MatchRule, Message, MessageStream, ObjectPath, OwnedVariant, Proxy, Variant,
};

use crate::advertisement::{Advertising, REPEATED};
use crate::gatt::{self, Peripheral};

/// Serves a device of this name and scheme on that adapter until its service ends.
pub(crate) async fn serve(adapter: &str, name: &str, scheme: SecurityScheme) -> Result<()> {
    let bus = Connection::system().await?;
    let peripheral = Arc::new(Peripheral::new(device(scheme)));
    gatt::serve(&bus, &peripheral).await?;
    let path = format!("/org/bluez/{adapter}");
    let mut links = links(&bus, &path).await?;
    let manager = Proxy::new(&bus, "org.bluez", path.as_str(), "org.bluez.GattManager1").await?;
    let options: HashMap<&str, Variant<'_>> = HashMap::new();
    let body = (ObjectPath::try_from(gatt::ROOT)?, options);
    let _reply = manager.call_method("RegisterApplication", &body).await?;

    let mut advertising = Advertising::new(adapter, name)?;
    let mut repeat = interval(REPEATED);
    repeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut central: Option<String> = None;
    while peripheral
        .ask(|device| device.stopped(Instant::now()))
        .await
        .is_none()
    {
        let stops_at = peripheral.ask(|device| device.stops_at()).await;
        tokio::select! {
            () = at(stops_at) => {}
            () = peripheral.handled.notified() => {}
            _ = repeat.tick(), if central.is_none() => advertising.again().await?,
            Some(message) = links.next() => match link(&message?) {
                Some((path, true)) => {
                    advertising.end().await?;
                    central = Some(path);
                }
                Some((_, false)) => {
                    central = None;
                    peripheral.disconnected().await;
                }
                None => {}
            },
        }
    }
    // The firmware's port stops, and takes the link with it.
    advertising.end().await?;
    if let Some(path) = central {
        let device = Proxy::new(&bus, "org.bluez", path.as_str(), "org.bluez.Device1").await?;
        let _reply = device.call_method("Disconnect", &()).await?;
    }
    Ok(())
}

fn device(scheme: SecurityScheme) -> Device {
    let mut rng = UnwrapErr(SysRng);
    let pop = Secret::new("abcd1234".to_owned());
    let secret = match scheme {
        SecurityScheme::Sec0 => DeviceSecret::Sec0,
        SecurityScheme::Sec1 => DeviceSecret::Sec1 { pop: Some(pop) },
        SecurityScheme::Sec2 => DeviceSecret::sec2("wifiprov", &pop, NonceRule::Counter, &mut rng),
    };
    let log = Log::default().with_sink(Box::new(stderr()));
    Device::new(DeviceSettings::new(secret), rng).with_log(log)
}

/// BlueZ's state of the adapter's devices.
async fn links(bus: &Connection, adapter: &str) -> Result<MessageStream> {
    let rule = MatchRule::builder()
        .msg_type(zbus::message::Type::Signal)
        .sender("org.bluez")
        .interface("org.freedesktop.DBus.Properties")
        .member("PropertiesChanged")
        .path_namespace(adapter)
        .add_arg("org.bluez.Device1")
        .build()?;
    Ok(MessageStream::for_match_rule(rule, bus, None).await?)
}

/// The device that the message reports as connected or disconnected, if any.
fn link(message: &Message) -> Option<(String, bool)> {
    let body = message.body();
    let (_, changed, _): (String, HashMap<String, OwnedVariant>, Vec<String>) =
        body.deserialize().ok()?;
    let is_connected = bool::try_from(&**changed.get("Connected")?).ok()?;
    Some((message.header().path()?.to_string(), is_connected))
}

/// Waits for that moment; forever without one.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
