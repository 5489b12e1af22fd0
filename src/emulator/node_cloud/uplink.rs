//! What a device tells its cloud while it serves its clients, and after that: a task of its own,
//! with firmware's patience. Not what is worth telling, which the device decides.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::{NodeCloud, NodeCloudError};
use crate::emulator::device::TimeScale;
use crate::emulator::log::{Entry, Log};
use crate::secret::Secret;

/// Something for the cloud.
#[derive(Clone, Debug)]
pub(in super::super) enum Message {
    /// The device is on its network.
    Online,
    /// The device's half of a user mapping.
    UserMapping {
        user_id: String,
        secret_key: Secret<String>,
    },
}

impl Message {
    const fn name(&self) -> &'static str {
        match self {
            Self::Online => "connectivity",
            Self::UserMapping { .. } => "user_mapping",
        }
    }
}

/// A way to the cloud, on which messages go one after the other. Without a cloud they are lost.
#[derive(Debug)]
pub(in super::super) struct Uplink(Option<Way>);

#[derive(Debug)]
struct Way {
    messages: mpsc::UnboundedSender<Message>,
    /// What came of them, and when.
    outcomes: mpsc::UnboundedReceiver<(Instant, Entry)>,
}

impl Uplink {
    pub(in super::super) fn start(cloud: Option<(NodeCloud, String)>, scale: TimeScale) -> Self {
        Self(cloud.map(|(cloud, node_id)| {
            let (messages, mut incoming) = mpsc::unbounded_channel();
            let (told, outcomes) = mpsc::unbounded_channel();
            tokio::spawn(async move {
                while let Some(message) = incoming.recv().await {
                    let entries = Entries(&told);
                    tell(&cloud, &node_id, &message, scale, &entries).await;
                }
            });
            Way { messages, outcomes }
        }))
    }

    pub(in super::super) fn send(&self, messages: Vec<Message>) {
        if let Some(way) = &self.0 {
            for message in messages {
                // The task ends with this side and not before.
                let _sent = way.messages.send(message);
            }
        }
    }

    /// What next came of a message; waits for ever where nothing is under way.
    pub(in super::super) async fn outcome(&mut self) -> (Instant, Entry) {
        let outcome = match &mut self.0 {
            Some(way) => way.outcomes.recv().await,
            None => None,
        };
        match outcome {
            Some(outcome) => outcome,
            None => std::future::pending().await,
        }
    }

    /// Waits until everything is told, or is not going to be.
    pub(in super::super) async fn finish(self, log: &mut Log) {
        let Some(Way {
            messages,
            mut outcomes,
        }) = self.0
        else {
            return;
        };
        drop(messages);
        let drained = timeout(PATIENCE, async {
            while let Some((at, entry)) = outcomes.recv().await {
                log.write_at(at, &entry);
            }
        });
        if drained.await.is_err() {
            log.write(&Entry::CloudFailed {
                what: "rest",
                attempt: 0,
                why: format!("not done within {} s", PATIENCE.as_secs()),
            });
        }
    }
}

/// Where it is taken down what became of a message.
struct Entries<'a>(&'a mpsc::UnboundedSender<(Instant, Entry)>);

impl Entries<'_> {
    fn add(&self, entry: Entry) {
        // Nobody reads it any more once the device's patience is at its end.
        let _read = self.0.send((Instant::now(), entry));
    }
}

/// Tells the cloud one thing, again where that may help.
async fn tell(
    cloud: &NodeCloud,
    node_id: &str,
    message: &Message,
    scale: TimeScale,
    entries: &Entries<'_>,
) {
    let failed = |attempt, why| {
        entries.add(Entry::CloudFailed {
            what: message.name(),
            attempt,
            why,
        });
    };
    for attempt in 1..=ATTEMPTS {
        let told = match message {
            Message::Online => cloud.set_connectivity(node_id).await,
            Message::UserMapping {
                user_id,
                secret_key,
            } => {
                let mapping = mapping_of(node_id, user_id, secret_key.expose());
                let bytes = mapping.to_string().len();
                if bytes >= MAPPING_BUFFER {
                    let why = format!("{bytes} bytes; firmware has room for {MAPPING_BUFFER}");
                    return failed(attempt, why);
                }
                cloud.map_user(node_id, &mapping).await
            }
        };
        match told {
            Ok(()) => {
                return entries.add(match message {
                    Message::Online => Entry::ConnectivitySent,
                    Message::UserMapping { user_id, .. } => Entry::UserMappingSent {
                        user_id: user_id.clone(),
                    },
                });
            }
            Err(error) => {
                let is_final = matches!(
                    error,
                    NodeCloudError::Refused {
                        status: 400..=499,
                        ..
                    }
                );
                failed(attempt, error.to_string());
                if is_final {
                    return;
                }
            }
        }
        if attempt < ATTEMPTS {
            sleep(scale.of(RETRY_AFTER)).await;
        }
    }
}

fn mapping_of(node_id: &str, user_id: &str, secret_key: &str) -> Value {
    json!({"node_id": node_id, "user_id": user_id, "secret_key": secret_key})
}

/// The first, and five more.
const ATTEMPTS: u32 = 6;
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// The buffer of the message in `esp_rmaker_user_mapping.c`, with its end mark.
const MAPPING_BUFFER: usize = 200;
/// How long a device is kept that has something to tell and cannot.
const PATIENCE: Duration = Duration::from_mins(1);
