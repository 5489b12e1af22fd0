//! An emulated cloud as a second process: the shipped binary starts it, tests call it over a real
//! socket and read its log afterwards. The client here is deliberately minimal HTTP/1.0,
//! independent of espctl's own client.
#![expect(
    clippy::disallowed_types,
    reason = "a client that is not the program's own"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::device::fresh_path;
use super::espctl;

/// A running emulated cloud. Dropping it stops it.
pub(crate) struct Cloud {
    child: Child,
    pub(crate) ready: Value,
    log: PathBuf,
}

/// The answer to a call.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The body, parsed as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The value of a header, if the answer has it.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

impl Cloud {
    /// Starts `espctl emulate cloud` with these arguments, on a free port.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let log = fresh_path("cloud.log");
        let mut child = espctl::command(["emulate", "cloud", "--listen", "127.0.0.1"])
            .arg("--log")
            .arg(&log)
            .args(arguments)
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{error}: the cloud printed {line:?}"));
        Self { child, ready, log }
    }

    /// The base URL, without `v1`.
    pub(crate) fn url(&self) -> &str {
        self.ready_text("url")
    }

    /// The user name of the account.
    pub(crate) fn user(&self) -> &str {
        self.ready_text("user")
    }

    /// The user's password.
    pub(crate) fn password(&self) -> &str {
        self.ready_text("password")
    }

    /// The user id that mapping sends to devices.
    pub(crate) fn user_id(&self) -> &str {
        self.ready_text("user_id")
    }

    fn ready_text(&self, key: &str) -> &str {
        self.ready[key].as_str().expect(key)
    }

    /// The entries of the cloud's log.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.log_text()
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }

    /// The text of the cloud's log.
    pub(crate) fn log_text(&self) -> String {
        fs::read_to_string(&self.log).expect("the cloud's log")
    }

    /// The log entries of one kind.
    pub(crate) fn log_entries(&self, event: &str) -> Vec<Value> {
        self.log()
            .into_iter()
            .filter(|entry| entry["event"] == event)
            .collect()
    }

    /// Sends a request and returns the answer; `Null` means no body.
    pub(crate) fn call(&self, method: &str, target: &str, token: &str, body: &Value) -> Answer {
        let body = match body {
            Value::Null => String::new(),
            Value::String(form) => form.clone(),
            body => body.to_string(),
        };
        let answer = self.exchange(method, target, token, body.as_bytes());
        let answer = answer.unwrap_or_else(|error| panic!("{method} {target}: {error}"));
        answer.unwrap_or_else(|| panic!("{method} {target}: closed without an answer"))
    }

    /// Sends a request, which may stay without an answer.
    pub(crate) fn exchange(
        &self,
        method: &str,
        target: &str,
        token: &str,
        body: &[u8],
    ) -> std::io::Result<Option<Answer>> {
        let mut stream = self.send(method, target, token, body)?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let text = String::from_utf8(bytes).expect("text");
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert_eq!(text, "", "half an answer");
            return Ok(None);
        };
        let status = head.split(' ').nth(1).expect("a status");
        Ok(Some(Answer {
            status: status.parse().expect("a status"),
            head: head.to_owned(),
            body: body.to_owned(),
        }))
    }

    fn send(
        &self,
        method: &str,
        target: &str,
        token: &str,
        body: &[u8],
    ) -> std::io::Result<TcpStream> {
        let address = self.url().strip_prefix("http://").expect("plain HTTP");
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        let token = match token {
            "" => String::new(),
            token => format!("Authorization: {token}\r\n"),
        };
        let request = format!(
            "{method} {target} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\n{token}\r\n",
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        // The cloud may refuse before it has read everything.
        let _sent: std::io::Result<()> = stream.write_all(body);
        Ok(stream)
    }

    /// Sends a request and closes the connection before the answer.
    pub(crate) fn leave(&self, method: &str, target: &str, token: &str, body: &[u8]) {
        let requests = || self.log_entries("request").len();
        let before = requests();
        let mut stream = self.send(method, target, token, body).expect("a socket");
        stream
            .set_read_timeout(Some(Duration::from_millis(20)))
            .expect("a socket");
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        // The log shows when the request arrived.
        while requests() == before {
            assert!(Instant::now() < deadline, "the request never arrived");
            let read = stream.read(&mut [0; 1]);
            assert!(read.is_err(), "an answer: {read:?}");
        }
    }

    /// Logs in with a password and returns the answer.
    pub(crate) fn log_in(&self, user: &str, password: &str) -> Answer {
        let body = json!({"user_name": user, "password": password});
        self.call("POST", "/v1/login2", "", &body)
    }

    /// A new access token of the first user.
    pub(crate) fn token(&self) -> String {
        let login = self.log_in(self.user(), self.password()).json();
        login["accesstoken"].as_str().expect("a token").to_owned()
    }

    /// Sends a control request, which must succeed.
    pub(crate) fn control(&self, method: &str, target: &str, body: &Value) {
        let answer = self.call(method, &format!("/emulator/{target}"), "", body);
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Advances the cloud's clock.
    pub(crate) fn advance(&self, seconds: u64) {
        self.control("POST", "clock", &json!({"advance_s": seconds}));
    }

    /// The process id, for signals.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the process ends. Returns the exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().expect("a child of ours").code()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // The process may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Longer than any answer takes.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
