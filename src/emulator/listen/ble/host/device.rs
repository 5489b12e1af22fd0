//! The calls of clients to a device (`src/device.c`): connecting, parting, pairing. Not those to its
//! attributes.

use std::time::Duration;

use zbus::message::Message;

use super::super::answer::{Answer, Refusal};
use super::super::trouble::LinkTrouble;
use super::remote::{BY_THE_CLIENT, Bluez, NOT_PAIRED, RemoteDevice};

impl RemoteDevice {
    pub(super) fn call_device(
        &mut self,
        call: &Message,
        member: &str,
        bluez: &mut Bluez,
    ) -> Result<Answer, Refusal> {
        match member {
            "Connect" => self.call_connect(call, bluez),
            "Disconnect" => Ok(self.call_disconnect(call, bluez)),
            "Pair" => self.call_pair(call, bluez),
            _ => Err(Refusal::UnknownMethod),
        }
    }

    fn call_connect(&mut self, call: &Message, bluez: &mut Bluez) -> Result<Answer, Refusal> {
        if !bluez.is_powered {
            return Err(Refusal::failed("Input/output error"));
        }
        if self.connected.is_some() {
            return Ok(Answer::Empty);
        }
        if self.connecting.is_some() {
            return Err(Refusal::IN_PROGRESS);
        }
        let attempt = bluez.next_number();
        self.connecting = Some((attempt, call.clone()));
        let fails_once = self.take_trouble(LinkTrouble::ConnectFailsOnce);
        if self.is_reachable() && !fails_once {
            self.connect(bluez);
            return Ok(Answer::Sent);
        }
        let is_rejected = self.radio.is_none() && self.is_advertising;
        let wait = if fails_once || is_rejected {
            SOON
        } else {
            bluez.scaled(CONNECT_LIMIT, LEAST_CONNECT_LIMIT)
        };
        bluez.after(wait, self.number, move |remote, bluez| {
            let connecting = &mut remote.connecting;
            if let Some((_, call)) = connecting.take_if(|(number, _)| *number == attempt) {
                let refusal = Refusal::failed("le-connection-abort-by-local");
                bluez.objects.refuse(&call, &refusal);
            }
        });
        Ok(Answer::Sent)
    }

    /// The link that a client asked for is up. BlueZ finds out the services after its answer.
    fn connect(&mut self, bluez: &mut Bluez) {
        self.link(bluez);
        if let Some((_, call)) = self.connecting.take() {
            bluez.objects.reply(&call, &());
        }
        if self.take_trouble(LinkTrouble::LostBeforeResolved) {
            self.after_on_link(bluez, SOON, |remote, bluez| {
                remote.cut("lost before its services were known", bluez);
            });
        } else if !self.has(LinkTrouble::Unresolved) {
            // The MTU, services, characteristics, descriptors.
            let operations = bluez.settings.operation_wait.saturating_mul(4);
            self.after_on_link(bluez, SOON.saturating_add(operations), Self::resolve);
        }
    }

    pub(super) fn note_advertising(&mut self, on: bool, bluez: &mut Bluez) {
        self.is_advertising = on;
        if self.connecting.is_some() && self.is_reachable() {
            self.connect(bluez);
        }
    }

    fn call_disconnect(&mut self, call: &Message, bluez: &mut Bluez) -> Answer {
        if let Some((_, connecting)) = self.connecting.take() {
            let refusal = Refusal::CONNECT_CANCELED;
            bluez.objects.refuse(&connecting, &refusal);
        }
        if self.connected.is_none() {
            return Answer::Empty;
        }
        self.disconnecting.push(call.clone());
        let wait = bluez.scaled(DISCONNECT, Duration::ZERO);
        self.after_on_link(bluez, wait, |remote, bluez| {
            remote.cut(BY_THE_CLIENT, bluez);
        });
        Answer::Sent
    }

    fn call_pair(&mut self, call: &Message, bluez: &mut Bluez) -> Result<Answer, Refusal> {
        if self.is_paired {
            return Err(Refusal::bluez("AlreadyExists", "Already Exists"));
        }
        if self.pairing.is_some() {
            return Err(Refusal::IN_PROGRESS);
        }
        if self.connected.is_none() {
            return Err(Refusal::bluez("ConnectionAttemptFailed", "Page Timeout"));
        }
        self.pairing = Some(call.clone());
        self.after_on_link(bluez, SOON, |remote, bluez| {
            let fails = [
                LinkTrouble::NoPairing,
                LinkTrouble::PairingByHandRefused,
                LinkTrouble::PairingHangs,
            ];
            let Some(call) = remote.pairing.take() else {
                return;
            };
            if fails.into_iter().any(|trouble| remote.has(trouble)) {
                let refusal = Refusal::bluez("AuthenticationFailed", "Authentication Failed");
                bluez.objects.refuse(&call, &refusal);
                remote.cut(NOT_PAIRED, bluez);
            } else {
                remote.encrypt(bluez);
                bluez.objects.reply(&call, &());
            }
        });
        Ok(Answer::Sent)
    }
}

/// `DISCONNECT_TIMER`.
const DISCONNECT: Duration = Duration::from_secs(2);
/// How long the kernel waits for a device that is not there.
const CONNECT_LIMIT: Duration = Duration::from_secs(41);
const LEAST_CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// What a few packets take.
const SOON: Duration = Duration::from_millis(10);
