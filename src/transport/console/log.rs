//! The log of a board, read and never answered: a line at a time, whatever is on it. What stands in a
//! line is for others to know; no request is ever sent.

use std::sync::Arc;

use super::super::{ConsoleProblem, TransportError};
use super::line::{Output, Trouble};
use super::port::Port;
use crate::secret::Secret;

/// The log of a board, from now on.
#[derive(Debug)]
pub struct BoardLog {
    port: Port,
    path: Arc<str>,
    /// What arrived and is no line yet.
    rest: Secret<Vec<u8>>,
    /// Only to notice what is no log.
    output: Output,
}

impl BoardLog {
    /// Opens the port. The board is not restarted by it.
    pub async fn open(path: &str, baud: u32) -> Result<Self, TransportError> {
        Ok(Self {
            port: Port::open(path, baud).await?,
            path: path.into(),
            rest: Secret::new(Vec::new()),
            output: Output::new(),
        })
    }

    /// The next line that is not empty, as text; bytes that are none are replaced.
    pub async fn line(&mut self) -> Result<Secret<String>, TransportError> {
        loop {
            if let Some(end) = self.rest.expose().iter().position(|byte| is_end(*byte)) {
                let next = Secret::new(self.rest.expose().iter().skip(end + 1).copied().collect());
                let line = std::mem::replace(&mut self.rest, next);
                if end > 0 {
                    let line = line.expose().get(..end).unwrap_or_default();
                    return Ok(Secret::new(String::from_utf8_lossy(line).into_owned()));
                }
                continue;
            }
            let read = self.port.read().await;
            let read = read.map_err(|source| self.problem(ConsoleProblem::NoPort, Some(source)))?;
            let _prompt = self.output.take(&read);
            if self.output.trouble() == Some(Trouble::Binary) {
                return Err(self.problem(ConsoleProblem::NotText, None));
            }
            let mut bytes = self.rest.expose().clone();
            if bytes.len() > LONGEST_LINE {
                bytes.clear();
            }
            bytes.extend(read);
            self.rest = Secret::new(bytes);
        }
    }

    /// Closes the port, so that the next one to open it finds it free.
    pub async fn close(self) {
        self.port.close().await;
    }

    fn problem(&self, problem: ConsoleProblem, source: Option<std::io::Error>) -> TransportError {
        TransportError::Console {
            port: Arc::clone(&self.path),
            problem: Box::new(problem),
            source,
        }
    }
}

const fn is_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Of what has no end. A payload has 150 bytes in firmware.
const LONGEST_LINE: usize = 4096;
