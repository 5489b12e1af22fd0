//! Tests of the cloud as a whole, without a socket.
