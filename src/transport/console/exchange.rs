//! protocomm on a serial line: types a request as the echo allows, and waits for the answer among
//! what the board prints. Where it is in there is `line.rs`'s.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::super::{ConsoleProblem, Limits, No, Transport, TransportError};
use super::line::{Found, LONGEST_REQUEST, Output, Trouble, request};
use super::port::Port;
use crate::proto::EndpointName;

/// An open path on a serial line.
#[derive(Debug)]
pub(super) struct ConsoleTransport {
    path: Arc<str>,
    /// `None` once the line is of no use any more.
    port: Option<Port>,
    /// The transport session: a number that the device has not seen begins one.
    session: u32,
    /// How long a byte takes on the line.
    byte: Duration,
    limits: Limits,
}

impl ConsoleTransport {
    /// Waits for the device's prompt.
    pub(super) async fn open(
        port: Port,
        path: Arc<str>,
        baud: u32,
        limits: Limits,
    ) -> Result<Self, TransportError> {
        let mut transport = Self {
            path,
            port: Some(port),
            // Positive, for the firmware's `atoi`, and short: every digit takes its time.
            session: (UnwrapErr(SysRng).next_u32() >> 16).max(1),
            byte: Duration::from_secs(BITS_OF_A_BYTE.into()) / baud.max(1),
            limits,
        };
        transport.synchronise().await?;
        Ok(transport)
    }

    /// An empty line is answered by a prompt; whatever was typed before is over with it.
    async fn synchronise(&mut self) -> Result<(), TransportError> {
        let deadline = Instant::now() + self.limits.connect;
        let Some(port) = &mut self.port else {
            return Err(self.problem(ConsoleProblem::NoPort, None));
        };
        let waited = self.limits.connect;
        let mut output = Output::new();
        port.clear();
        let asked = async {
            port.write(b"\r").await?;
            let mut asked = 1;
            let mut again = Instant::now() + AGAIN;
            loop {
                // A board that was just starting has not heard the first one.
                let until = again.min(deadline);
                match timeout_at(until, port.read()).await {
                    Ok(read) => {
                        if output.take(&read?).is_some() {
                            return Ok(None);
                        }
                    }
                    Err(_) if Instant::now() >= deadline => {
                        return Ok(Some(match output.trouble() {
                            Some(Trouble::Binary) => ConsoleProblem::NotText,
                            Some(Trouble::OtherConsole) => ConsoleProblem::Other,
                            Some(Trouble::Restarted) | None => ConsoleProblem::NoPrompt(waited),
                        }));
                    }
                    // It has answered each time, as something else.
                    Err(_) if asked >= 2 && output.trouble() == Some(Trouble::OtherConsole) => {
                        return Ok(Some(ConsoleProblem::Other));
                    }
                    Err(_) => {
                        asked += 1;
                        port.write(b"\r").await?;
                        again = Instant::now() + AGAIN;
                    }
                }
            }
        };
        let outcome: io::Result<Option<ConsoleProblem>> = asked.await;
        match outcome {
            Ok(None) => Ok(()),
            Ok(Some(problem)) => Err(self.problem(problem, None)),
            Err(source) => Err(self.problem(ConsoleProblem::NoPort, Some(source))),
        }
    }

    async fn converse(
        &mut self,
        endpoint: &EndpointName,
        bytes: &[u8],
        deadline: Instant,
    ) -> Result<Vec<u8>, TransportError> {
        let Some(line) = request(endpoint.as_str(), self.session, bytes) else {
            return Err(TransportError::TooLong {
                endpoint: endpoint.clone(),
                bytes: bytes.len(),
            });
        };
        let Some(port) = &mut self.port else {
            return Err(TransportError::Disconnected {
                endpoint: endpoint.clone(),
                source: None,
            });
        };
        let lost = |source: io::Error| TransportError::Disconnected {
            endpoint: endpoint.clone(),
            source: Some(io::Error::new(
                io::ErrorKind::NotConnected,
                source.to_string(),
            )),
        };
        let mut typed = line.clone().into_bytes();
        typed.push(b'\r');
        let mut output = Output::after(&line);
        let mut sent = 0;
        port.clear();
        loop {
            // The device has room for 256 bytes, and has taken what it echoed.
            let room = CHUNK.saturating_sub(sent - output.echoed().min(sent));
            let chunk: Vec<u8> = typed.iter().skip(sent).take(room).copied().collect();
            if !chunk.is_empty() {
                port.write(&chunk).await.map_err(lost)?;
                sent += chunk.len();
                if sent == typed.len() {
                    output.sent();
                }
            }
            let patience = Instant::now() + UNECHOED;
            let read = tokio::select! {
                biased;
                read = port.read() => Some(read.map_err(lost)?),
                // An echo that cannot be told from what others print must stop nothing.
                () = sleep_until(patience), if sent < typed.len() || output.is_unsure() => None,
                () = sleep_until(deadline) => return Err(self.silence(endpoint, &output)),
            };
            let found = match read {
                Some(read) => output.take(&read),
                None if output.is_unsure() => Some(output.conclude()),
                None => {
                    output.presume(sent);
                    None
                }
            };
            if output.trouble() == Some(Trouble::Restarted) {
                let problem = ConsoleProblem::Restarted(endpoint.clone());
                return Err(self.problem(problem, None));
            }
            match found {
                Some(Found::Answer(answer)) => return Ok(answer),
                Some(Found::Garbled) => {
                    let problem = ConsoleProblem::Garbled(endpoint.clone());
                    return Err(self.problem(problem, None));
                }
                Some(Found::Refusal) => {
                    return Err(TransportError::Refused {
                        endpoint: endpoint.clone(),
                        how: No::Prompt,
                    });
                }
                None => {}
            }
        }
    }

    fn silence(&self, endpoint: &EndpointName, output: &Output) -> TransportError {
        match output.trouble() {
            Some(Trouble::Binary) => self.problem(ConsoleProblem::NotText, None),
            Some(Trouble::OtherConsole) => self.problem(ConsoleProblem::Other, None),
            Some(Trouble::Restarted) | None => TransportError::TimedOut {
                endpoint: endpoint.clone(),
                waited: self.limits.for_endpoint(endpoint),
            },
        }
    }

    fn problem(&self, problem: ConsoleProblem, source: Option<io::Error>) -> TransportError {
        TransportError::Console {
            port: Arc::clone(&self.path),
            problem: Box::new(problem),
            source,
        }
    }
}

#[async_trait]
impl Transport for ConsoleTransport {
    async fn exchange(
        &mut self,
        endpoint: &EndpointName,
        request: &[u8],
    ) -> Result<Vec<u8>, TransportError> {
        // The device's patience begins when it has all of it.
        let typing = self.byte * u32::try_from(2 * request.len()).unwrap_or(u32::MAX);
        let deadline = Instant::now() + self.limits.for_endpoint(endpoint) + 2 * typing;
        let outcome = self.converse(endpoint, request, deadline).await;
        if matches!(
            outcome,
            Err(TransportError::Disconnected { .. }
                | TransportError::Console { .. }
                | TransportError::TimedOut { .. })
        ) {
            // What comes later on this line would be taken for the next answer.
            self.port = None;
        }
        outcome
    }

    async fn close(&mut self) -> Result<(), TransportError> {
        if let Some(port) = self.port.take() {
            port.close().await;
        }
        Ok(())
    }

    fn longest_request(&self) -> Option<usize> {
        Some(LONGEST_HANDSHAKE)
    }
}

/// At once: what the receiving side has room for, with a margin.
const CHUNK: usize = 64;
/// How long an echo may stay out before the line goes on without it: many times what 64 bytes take.
const UNECHOED: Duration = Duration::from_millis(600);
/// Between two empty lines to a board that says nothing.
const AGAIN: Duration = Duration::from_millis(500);
/// Of a handshake, in bytes: what is left of a line behind `prov-session 65535 `.
const LONGEST_HANDSHAKE: usize = (LONGEST_REQUEST - 19) / 2;
/// On a line, with start and stop.
const BITS_OF_A_BYTE: u32 = 10;
