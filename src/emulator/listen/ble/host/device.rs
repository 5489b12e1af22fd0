//! The calls of clients to a device (`src/device.c`): connecting, disconnecting, pairing.

use std::time::Duration;

use zbus::message::Message;

use super::super::answer::{DbusAnswer, DbusError};
use super::super::trouble::LinkTrouble;
use super::remote::{BY_THE_CLIENT, Bluez, NOT_PAIRED, RemoteDevice};

impl RemoteDevice {
    pub(super) fn call_device(
        &mut self,
        call: &Message,
        member: &str,
        bluez: &mut Bluez,
    ) -> Result<DbusAnswer, DbusError> {
        match member {
            "Connect" => self.call_connect(call, bluez),
            "Disconnect" => Ok(self.call_disconnect(call, bluez)),
            "Pair" => self.call_pair(call, bluez),
            _ => Err(DbusError::UnknownMethod),
        }
    }

    fn call_connect(&mut self, call: &Message, bluez: &mut Bluez) -> Result<DbusAnswer, DbusError> {
        if !bluez.is_powered {
            return Err(DbusError::failed("Input/output error"));
        }
        if self.connected.is_some() {
            return Ok(DbusAnswer::Empty);
        }
        if self.connecting.is_some() {
            return Err(DbusError::IN_PROGRESS);
        }
        let attempt = bluez.next_number();
        self.connecting = Some((attempt, call.clone()));
        let fails_once = self.take_trouble(LinkTrouble::ConnectFailsOnce);
        if self.is_connectable() && !fails_once {
            self.complete_connect(bluez);
            return Ok(DbusAnswer::Sent);
        }
        let is_rejected = self.radio.is_none() && self.is_advertising;
        let wait = if fails_once || is_rejected {
            PACKETS_TIME
        } else {
            bluez.scale(CONNECT_TIMEOUT, MIN_CONNECT_TIMEOUT)
        };
        bluez.schedule(wait, self.number, move |remote, bluez| {
            let connecting = &mut remote.connecting;
            if let Some((_, call)) = connecting.take_if(|(number, _)| *number == attempt) {
                let refusal = DbusError::failed("le-connection-abort-by-local");
                bluez.objects.refuse(&call, &refusal);
            }
        });
        Ok(DbusAnswer::Sent)
    }

    /// Completes a connection. BlueZ discovers the services after its answer.
    fn complete_connect(&mut self, bluez: &mut Bluez) {
        self.set_connected(bluez);
        if let Some((_, call)) = self.connecting.take() {
            bluez.objects.reply(&call, &());
        }
        if self.take_trouble(LinkTrouble::LostBeforeResolved) {
            self.schedule_on_link(bluez, PACKETS_TIME, |remote, bluez| {
                remote.disconnect("lost before its services were known", bluez);
            });
        } else if !self.has(LinkTrouble::Unresolved) {
            // Four operations: the MTU, services, characteristics, descriptors.
            let operations = bluez.settings.operation_wait.saturating_mul(4);
            self.schedule_on_link(
                bluez,
                PACKETS_TIME.saturating_add(operations),
                Self::resolve_services,
            );
        }
    }

    pub(super) fn set_advertising(&mut self, on: bool, bluez: &mut Bluez) {
        self.is_advertising = on;
        if self.connecting.is_some() && self.is_connectable() {
            self.complete_connect(bluez);
        }
    }

    fn call_disconnect(&mut self, call: &Message, bluez: &mut Bluez) -> DbusAnswer {
        if let Some((_, connecting)) = self.connecting.take() {
            let refusal = DbusError::CONNECT_CANCELED;
            bluez.objects.refuse(&connecting, &refusal);
        }
        if self.connected.is_none() {
            return DbusAnswer::Empty;
        }
        self.disconnecting.push(call.clone());
        let wait = bluez.scale(DISCONNECT_DELAY, Duration::ZERO);
        self.schedule_on_link(bluez, wait, |remote, bluez| {
            remote.disconnect(BY_THE_CLIENT, bluez);
        });
        DbusAnswer::Sent
    }

    fn call_pair(&mut self, call: &Message, bluez: &mut Bluez) -> Result<DbusAnswer, DbusError> {
        if self.is_paired {
            return Err(DbusError::bluez("AlreadyExists", "Already Exists"));
        }
        if self.pairing.is_some() {
            return Err(DbusError::IN_PROGRESS);
        }
        if self.connected.is_none() {
            return Err(DbusError::bluez("ConnectionAttemptFailed", "Page Timeout"));
        }
        self.pairing = Some(call.clone());
        self.schedule_on_link(bluez, PACKETS_TIME, |remote, bluez| {
            let fails = [
                LinkTrouble::NoPairing,
                LinkTrouble::PairingByHandRefused,
                LinkTrouble::PairingHangs,
            ];
            let Some(call) = remote.pairing.take() else {
                return;
            };
            if fails.into_iter().any(|trouble| remote.has(trouble)) {
                let refusal = DbusError::bluez("AuthenticationFailed", "Authentication Failed");
                bluez.objects.refuse(&call, &refusal);
                remote.disconnect(NOT_PAIRED, bluez);
            } else {
                remote.encrypt(bluez);
                bluez.objects.reply(&call, &());
            }
        });
        Ok(DbusAnswer::Sent)
    }
}

/// `DISCONNECT_TIMER`.
const DISCONNECT_DELAY: Duration = Duration::from_secs(2);
/// How long the kernel waits for an absent device.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(41);
const MIN_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The duration of a few packets.
const PACKETS_TIME: Duration = Duration::from_millis(10);
