//! macOS and Windows: operations that neither system offers to programs.

use std::sync::Arc;

use btleplug::platform::Peripheral;

use super::adapter::Radio;
use super::gatt::GattError;

/// macOS pairs by itself when a device requires it. On Windows only the settings can pair.
pub(super) async fn pair(_peripheral: &Peripheral) -> Result<(), GattError> {
    Err(GattError::Unsupported("pair from here"))
}

/// Neither system lets a program discard the cache of a device.
pub(super) async fn forget(
    _radio: &Arc<Radio>,
    _peripheral: &Peripheral,
) -> Result<Peripheral, GattError> {
    Err(GattError::Unsupported("forget a device"))
}
