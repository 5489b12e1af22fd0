//! The log of a board, read and never answered: a line at a time, whatever is on it. What stands in a
//! line is for others to know; no request is ever sent.

use std::fmt;
use std::sync::Arc;

use super::line::Text;
use super::port::Port;
use crate::secret::Secret;
use crate::transport::error::{ConsoleProblem, TransportError};

/// The log of a board, from now on.
pub struct BoardLog {
    port: Port,
    path: Arc<str>,
    /// What arrived and is no line yet.
    rest: Secret<Vec<u8>>,
    /// Only to notice what is no log.
    text: Text,
}

impl BoardLog {
    /// Opens the port. The board is not restarted by it.
    pub async fn open(path: &str, baud: u32) -> Result<Self, TransportError> {
        Ok(Self {
            port: Port::open(path, baud).await?,
            path: path.into(),
            rest: Secret::new(Vec::new()),
            text: Text::default(),
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
            for byte in &read {
                self.text.read(*byte);
            }
            let mut bytes = self.rest.expose().clone();
            if bytes.len() > LONGEST_LINE {
                bytes.clear();
            }
            bytes.extend(read);
            self.rest = Secret::new(bytes);
        }
    }

    /// Closes the port, so that the next one to open it finds it free. An error says that what
    /// came was no text; a board prints some of that when it starts, at another speed.
    pub async fn close(self) -> Result<(), TransportError> {
        let outcome = if self.text.is_binary() {
            Err(self.problem(ConsoleProblem::NotText, None))
        } else {
            Ok(())
        };
        self.port.close().await;
        outcome
    }

    fn problem(&self, problem: ConsoleProblem, source: Option<std::io::Error>) -> TransportError {
        TransportError::Console {
            port: Arc::clone(&self.path),
            problem: Box::new(problem),
            source,
        }
    }
}

/// What is on the line may be a secret.
impl fmt::Debug for BoardLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoardLog")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

const fn is_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Of what has no end. A payload has 150 bytes in firmware.
const LONGEST_LINE: usize = 4096;
