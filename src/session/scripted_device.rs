//! A device for tests, without a medium: its handshakes are real, and the test defines its answers.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use getrandom::SysRng;
use rand_core::UnwrapErr;

use super::{Connection, Handshakes, Secured};
use crate::endpoint::version::Version;
use crate::proto::{EndpointName, Service};
use crate::security::{
    Answer, Cipher, Credentials, DeviceSecret, Responder, SecurityScheme, accept, opens_handshake,
};
use crate::transport::{Rejection, Transport, TransportError};

/// The result of an exchange.
pub(crate) type Outcome = Result<Vec<u8>, TransportError>;

/// A device that is its own transport.
#[derive(Clone, derive_more::Debug)]
#[debug("ScriptedDevice")]
pub(crate) struct ScriptedDevice(Arc<Mutex<Inner>>);

struct Inner {
    secret: DeviceSecret,
    next: Option<Box<dyn Responder>>,
    cipher: Option<Box<dyn Cipher>>,
    answer: Box<Answering>,
    requests: Vec<(String, Vec<u8>)>,
}

type Answering = dyn FnMut(&str, &[u8]) -> Outcome + Send;

impl ScriptedDevice {
    /// Creates a device. `answer` receives the endpoint and the decrypted request, except those of
    /// handshakes.
    pub(crate) fn new(
        secret: DeviceSecret,
        answer: impl FnMut(&str, &[u8]) -> Outcome + Send + 'static,
    ) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            secret,
            next: None,
            cipher: None,
            answer: Box::new(answer),
            requests: Vec::new(),
        })))
    }

    /// A connection to the device, before any keys.
    pub(crate) fn connection(&self) -> Connection {
        Connection::new(Box::new(self.clone()), Service::Provisioning)
    }

    /// A session in plaintext, which cannot be reconnected.
    pub(crate) async fn secured(&self) -> Secured {
        let (scheme, permit) = (SecurityScheme::Sec0, Handshakes::default().begin().await);
        let mut connection = self.connection();
        let keys = connection.agree(scheme, &Credentials::None, UnwrapErr(SysRng), &permit);
        let keys = keys.await.unwrap();
        Secured {
            session: connection.into_session(keys),
            scheme,
            version: Version::default(),
            credentials: Credentials::None,
            route: None,
        }
    }

    /// The decrypted requests to an endpoint so far.
    pub(crate) fn requests(&self, endpoint: &str) -> Vec<Vec<u8>> {
        let inner = self.0.lock().unwrap();
        let matching = inner.requests.iter().filter(|(name, _)| name == endpoint);
        matching.map(|(_, request)| request.clone()).collect()
    }
}

#[async_trait]
impl Transport for ScriptedDevice {
    async fn exchange(&mut self, endpoint: &EndpointName, request: &[u8]) -> Outcome {
        let mut inner = self.0.lock().unwrap();
        match endpoint.as_str() {
            "prov-session" => inner.answer_handshake(endpoint, request),
            "proto-ver" => inner.answer(endpoint.as_str(), request),
            name => {
                let mut cipher = inner.cipher.take().expect("a session");
                let request = cipher.open(request).unwrap();
                let answer = inner.answer(name, &request);
                let sealed = answer.map(|answer| cipher.seal(&answer).unwrap());
                inner.cipher = Some(cipher);
                sealed
            }
        }
    }
}

impl Inner {
    fn answer(&mut self, endpoint: &str, request: &[u8]) -> Outcome {
        let record = (endpoint.to_owned(), request.to_vec());
        self.requests.push(record);
        (self.answer)(endpoint, request)
    }

    fn answer_handshake(&mut self, endpoint: &EndpointName, request: &[u8]) -> Outcome {
        let record = (endpoint.as_str().to_owned(), request.to_vec());
        self.requests.push(record);
        if opens_handshake(request) {
            self.next = Some(accept(&self.secret, &mut UnwrapErr(SysRng)));
        }
        match self.next.take().map(|next| next.answer(request)) {
            Some(Ok(Answer::Reply { response, next })) => {
                self.next = Some(next);
                Ok(response)
            }
            Some(Ok(Answer::Established { response, cipher })) => {
                self.cipher = Some(cipher);
                Ok(response)
            }
            Some(Err(_)) | None => Err(TransportError::refused(
                endpoint,
                Rejection::ConnectionClosed,
            )),
        }
    }
}
