//! protocomm on a serial line: types a request as fast as the echo allows, and waits for the
//! answer. `line.rs` finds the answer in the output of the board.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};
use tokio::time::{Instant, sleep_until};
use zeroize::Zeroizing;

use super::line::{MAX_REQUEST_BYTES, Output, Reply, Trouble, format_request};
use super::port::Port;
use crate::proto::EndpointName;
use crate::transport::error::{ConsoleProblem, Rejection, TransportError};
use crate::transport::exchange::{Capacity, Transport};
use crate::transport::exchange_limits::Limits;
use crate::transport::link::Link;

/// An open serial line, on which espctl has typed nothing yet.
#[derive(Debug)]
pub(super) struct ConsoleLink {
    pub(super) port: Port,
    pub(super) path: Arc<str>,
    pub(super) baud: u32,
    pub(super) limits: Limits,
}

#[async_trait]
impl Link for ConsoleLink {
    async fn into_transport(self: Box<Self>) -> Result<Box<dyn Transport>, TransportError> {
        Ok(Box::new(ConsoleTransport::open(*self).await?))
    }
}

/// An open connection over a serial line.
#[derive(Debug)]
pub(super) struct ConsoleTransport {
    path: Arc<str>,
    /// `None` once the line can no longer be used.
    port: Option<Port>,
    /// The transport session: a number that is new to the device starts a session.
    session: u16,
    /// The time that one byte takes on the line.
    byte: Duration,
    limits: Limits,
}

/// The reply to a typed line. Without one, the problem that the output shows, if any: a restart is
/// known at once, everything else when the time is over.
type Outcome = Result<Reply, Option<Trouble>>;

impl ConsoleTransport {
    /// Waits for the device's prompt.
    async fn open(mut link: ConsoleLink) -> Result<Self, TransportError> {
        let [low, high, ..] = UnwrapErr(SysRng).next_u32().to_le_bytes();
        // Not earlier: the rest of a truncated line would otherwise precede an echo.
        link.port.clear();
        let mut transport = Self {
            path: link.path,
            port: Some(link.port),
            // Positive, for the firmware's `atoi`, and short, because every digit takes time.
            session: u16::from_le_bytes([low, high]).max(1),
            byte: Duration::from_secs(BITS_PER_BYTE.into()) / link.baud.max(1),
            limits: link.limits,
        };
        let error = match transport.synchronize().await {
            Ok(None) => return Ok(transport),
            Ok(Some(problem)) => TransportError::console(&transport.path, problem, None),
            Err(source) => {
                TransportError::console(&transport.path, ConsoleProblem::NoPort, Some(source))
            }
        };
        transport.close_port().await;
        Err(error)
    }

    async fn close_port(&mut self) {
        if let Some(port) = self.port.take() {
            port.close().await;
        }
    }

    /// Types a number, which is no command of any console, until a prompt follows its echo: then
    /// everything typed earlier is complete. An empty line is not enough, because it has no echo of
    /// its own, and the board would append the next text to a line that it has not read yet.
    async fn synchronize(&mut self) -> io::Result<Option<ConsoleProblem>> {
        let waited = self.limits.connect + MAX_NUMBER_BYTES * self.byte;
        let deadline = Instant::now() + waited;
        let mut number = u32::from(self.session);
        let mut other_consoles = 0;
        let mut wait = SYNC_INTERVAL + MAX_NUMBER_BYTES * self.byte;
        loop {
            number += 1;
            // A board that is still starting did not read the previous number. A slow board did,
            // and gets more time.
            let until = deadline.min(Instant::now() + wait);
            wait *= 2;
            let Err(trouble) = self.type_line(&number.to_string(), until).await? else {
                return Ok(None);
            };
            other_consoles += u32::from(trouble == Some(Trouble::OtherConsole));
            let is_over = Instant::now() >= deadline;
            if let Some(problem) =
                explain_missing_prompt(trouble, other_consoles, is_over.then_some(waited))
            {
                return Ok(Some(problem));
            }
        }
    }

    async fn send_and_read(
        &mut self,
        endpoint: &EndpointName,
        bytes: &[u8],
    ) -> Result<Vec<u8>, TransportError> {
        let Some(line) = format_request(endpoint.as_str(), self.session, bytes) else {
            return Err(TransportError::TooLong {
                endpoint: endpoint.clone(),
                bytes: bytes.len(),
            });
        };
        // The time limit starts when the device has the whole line and its echo has arrived.
        let typing = 2 * self.byte * u32::try_from(line.len()).unwrap_or(u32::MAX);
        let limit = self.limits.for_endpoint(endpoint);
        let outcome = self.type_line(&line, Instant::now() + limit + typing).await;
        let outcome = outcome.map_err(|source| TransportError::Disconnected {
            endpoint: endpoint.clone(),
            // This kind distinguishes a broken port from a device that closes the connection.
            source: Some(io::Error::new(
                io::ErrorKind::NotConnected,
                source.to_string(),
            )),
        })?;
        let problem = match outcome {
            Ok(Reply::Answer(answer)) => return Ok(answer),
            Ok(Reply::Refusal) => {
                return Err(TransportError::refused(endpoint, Rejection::PromptOnly));
            }
            Ok(Reply::Garbled) => ConsoleProblem::Garbled(endpoint.clone()),
            Err(Some(Trouble::Restarted)) => ConsoleProblem::Restarted(endpoint.clone()),
            Err(Some(Trouble::Binary)) => ConsoleProblem::NotText,
            Err(Some(Trouble::OtherConsole)) => ConsoleProblem::Other,
            Err(None) => return Err(TransportError::timed_out(endpoint, limit)),
        };
        Err(TransportError::console(&self.path, problem, None))
    }

    /// Types a line as fast as its echo allows, and waits for the reply. An error concerns the
    /// port.
    async fn type_line(&mut self, line: &str, deadline: Instant) -> io::Result<Outcome> {
        let port = self.port.as_mut();
        let port = port.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
        let mut typed = Zeroizing::new(line.as_bytes().to_vec());
        typed.push(b'\r');
        let mut output = Output::for_request(line);
        let mut sent = 0;
        // When the last chunk was sent, or when a prompt arrived that may be an older one.
        let mut since = Instant::now();
        let max_wait = ECHO_TIMEOUT + 4 * CHUNK_LENGTH * self.byte;
        loop {
            // The device's buffer has 256 bytes. It has read what it echoed.
            let room = CHUNK_BYTES.saturating_sub(sent - output.echoed().min(sent));
            let chunk: Vec<u8> = typed.iter().skip(sent).take(room).copied().collect();
            if !chunk.is_empty() {
                port.write(&chunk).await?;
                since = Instant::now();
                sent += chunk.len();
                if sent == typed.len() {
                    output.mark_sent();
                }
            }
            let was_unsure = output.is_prompt_uncertain();
            let read = tokio::select! {
                biased;
                // Checked first, in case the port never pauses.
                () = sleep_until(deadline) => return Ok(Err(output.trouble())),
                // Typing continues even if the echo cannot be distinguished from other output.
                () = sleep_until(since + max_wait), if sent < typed.len() || was_unsure => None,
                read = port.read() => match read {
                    // What arrived before the end is complete.
                    Err(_) if was_unsure => None,
                    read => Some(read?),
                },
            };
            let reply = match read {
                Some(read) => output.read(&read),
                None if output.is_prompt_uncertain() => Some(output.finish()),
                None => {
                    output.assume_echoed(sent);
                    since = Instant::now();
                    None
                }
            };
            if output.is_prompt_uncertain() && !was_unsure {
                since = Instant::now();
            }
            match (output.trouble(), reply) {
                (restarted @ Some(Trouble::Restarted), _) => return Ok(Err(restarted)),
                (_, Some(reply)) => return Ok(Ok(reply)),
                _ => {}
            }
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
        let outcome = self.send_and_read(endpoint, request).await;
        let is_over = matches!(
            outcome,
            Err(TransportError::Disconnected { .. }
                | TransportError::Console { .. }
                | TransportError::TimedOut { .. })
        );
        if is_over {
            // Later bytes on this line would be read as the next answer.
            self.close_port().await;
        }
        outcome
    }

    async fn close(&mut self) -> Result<(), TransportError> {
        self.close_port().await;
        Ok(())
    }

    fn capacity(&self) -> Capacity {
        Capacity {
            request: Some(MAX_HANDSHAKE_BYTES),
            ..Capacity::default()
        }
    }
}

/// Why there is no prompt. `trouble` is the last problem that the output showed, `other_consoles`
/// how often another console answered, and `waited` the whole time once it is over.
fn explain_missing_prompt(
    trouble: Option<Trouble>,
    other_consoles: u32,
    waited: Option<Duration>,
) -> Option<ConsoleProblem> {
    match (trouble, waited) {
        // Another console answered each time.
        (Some(Trouble::OtherConsole), _) if other_consoles >= 2 => Some(ConsoleProblem::Other),
        (Some(Trouble::OtherConsole), Some(_)) => Some(ConsoleProblem::Other),
        (Some(Trouble::Binary), Some(_)) => Some(ConsoleProblem::NotText),
        (_, Some(waited)) => Some(ConsoleProblem::NoPrompt(waited)),
        (_, None) => None,
    }
}

/// The most bytes to send before their echo: the size of the device's receive buffer, with a
/// margin.
const CHUNK_BYTES: usize = 64;
/// The same as [`CHUNK_BYTES`], to multiply times.
const CHUNK_LENGTH: u32 = 64;
/// The most bytes of a number with its echo and the prompt, with a margin.
const MAX_NUMBER_BYTES: u32 = 128;
/// How long espctl waits for an echo before it continues without it: many times the duration of 64
/// bytes.
const ECHO_TIMEOUT: Duration = Duration::from_millis(600);
/// How long espctl waits for the echo of a number before it types the next one.
const SYNC_INTERVAL: Duration = Duration::from_millis(500);
/// The longest handshake message, in bytes: the rest of a line after `prov-session 65535 `.
const MAX_HANDSHAKE_BYTES: usize = (MAX_REQUEST_BYTES - 19) / 2;
/// With start and stop bit.
const BITS_PER_BYTE: u32 = 10;

#[cfg(test)]
#[cfg(unix)]
mod tests;
