//! A login with a browser: a page of the cloud asks for name and password, and sends the browser back to
//! a port of this computer.

mod browser;
mod callback;

pub(crate) use browser::{BrowserError, BrowserVisit};
