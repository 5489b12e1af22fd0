//! Sends a device's messages to its cloud, during its service and after that, in a separate task with
//! firmware's number of attempts.

use std::time::Duration;

use hyper::Method;
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, timeout};

use super::{MESSAGE_BUFFER, Message, NodeCloud, NodeCloudError};
use crate::emulator::device::TimeScale;
use crate::emulator::log::{DeviceEvent, Log};

/// Sends messages to the cloud, one after the other. Without a cloud, they are lost.
#[derive(Debug)]
pub(in super::super) struct Uplink {
    messages: UnboundedSender<Message>,
    /// Their results, with their times.
    pub(in super::super) outcomes: UnboundedReceiver<(Instant, DeviceEvent)>,
}

impl Uplink {
    pub(in super::super) fn start(cloud: Option<(NodeCloud, String)>, scale: TimeScale) -> Self {
        let (messages, mut incoming) = unbounded_channel();
        let (sender, outcomes) = unbounded_channel();
        if let Some((cloud, node_id)) = cloud {
            tokio::spawn(async move {
                while let Some(message) = incoming.recv().await {
                    deliver(&cloud, &node_id, message, scale, |entry| {
                        // The receiver is gone after the time limit for the rest.
                        let _sent = sender.send((Instant::now(), entry));
                    })
                    .await;
                }
            });
        }
        Self { messages, outcomes }
    }

    pub(in super::super) fn send(&self, messages: Vec<Message>) {
        for message in messages {
            // The task ends with this sender; without a cloud there is no task.
            let _sent = self.messages.send(message);
        }
    }

    /// Waits until every message is delivered or has failed.
    pub(in super::super) async fn finish(mut self, log: &mut Log) {
        drop(self.messages);
        let drained = timeout(FINISH_TIMEOUT, async {
            while let Some((at, entry)) = self.outcomes.recv().await {
                log.write_at(at, &entry);
            }
        });
        if drained.await.is_err() {
            log.write(&DeviceEvent::CloudFailed {
                what: "rest",
                attempt: 0,
                why: format!("not done within {} s", FINISH_TIMEOUT.as_secs()),
            });
        }
    }
}

/// Sends a message, with retries unless its error is final.
async fn deliver(
    cloud: &NodeCloud,
    node_id: &str,
    message: Message,
    scale: TimeScale,
    report: impl Fn(DeviceEvent),
) {
    let (method, what, body, delivered) = match message {
        Message::Online => {
            let (body, delivered) = (json!({"connected": true}), DeviceEvent::ConnectivitySent);
            (Method::PUT, "connectivity", body, delivered)
        }
        Message::UserMapping {
            user_id,
            secret_key: key,
        } => {
            let body = json!({"node_id": node_id, "user_id": user_id, "secret_key": key.expose()});
            let delivered = DeviceEvent::UserMappingSent { user_id };
            (Method::POST, "user_mapping", body, delivered)
        }
    };
    let (path, body) = (format!("{node_id}/{what}"), body.to_string());
    for attempt in 1..=MAX_ATTEMPTS {
        let sent = if body.len() < MESSAGE_BUFFER {
            cloud.send(method.clone(), &path, body.clone()).await
        } else {
            Err(NodeCloudError::TooLong(body.len()))
        };
        let Err(error) = sent else {
            return report(delivered);
        };
        let why = error.to_string();
        report(DeviceEvent::CloudFailed { what, attempt, why });
        if error.is_final() || attempt == MAX_ATTEMPTS {
            return;
        }
        sleep(scale.of(RETRY_INTERVAL)).await;
    }
}

/// One, and five retries.
const MAX_ATTEMPTS: u32 = 6;
const RETRY_INTERVAL: Duration = Duration::from_secs(5);
/// The time limit for the remaining messages.
const FINISH_TIMEOUT: Duration = Duration::from_mins(1);
