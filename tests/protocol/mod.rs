//! The bytes of the protocol, without a transport: handshakes, ciphers and messages, client against
//! device and both against independent vectors.

mod debug_output;
mod garbled;
mod out_of_order;
mod payloads;
mod sec1;
mod sec2;
mod sec2_refusals;
mod vectors;
