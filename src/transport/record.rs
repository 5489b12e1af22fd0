//! A transcript: what a transport carried, when, and how it ended, one JSON object a line. It
//! records the number of bytes, not the bytes. `session` adds the decoded messages, whose types
//! redact their secrets. Recording does not change the exchanges.

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

/// Writes a transcript. Clones write to the same output.
#[derive(Clone, derive_more::Debug)]
#[debug("Transcript")]
pub struct Transcript {
    lines: Arc<Mutex<Box<dyn Write + Send>>>,
    began: Instant,
}

/// Records a line; `line` is only called if there is a transcript.
pub fn note<'a>(transcript: Option<&Transcript>, line: impl FnOnce() -> Line<'a>) {
    if let Some(transcript) = transcript {
        transcript.note(&line());
    }
}

/// One line of a transcript, without the time.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Line<'a> {
    /// A request was sent.
    Sent {
        /// The endpoint of the request.
        endpoint: &'a str,
        /// The length of the request.
        bytes: usize,
    },
    /// An answer arrived.
    Received {
        /// The endpoint of the answer.
        endpoint: &'a str,
        /// The length of the answer.
        bytes: usize,
    },
    /// The exchange failed.
    Failed {
        /// The endpoint of the request.
        endpoint: &'a str,
        /// The error message.
        error: String,
    },
    /// The device's version document.
    Version {
        /// The whole text, as received.
        document: String,
    },
    /// The handshake succeeded.
    Secured {
        /// The security scheme: 0, 1 or 2.
        scheme: u8,
    },
    /// The handshake failed.
    NotSecured {
        /// The error message.
        error: String,
    },
    /// A command, before encryption.
    Command {
        /// The endpoint of the command.
        endpoint: &'a str,
        /// The command's debug form, without secrets.
        command: String,
    },
    /// A reply, after decryption.
    Reply {
        /// The endpoint of the reply.
        endpoint: &'a str,
        /// The reply's debug form, or what is wrong with it.
        reply: String,
    },
}

impl Transcript {
    /// Starts a transcript. Times are relative to this call.
    pub fn new(to: Box<dyn Write + Send>) -> Self {
        let transcript = Self {
            lines: Arc::new(Mutex::new(to)),
            began: Instant::now(),
        };
        transcript.write_line(&json!({
            "ms": 0,
            "event": "begun",
            "program": concat!("espctl ", env!("CARGO_PKG_VERSION")),
        }));
        transcript
    }

    /// Writes a line. A failure to write is logged and otherwise ignored.
    pub fn note(&self, line: &Line<'_>) {
        #[derive(Serialize)]
        struct Timed<'a> {
            ms: u64,
            #[serde(flatten)]
            line: &'a Line<'a>,
        }
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.write_line(&json!(Timed { ms, line }));
    }

    fn write_line(&self, value: &serde_json::Value) {
        let text = printable_json(&value.to_string());
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let written: io::Result<()> = writeln!(lines, "{text}").and_then(|()| lines.flush());
        if let Err(error) = written {
            warn!(%error, "the transcript cannot be written");
        }
    }
}

/// Wraps a transport so that its exchanges are recorded; returns it unchanged without a transcript.
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
