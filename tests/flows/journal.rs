//! What a run records before and after the steps that it cannot take back.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use espctl::endpoint::version::Version;
use espctl::flows::join::Joining;
use espctl::flows::network::NetworkSelection;
use espctl::flows::{
    CredentialState, FlowError, FlowStep, Irreversible, Journal, JournalError, RowName, Run, Taken,
    Timing, Warning,
};
use espctl::ident::Passphrase;
use espctl::provisioner::{NetworkCredentials, WifiCredentials};
use espctl::secret::Secret;
use espctl::security::DeviceSecret;
use espctl::transport::TransportError;

use crate::support::memory_transport::{MemoryDevice, Outcome, broken};
use crate::support::recorder::Recorder;

/// Stores what it records, and fails at the step that the test selects.
#[derive(Clone, Debug, Default)]
struct Notebook {
    lines: Arc<Mutex<Vec<String>>>,
    fails_before: bool,
    fails_after: bool,
}

impl Notebook {
    fn note(&self, line: String, fails: bool) -> Result<(), JournalError> {
        if fails {
            let message = "the disk is full".to_owned();
            return Err(JournalError(message));
        }
        self.lines.lock().unwrap().push(line);
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

#[async_trait]
impl Journal for Notebook {
    async fn record_start(
        &self,
        row: Option<&RowName>,
        step: &Irreversible,
    ) -> Result<(), JournalError> {
        let row = row.map_or("", RowName::as_str);
        self.note(format!("{row}: {step:?}"), self.fails_before)
    }

    async fn record_outcome(
        &self,
        row: Option<&RowName>,
        _step: &Irreversible,
        taken: Taken,
    ) -> Result<(), JournalError> {
        let row = row.map_or("", RowName::as_str);
        self.note(format!("{row}: {taken:?}"), self.fails_after)
    }
}

fn device() -> MemoryDevice {
    MemoryDevice::new(espctl::emulator::device::DeviceSettings::new(
        DeviceSecret::Sec0,
    ))
}

/// Gives the device a network, with this journal.
async fn join(device: &MemoryDevice, notebook: &Notebook) -> (Result<(), FlowError>, Recorder) {
    let recorder = Recorder::default();
    let run = Run {
        device: Some(RowName::new("row 7")),
        journal: Some(Arc::new(notebook.clone())),
        ..recorder.run()
    };
    let mut device = device
        .protocomm(Version::default(), &Timing::default())
        .await;
    let mut joining = Joining {
        run: &run,
        device: &mut device,
        credentials: CredentialState::Nothing,
    };
    let settled = NetworkSelection {
        network: NetworkCredentials::Wifi(WifiCredentials {
            ssid: "Home".parse().unwrap(),
            passphrase: Passphrase::new(Secret::new("correct horse battery".to_owned())).unwrap(),
        }),
        seen: None,
    };
    let outcome = joining.join(settled, 0).await;
    (outcome.map(|_| ()), recorder)
}

/// A device whose answer to Apply is this.
fn answering(answer: impl Fn() -> Outcome + Send + 'static) -> MemoryDevice {
    let mut requests = 0;
    device().altering(move |endpoint, bytes| {
        if endpoint != "prov-config" {
            return Ok(bytes);
        }
        requests += 1;
        if requests == 2 { answer() } else { Ok(bytes) }
    })
}

#[tokio::test(start_paused = true)]
async fn records_step_before_and_after() {
    let missing = || {
        let endpoint = espctl::proto::EndpointName::PROV_CONFIG;
        Err(TransportError::NoSuchEndpoint { endpoint })
    };
    for (device, taken) in [
        (device(), "Yes"),
        (answering(|| Err(broken("prov-config"))), "Perhaps"),
        (answering(missing), "No"),
    ] {
        let notebook = Notebook::default();
        let (outcome, _) = join(&device, &notebook).await;
        assert_eq!(outcome.is_ok(), taken == "Yes");
        assert_eq!(
            notebook.lines(),
            ["row 7: Apply".to_owned(), format!("row 7: {taken}")]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn unrecorded_step_is_not_taken() {
    let device = device();
    let notebook = Notebook {
        fails_before: true,
        ..Notebook::default()
    };
    let error = join(&device, &notebook).await.0.unwrap_err();
    assert!(
        matches!(
            &error,
            FlowError::NotRecorded {
                step: FlowStep::ApplyingWifi,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert_eq!(device.log_entries("wifi_set").len(), 1);
    assert!(device.log_entries("wifi_applied").is_empty());
}

/// The device joins anyway, so the run must go on and confirm it.
#[tokio::test(start_paused = true)]
async fn unrecorded_outcome_does_not_end_run() {
    let notebook = Notebook {
        fails_after: true,
        ..Notebook::default()
    };
    let (outcome, recorder) = join(&device(), &notebook).await;
    outcome.unwrap();
    assert_eq!(notebook.lines(), ["row 7: Apply"]);
    assert_eq!(recorder.warnings(), [Warning::NotRecorded]);
}
