//! A transcript: what went over a transport, when, and how it ended, one JSON object a line. Of
//! bytes it takes down their number; what they meant is told to it by `session`, with secrets
//! redacted by the types that hold them. It changes nothing of what it watches.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;
use tracing::warn;

use super::error::TransportError;
use super::exchange::{Capacity, Transport};
use crate::ident::printable_json;
use crate::proto::EndpointName;

/// Where a run is taken down. Its copies write to the same place.
#[derive(Clone)]
pub struct Transcript {
    lines: Arc<Mutex<Box<dyn Write + Send>>>,
    began: Instant,
}

/// Writes a line that is made only if there is a transcript.
pub fn note<'a>(transcript: Option<&Transcript>, line: impl FnOnce() -> Line<'a>) {
    if let Some(transcript) = transcript {
        transcript.note(&line());
    }
}

/// One line of it, but for the time.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Line<'a> {
    /// An endpoint was given so many bytes.
    Sent {
        /// Which one.
        endpoint: &'a str,
        /// How many.
        bytes: usize,
    },
    /// It answered with so many.
    Received {
        /// Which one.
        endpoint: &'a str,
        /// How many.
        bytes: usize,
    },
    /// It did not answer.
    Failed {
        /// Which one.
        endpoint: &'a str,
        /// Why not.
        error: String,
    },
    /// The version document, as it came.
    Version {
        /// The whole text.
        document: String,
    },
    /// The keys are agreed.
    Secured {
        /// By which scheme: 0, 1 or 2.
        scheme: u8,
    },
    /// No keys were agreed.
    NotSecured {
        /// Why not.
        error: String,
    },
    /// A command, before it was sealed.
    Command {
        /// Where it goes.
        endpoint: &'a str,
        /// Its redacted debug form.
        command: String,
    },
    /// Its reply, after it was opened.
    Reply {
        /// Where it comes from.
        endpoint: &'a str,
        /// Its debug form, or what is wrong with it.
        reply: String,
    },
}

impl Transcript {
    /// Begins one. Times count from now.
    pub fn new(to: Box<dyn Write + Send>) -> Self {
        let transcript = Self {
            lines: Arc::new(Mutex::new(to)),
            began: Instant::now(),
        };
        transcript.line(&json!({
            "ms": 0,
            "event": "begun",
            "program": concat!("espctl ", env!("CARGO_PKG_VERSION")),
        }));
        transcript
    }

    /// Writes a line. A transcript that can no longer be written stops nothing.
    pub fn note(&self, line: &Line<'_>) {
        #[derive(Serialize)]
        struct Timed<'a> {
            ms: u64,
            #[serde(flatten)]
            line: &'a Line<'a>,
        }
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.line(&json!(Timed { ms, line }));
    }

    fn line(&self, value: &serde_json::Value) {
        let text = printable_json(&value.to_string());
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let written: io::Result<()> = writeln!(lines, "{text}").and_then(|()| lines.flush());
        if let Err(error) = written {
            warn!(%error, "the transcript cannot be written");
        }
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transcript")
    }
}

/// A transport whose exchanges are taken down; the same one where nobody wants that.
pub fn recorded(
    transport: Box<dyn Transport>,
    transcript: Option<&Transcript>,
) -> Box<dyn Transport> {
    match transcript {
        None => transport,
        Some(transcript) => Box::new(Recorded {
            transport,
            transcript: transcript.clone(),
        }),
    }
}

#[derive(Debug)]
struct Recorded {
    transport: Box<dyn Transport>,
    transcript: Transcript,
}

#[async_trait]
impl Transport for Recorded {
    async fn exchange(
        &mut self,
        endpoint: &EndpointName,
        request: &[u8],
    ) -> Result<Vec<u8>, TransportError> {
        let name = endpoint.as_str();
        self.transcript.note(&Line::Sent {
            endpoint: name,
            bytes: request.len(),
        });
        let answer = self.transport.exchange(endpoint, request).await;
        self.transcript.note(&match &answer {
            Ok(answer) => Line::Received {
                endpoint: name,
                bytes: answer.len(),
            },
            Err(error) => Line::Failed {
                endpoint: name,
                error: error.to_string(),
            },
        });
        answer
    }

    async fn close(&mut self) -> Result<(), TransportError> {
        self.transport.close().await
    }

    fn capacity(&self) -> Capacity {
        self.transport.capacity()
    }
}
