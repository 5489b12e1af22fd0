//! The advertisement of the VM's device before a connection: its content, and that it goes on.
//!
//! By `btmgmt`, not by `LEAdvertisingManager1`: BlueZ 5.66 puts all but the name into the advertisement itself, and
//! the service and the manufacturer's data together are one byte longer than one may be. Firmware has the
//! service in the advertisement, the rest in the scan response.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::gatt::SERVICE;

/// btvirt reports an advertisement once, when it begins or when a scan does: a real one comes again.
pub(crate) const REPEATED: Duration = Duration::from_millis(700);

/// The last one that the kernel has: bluetoothd begins with the first.
const INSTANCE: &str = "3";
const FLAGS: u8 = 0x01;
/// General discoverable, BR/EDR not supported: without the latter, BlueZ tries BR/EDR.
const LE_ONLY: u8 = 0x06;
const ALL_128_BIT_UUIDS: u8 = 0x07;
const COMPLETE_NAME: u8 = 0x09;
const MANUFACTURER_DATA: u8 = 0xff;
/// Espressif, then as RainMaker firmware has it (`app_network.c`): "Nova", customer 1, a light, subtype 1.
const RAINMAKER: &[u8] = b"\xe5\x02Nova\x00\x01\x00\x05\x01\x00";

/// One advertisement of one adapter, on the air or not.
pub(crate) struct Advertising {
    index: String,
    advertisement: String,
    scan_response: String,
    is_on: bool,
}

impl Advertising {
    /// Of the adapter `hci…`.
    pub(crate) fn new(adapter: &str, name: &str) -> Result<Self> {
        let index = adapter
            .strip_prefix("hci")
            .context("an adapter is hci0 or so")?;
        let service = u128::from_str_radix(&SERVICE.replace('-', ""), 16)?;
        Ok(Self {
            index: index.to_owned(),
            advertisement: field(FLAGS, &[LE_ONLY])?
                + &field(ALL_128_BIT_UUIDS, &service.to_le_bytes())?,
            scan_response: field(COMPLETE_NAME, name.as_bytes())?
                + &field(MANUFACTURER_DATA, RAINMAKER)?,
            is_on: false,
        })
    }

    /// On the air, and not for the first time. Replaced, not removed and added: a client could not connect in
    /// between.
    pub(crate) async fn again(&mut self) -> Result<()> {
        let (advertisement, scan_response) = (&self.advertisement, &self.scan_response);
        self.manage(&[
            "add-adv",
            "-c",
            "-d",
            advertisement,
            "-s",
            scan_response,
            INSTANCE,
        ])
        .await?;
        self.is_on = true;
        Ok(())
    }

    pub(crate) async fn end(&mut self) -> Result<()> {
        if self.is_on {
            self.manage(&["rm-adv", INSTANCE]).await?;
            self.is_on = false;
        }
        Ok(())
    }

    async fn manage(&self, command: &[&str]) -> Result<()> {
        let mut btmgmt = Command::new("btmgmt")
            .args(["--index", &self.index])
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("btmgmt")?;
        // It does nothing once its input has ended.
        let open = btmgmt.stdin.take();
        let status = btmgmt.wait().await?;
        drop(open);
        ensure!(status.success(), "btmgmt {command:?}: {status}");
        Ok(())
    }
}

/// One field of an advertisement: length, kind, value.
fn field(kind: u8, value: &[u8]) -> Result<String> {
    let length = u8::try_from(value.len() + 1)?;
    Ok(hex::encode([&[length, kind], value].concat()))
}
