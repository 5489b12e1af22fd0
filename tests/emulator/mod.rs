//! The emulated cloud as a process of its own, called over a socket, and the emulated serial line. What
//! their state machines do is tested beside them.

mod accounts;
#[cfg(unix)]
mod console;
mod faults;
mod mapping;
