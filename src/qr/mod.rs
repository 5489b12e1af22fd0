//! The QR code on a device's label: its text, in any form that firmware prints, is read into one
//! [`Payload`] and written from one; the code itself is drawn, and found in pictures.

mod device;
pub mod drawing;
pub mod image;
mod json;
mod log_line;
mod payload;
mod read;
#[cfg(test)]
mod tests;
mod unescaped;
mod write;

pub use self::log_line::{find_in_log, find_in_log_line};
pub use self::payload::{Network, Payload, PayloadError, Problem, Remark};
pub use self::read::PAGE;
pub use self::write::{CompactFormError, to_url};
