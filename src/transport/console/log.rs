//! Reads the log of a board, a line at a time. The caller interprets the lines; nothing is ever
//! sent.

use std::sync::Arc;

use super::line::TextDecoder;
use super::port::Port;
use crate::secret::Secret;
use crate::transport::error::{ConsoleProblem, TransportError};

/// The log of a board, from now on.
#[derive(Debug)]
pub struct BoardLog {
    port: Port,
    path: Arc<str>,
    /// The received bytes of an incomplete line, which may be a secret.
    rest: Secret<Vec<u8>>,
    /// Detects data that is not a log.
    text: TextDecoder,
}

impl BoardLog {
    /// Opens the port without restarting the board.
    pub async fn open(path: &str, baud: u32) -> Result<Self, TransportError> {
        Ok(Self {
            port: Port::open(path, baud).await?,
            path: path.into(),
            rest: Secret::new(Vec::new()),
            text: TextDecoder::default(),
        })
    }

    /// The next line that is not empty. Bytes that are not UTF-8 are replaced.
    pub async fn read_line(&mut self) -> Result<Secret<String>, TransportError> {
        loop {
            let rest = self.rest.expose();
            let mut lines = rest.splitn(2, |byte| matches!(byte, b'\r' | b'\n'));
            if let (Some(line), Some(next)) = (lines.next(), lines.next()) {
                let line = Secret::new(String::from_utf8_lossy(line).into_owned());
                self.rest = Secret::new(next.to_vec());
                if !line.expose().is_empty() {
                    return Ok(line);
                }
                continue;
            }
            let read = self.port.read().await;
            let read = read.map_err(|source| {
                TransportError::console(&self.path, ConsoleProblem::NoPort, Some(source))
            })?;
            for byte in &read {
                self.text.read(*byte);
            }
            let mut bytes = self.rest.expose().clone();
            if bytes.len() > MAX_LINE_BYTES {
                bytes.clear();
            }
            bytes.extend(read);
            self.rest = Secret::new(bytes);
        }
    }

    /// Closes the port, so that it is free for the next program. Fails if the received data was not
    /// text; a starting board prints some such bytes at another speed.
    pub async fn close(self) -> Result<(), TransportError> {
        self.port.close().await;
        if self.text.is_binary() {
            let problem = ConsoleProblem::NotText;
            return Err(TransportError::console(&self.path, problem, None));
        }
        Ok(())
    }
}

/// The maximum for a line without an end. A firmware's QR payload has 150 bytes.
const MAX_LINE_BYTES: usize = 4096;
