//! A device that waits to be provisioned, with a radio of BlueZ's: `tests/vm/ble.sh` starts it in a VM.
//!
//!     peripheral ADAPTER NAME SECURITY
//!
//! What it is: `emulator::device` behind a GATT application of bluetoothd, on an adapter such as
//! `hci1`. The PoP is `abcd1234`; with Security 2 it is the password, and the user name is
//! `wifiprov`. Its log goes to standard error. It ends when the device's service does.
//!
//! What it is not: a device for other tests. That is `espctl emulate device`.

#[cfg(target_os = "linux")]
mod advertisement;
#[cfg(target_os = "linux")]
mod gatt;
#[cfg(target_os = "linux")]
mod serve;

use anyhow::Result;

#[cfg(target_os = "linux")]
fn main() -> Result<()> {
    use anyhow::Context as _;
    use tokio::runtime::Builder;

    let mut arguments = std::env::args().skip(1);
    let mut next = || {
        arguments
            .next()
            .context("usage: peripheral ADAPTER NAME SECURITY")
    };
    let (adapter, name, scheme) = (next()?, next()?, next()?);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve::serve(&adapter, &name, scheme.parse()?))
}

#[cfg(not(target_os = "linux"))]
fn main() -> Result<()> {
    anyhow::bail!("BlueZ is on Linux only")
}
