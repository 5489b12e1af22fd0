//! Whole runs of the shipped binary against emulated devices, over real sockets. What is promised
//! is read off the device's own log, not off our output.

#[cfg(target_os = "linux")]
mod ble;
mod cloud_faults;
#[cfg(unix)]
mod console;
mod contact;
mod demo;
#[cfg(target_os = "linux")]
mod documented;
mod enumerated_toy;
mod faults;
mod generations;
mod mapping;
mod node;
#[cfg(unix)]
mod on_network;
mod outcomes;
mod provision;
mod toy;
mod toy_protocol;
