//! The transport `console`: a device that reads requests as lines of text on a serial port.

mod driver;
mod exchange;
mod line;
mod log;
mod port;

pub(super) use driver::Console;
pub use driver::DEFAULT_BAUD;
pub use log::BoardLog;
