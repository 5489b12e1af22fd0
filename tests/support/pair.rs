//! A client and a device, connected in memory and run until both have keys or one refuses. There is
//! no endpoint and no transport, only the messages of the handshake, which a test may alter.

use std::sync::LazyLock;

use espctl::secret::Secret;
use espctl::security::{
    Answer, Cipher, Credentials, DeviceSecret, NonceRule, Responder, SecurityError, SecurityScheme,
    Step, VerifierForm, accept, start,
};
use rand_core::CryptoRng;

use super::scripted_rng::SeededRng;

/// Both sides before the first message.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) client: Step,
    pub(crate) device: Box<dyn Responder>,
}

impl Pair {
    /// A pair that agrees, for tests that do not depend on its secrets.
    pub(crate) fn of(scheme: SecurityScheme, seed: &str) -> Self {
        let (credentials, secret) = match scheme {
            SecurityScheme::Sec0 => (Credentials::None, DeviceSecret::Sec0),
            SecurityScheme::Sec1 => (
                Credentials::Pop(password()),
                DeviceSecret::Sec1 {
                    pop: Some(password()),
                },
            ),
            SecurityScheme::Sec2 => (sec2_credentials(), SEC2.clone()),
        };
        Self::seeded(seed, &credentials, &secret)
    }

    /// Each side has its own `rng`, so that neither depends on what the other draws.
    pub(crate) fn draw(
        (credentials, client_rng): (&Credentials, &mut dyn CryptoRng),
        (secret, device_rng): (&DeviceSecret, &mut dyn CryptoRng),
    ) -> Self {
        Self {
            client: start(secret.scheme(), credentials, client_rng)
                .expect("credentials of the device's scheme"),
            device: accept(secret, device_rng),
        }
    }

    /// Equal seeds make equal pairs.
    pub(crate) fn seeded(seed: &str, credentials: &Credentials, secret: &DeviceSecret) -> Self {
        Self::draw(
            (credentials, &mut SeededRng::new(format!("{seed} client"))),
            (secret, &mut SeededRng::new(format!("{seed} device"))),
        )
    }

    /// Delivers every message unchanged.
    pub(crate) fn run(self) -> Result<Ends, Refused> {
        self.run_altering(|_, message| message)
    }

    /// Delivers every message as altered by `alter`.
    pub(crate) fn run_altering(
        mut self,
        mut alter: impl FnMut(Message, Vec<u8>) -> Vec<u8>,
    ) -> Result<Ends, Refused> {
        let mut sent = Vec::new();
        let mut expected = Message::ALL.into_iter();
        let mut deliver = |message: Vec<u8>| {
            sent.push(message.clone());
            alter(expected.next().expect("no handshake is longer"), message)
        };
        let mut device_cipher = None;
        loop {
            let (request, waiting) = match self.client {
                Step::Send { request, next } => (request, next),
                Step::Established(client) => {
                    return Ok(Ends {
                        client,
                        device: device_cipher.expect("the device is done when the client is"),
                        sent,
                    });
                }
            };
            let response = match self.device.answer(&deliver(request)) {
                Ok(Answer::Reply { response, next }) => {
                    self.device = next;
                    response
                }
                Ok(Answer::Established { response, cipher }) => {
                    device_cipher = Some(cipher);
                    self.device = Box::new(Done);
                    response
                }
                Err(error) => {
                    return Err(Refused {
                        by: Side::Device,
                        error,
                        reading: waiting.refused(),
                        sent,
                    });
                }
            };
            self.client = match waiting.receive(&deliver(response)) {
                Ok(step) => step,
                Err(error) => {
                    return Err(Refused {
                        by: Side::Client,
                        reading: error.clone(),
                        error,
                        sent,
                    });
                }
            };
        }
    }
}

/// The messages of a handshake, by their names in `sec1.proto` and `sec2.proto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Sc0,
    Sr0,
    Sc1,
    Sr1,
}

impl Message {
    pub(crate) const ALL: [Self; 4] = [Self::Sc0, Self::Sr0, Self::Sc1, Self::Sr1];
}

fn sec2_credentials() -> Credentials {
    Credentials::UserPassword {
        username: USERNAME.into(),
        password: password(),
        verifier: VerifierForm::Standard,
    }
}

fn password() -> Secret<String> {
    Secret::new("abcd1234".into())
}

/// Computed once: a verifier costs as much as half a handshake.
static SEC2: LazyLock<DeviceSecret> = LazyLock::new(|| {
    let rng = &mut SeededRng::new("verifier");
    DeviceSecret::sec2(USERNAME, &password(), NonceRule::Counter, rng)
});

const USERNAME: &str = "wifiprov";

/// The side that refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Device,
}

/// A failed handshake.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) by: Side,
    pub(crate) error: SecurityError,
    /// The client's interpretation: its own error, or that of the missing answer.
    pub(crate) reading: SecurityError,
    /// The messages as sent, before they were altered.
    pub(crate) sent: Vec<Vec<u8>>,
}

/// The two sides of a session.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) client: Box<dyn Cipher>,
    pub(crate) device: Box<dyn Cipher>,
    /// The messages as sent, before they were altered.
    pub(crate) sent: Vec<Vec<u8>>,
}

impl Ends {
    /// Exchanges one request and one response. Returns their ciphertexts. A side may reject a
    /// message, but must never read something other than what was written.
    pub(crate) fn exchange(
        &mut self,
        request: &[u8],
        response: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), SecurityError> {
        let request_wire = self.client.seal(request)?;
        assert_eq!(*self.device.open(&request_wire)?, request);
        let response_wire = self.device.seal(response)?;
        assert_eq!(*self.client.open(&response_wire)?, response);
        Ok((request_wire, response_wire))
    }
}

/// The device after its last answer.
#[derive(Debug)]
struct Done;

impl Responder for Done {
    fn answer(self: Box<Self>, _request: &[u8]) -> Result<Answer, SecurityError> {
        panic!("the client goes on after the device's last answer")
    }
}
