//! An emulated cloud as a second process: started by the shipped binary, called over a real socket,
//! and asked afterwards what it was told. The client here is a few lines of HTTP/1.0 on purpose:
//! what the program itself sends is not what these calls test.
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

/// A running emulated cloud. Ends with the test.
pub(crate) struct Cloud {
    child: Child,
    pub(crate) ready: Value,
    log: PathBuf,
}

/// What a call was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The body, which is JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The value of a header, if it is there.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

impl Cloud {
    /// Starts `espctl emulate cloud` with these arguments, on a port of its own.
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
            .unwrap_or_else(|error| panic!("{error}: the cloud said {line:?}"));
        Self { child, ready, log }
    }

    /// Where it is, without `v1`.
    pub(crate) fn url(&self) -> &str {
        self.said("url")
    }

    /// Who has an account.
    pub(crate) fn user(&self) -> &str {
        self.said("user")
    }

    /// Its password.
    pub(crate) fn password(&self) -> &str {
        self.said("password")
    }

    /// The user's id, which devices are told.
    pub(crate) fn user_id(&self) -> &str {
        self.said("user_id")
    }

    fn said(&self, key: &str) -> &str {
        self.ready[key].as_str().expect(key)
    }

    /// What it was told so far.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.log_text()
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }

    /// The same, as it stands in the file.
    pub(crate) fn log_text(&self) -> String {
        fs::read_to_string(&self.log).expect("the cloud's log")
    }

    /// The entries of one kind.
    pub(crate) fn told(&self, event: &str) -> Vec<Value> {
        self.log()
            .into_iter()
            .filter(|entry| entry["event"] == event)
            .collect()
    }

    /// One call; `Null` is no body.
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

    /// One call, which may end without an answer.
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
        stream.set_read_timeout(Some(PATIENCE))?;
        let token = match token {
            "" => String::new(),
            token => format!("Authorization: {token}\r\n"),
        };
        let request = format!(
            "{method} {target} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\n{token}\r\n",
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        // It may refuse before it has read all.
        let _sent: std::io::Result<()> = stream.write_all(body);
        Ok(stream)
    }

    /// One call, and the client goes before the answer can come.
    pub(crate) fn leave(&self, method: &str, target: &str, token: &str, body: &[u8]) {
        let requests = || self.told("request").len();
        let before = requests();
        let mut stream = self.send(method, target, token, body).expect("a socket");
        stream
            .set_read_timeout(Some(Duration::from_millis(20)))
            .expect("a socket");
        let deadline = Instant::now() + PATIENCE;
        // The log says when the request was met.
        while requests() == before {
            assert!(Instant::now() < deadline, "the request never arrived");
            let read = stream.read(&mut [0; 1]);
            assert!(read.is_err(), "an answer: {read:?}");
        }
    }

    /// Logs in by password; the whole answer.
    pub(crate) fn log_in(&self, user: &str, password: &str) -> Answer {
        let body = json!({"user_name": user, "password": password});
        self.call("POST", "/v1/login2", "", &body)
    }

    /// An access token of the first user.
    pub(crate) fn token(&self) -> String {
        let told = self.log_in(self.user(), self.password()).json();
        told["accesstoken"].as_str().expect("a token").to_owned()
    }

    /// A control call, which succeeds.
    pub(crate) fn control(&self, method: &str, target: &str, body: &Value) {
        let answer = self.call(method, &format!("/emulator/{target}"), "", body);
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Moves its clock.
    pub(crate) fn advance(&self, seconds: u64) {
        self.control("POST", "clock", &json!({"advance_s": seconds}));
    }

    /// The process, for signals.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended. The exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().expect("a child of ours").code()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// No answer takes as long.
const PATIENCE: Duration = Duration::from_mins(1);
