//! The bytes of the protocol, without a wire: handshakes, ciphers and messages, client against
//! device and both against vectors from elsewhere.

mod debug_output;
mod garbled;
mod out_of_order;
mod payloads;
mod sec1;
mod sec2;
mod sec2_refusals;
mod vectors;
