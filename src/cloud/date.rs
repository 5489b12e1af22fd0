//! Probes a cloud: whether it answers, and how far this computer's clock differs. No login is sent.

use std::time::{Duration, UNIX_EPOCH};

use reqwest::header::DATE;
use serde_json::Value;

use super::client::read_body;
use super::tokens::since_epoch;
use super::{Client, CloudError};

/// A cloud that answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloudStatus {
    /// The difference of this computer's clock from the cloud's; `None` if the answer has no date.
    pub skew: Option<Skew>,
    /// Whether the answer is that of a RainMaker cloud.
    pub is_cloud: bool,
}

/// The difference of this computer's clock from another clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skew {
    /// This computer's clock is behind.
    Behind(Duration),
    /// This computer's clock is ahead, or right.
    Ahead(Duration),
}

impl Skew {
    /// The difference, in either direction.
    pub fn size(self) -> Duration {
        match self {
            Self::Behind(size) | Self::Ahead(size) => size,
        }
    }
}

impl Client {
    /// Sends one request that checks whether the cloud answers and what time it has.
    pub async fn probe(&self) -> Result<CloudStatus, CloudError> {
        let url = self.base_url.join("/apiversions");
        let url = url.map_err(|error| self.malformed(CALL, error.to_string()))?;
        let sent_at = since_epoch();
        let failed = |source| self.connection_error(CALL, source);
        let response = self.http.get(url).send().await.map_err(failed)?;
        let received_at = since_epoch();
        let date = response.headers().get(DATE);
        let date = date.and_then(|value| value.to_str().ok());
        tracing::debug!(host = %self.host, status = %response.status(), date, "cloud");
        let skew = date.and_then(|date| {
            let cloud_time = httpdate::parse_http_date(date).ok()?;
            let cloud_time = cloud_time.duration_since(UNIX_EPOCH).ok()?;
            Some(measure_skew(sent_at, received_at, cloud_time))
        });
        // Another server may answer, with a body of any size.
        let body = read_body(response, MAX_ANSWER_BYTES).await;
        let body: Value = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
        Ok(CloudStatus {
            skew,
            is_cloud: body.get("supported_versions").is_some_and(Value::is_array),
        })
    }
}

/// Compares the clocks, in times since 1970. The cloud made its answer between sending and receiving, and truncates its
/// time to seconds.
fn measure_skew(sent_at: Duration, received_at: Duration, cloud_time: Duration) -> Skew {
    let ahead = sent_at.checked_sub(cloud_time.saturating_add(Duration::from_secs(1)));
    match (ahead, cloud_time.checked_sub(received_at)) {
        (Some(ahead), _) => Skew::Ahead(ahead),
        (_, Some(behind)) => Skew::Behind(behind),
        (None, None) => Skew::Ahead(Duration::ZERO),
    }
}

const CALL: &str = "the list of API versions";
/// Longer than any list of versions.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_skew_within_request_time() {
        let at = Duration::from_secs_f64;
        let right = Skew::Ahead(Duration::ZERO);
        assert_eq!(measure_skew(at(100.0), at(102.0), at(101.0)), right);
        // The cloud's time is truncated to seconds.
        assert_eq!(measure_skew(at(100.9), at(100.95), at(100.0)), right);
        let hour = Duration::from_hours(1);
        assert_eq!(
            measure_skew(at(100.0), at(100.0), at(3700.0)),
            Skew::Behind(hour)
        );
        assert_eq!(
            measure_skew(at(3701.0), at(3701.0), at(100.0)),
            Skew::Ahead(hour)
        );
    }
}
