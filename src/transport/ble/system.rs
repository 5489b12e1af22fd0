//! macOS and Windows: what neither lets a program do.

use std::sync::Arc;

use btleplug::platform::Peripheral;

use super::adapter::Radio;
use super::gatt::GattError;

/// macOS pairs by itself when a device asks for it, and Windows pairs in its settings only.
pub(super) async fn pair(_peripheral: &Peripheral) -> Result<(), GattError> {
    Err(GattError::Unsupported("pair from here"))
}

/// Neither system lets a program do this.
pub(super) async fn forget(
    _radio: &Arc<Radio>,
    _peripheral: &Peripheral,
) -> Result<Peripheral, GattError> {
    Err(GattError::Unsupported("forget a device"))
}
