//! The emulated cloud as a process of its own, called over a socket. What its state machines do is
//! tested beside them.

mod accounts;
mod faults;
mod mapping;
