//! Login by browser: a test is the browser, and a scripted server the token service.

#![expect(
    clippy::disallowed_types,
    reason = "a test is the browser that comes to the port"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Child;

use serde_json::{Value, json};
use url::Url;

use super::{Home, access, answer_ok, id, with_cloud};
use crate::support::espctl::command;
use crate::support::pty::Terminal;
use crate::support::wait;

/// A login that waits for its browser.
struct Waiting {
    child: Child,
    page: Url,
    output: BufReader<std::process::ChildStdout>,
}

impl Waiting {
    fn start(home: &Home) -> Self {
        let line = ["login", "--no-browser", "--format", "json", "-vv"];
        let mut child = command(line)
            .env("RM_USER_CONFIG_DIR", &home.0)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["event"], "login_page");
        let page = event["url"].as_str().unwrap().parse().unwrap();
        Self {
            child,
            page,
            output,
        }
    }

    fn query(&self, key: &str) -> String {
        let found = self.page.query_pairs().find(|(name, _)| name == key);
        found.unwrap().1.into_owned()
    }

    fn port(&self) -> u16 {
        self.query("port").parse().unwrap()
    }

    /// The status and the page that a request gets.
    fn visit(&self, request: &str, host: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port())).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer)
    }

    fn get(&self, query: &str) -> (u16, String) {
        self.visit(
            &format!("GET /?{query}"),
            &format!("localhost:{}", self.port()),
        )
    }

    /// Its last line. Checks that its output has no secret.
    fn result(mut self, exit: i32) -> Value {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        let output = self.child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit), "{rest}{stderr}");
        assert!(
            !format!("{rest}{stderr}").contains("canary"),
            "{rest}{stderr}"
        );
        serde_json::from_str(rest.lines().last().unwrap()).unwrap()
    }
}

/// With a profile `own` that has a login page, and its token service.
fn home(token_service: &str) -> Home {
    let home = Home::new();
    let own = json!({
        "host": format!("{token_service}/v1/"),
        "login_url": "https://login.example/?port=",
        "token_url": format!("{token_service}/token"),
        "client_id": "me & mine",
        "redirect_url": "https://login.example/done",
    });
    let profiles = json!({"profiles": {}, "custom_profiles": {"own": own}});
    home.write("profiles/profiles.json", &profiles.to_string());
    home.write("profiles/current_profile", "own");
    home
}

#[test]
fn code_from_browser_becomes_login() {
    let answer = json!({
        "access_token": access("canary"), "id_token": id("me"), "refresh_token": "canary-refresh",
    });
    let requests = with_cloud(vec![vec![answer_ok(&answer)]], move |url| {
        let home = home(url);
        let login = Waiting::start(&home);
        assert_eq!(login.query("host_url"), format!("{url}/v1/login2"));

        // What is not it changes nothing.
        let here = format!("127.0.0.1:{}", login.port());
        assert_eq!(login.visit("GET /favicon.ico?code=x", &here).0, 404);
        assert_eq!(login.visit("POST /?code=x", &here).0, 405);
        assert_eq!(login.visit("GET /?code=x", "login.example").0, 403);
        assert_eq!(login.get("").0, 400);
        assert_eq!(login.get("code=x&state=another").0, 400);
        assert_eq!(login.get("code=x").0, 400, "no state");
        let state = login.query("state");
        assert_eq!(state.len(), 32);
        let tokens = format!("access_token=canary&refresh_token=x&state={state}");
        assert_eq!(login.get(&tokens).0, 400);
        let script = format!("{here}\r\nOrigin: https://other.example");
        let with_state = format!("GET /?code=x&state={state}");
        assert_eq!(login.visit(&with_state, &script).0, 403);

        let (status, page) = login.get(&format!("code=canary%2Bcode&state={state}"));
        assert_eq!(status, 200, "{page}");
        assert!(page.contains("espctl has received the login") && !page.contains("canary"));
        let result = login.result(0);
        assert_eq!(result["account"]["user_name"], "me@example.com");
        assert_eq!(home.login("own").unwrap()["refreshtoken"], "canary-refresh");
    });
    assert_eq!(requests.len(), 1);
    assert!(requests[0].head.starts_with("POST /token "));
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&requests[0].body)
        .into_owned()
        .collect();
    let sent = [
        ("grant_type", "authorization_code"),
        ("client_id", "me & mine"),
        ("code", "canary+code"),
        ("redirect_uri", "https://login.example/done"),
    ];
    assert_eq!(
        form,
        sent.map(|(key, value)| (key.to_owned(), value.to_owned()))
    );
}

#[test]
fn tokens_from_browser_become_login() {
    let home = home("http://127.0.0.1:1");
    let login = Waiting::start(&home);
    let tokens = format!(
        "GET /?id_token={}&access_token={}&refresh_token=canary-refresh&state={}",
        id("me"),
        access("canary"),
        login.query("state")
    );
    let script = format!(
        "127.0.0.1:{}\r\nOrigin: https://login.example",
        login.port()
    );
    assert_eq!(login.visit(&tokens, &script).0, 200);
    assert_eq!(login.result(0)["account"]["user_id"], "id-of-me");
    assert_eq!(home.login("own").unwrap()["accesstoken"], access("canary"));
}

#[test]
fn rejection_by_login_page_ends_login() {
    let home = home("http://127.0.0.1:1");
    let login = Waiting::start(&home);
    let (status, page) = login.get(&format!(
        "error=access_denied&error_description=%3Cb%3Eno%3C/b%3E&state={}",
        login.query("state")
    ));
    assert!(status == 200 && !page.contains("<b>"), "{page}");
    let error = login.result(8)["error"].clone();
    assert_eq!(error["id"], "login-refused");
    assert!(
        error["message"]
            .to_string()
            .contains("<b>no</b> (access_denied)"),
        "{error}"
    );
    assert_eq!(home.login("own"), None);
}

#[test]
fn browser_login_times_out() {
    let home = home("http://127.0.0.1:1");
    let line = ["login", "--no-browser", "--browser-timeout", "0.1"];
    let output = home.error(&line, 8, "login-timed-out");
    assert!(
        output.stderr.contains("https://login.example/?port="),
        "{output}"
    );
}

#[test]
fn code_is_not_exchanged_over_plain_http() {
    let home = home("http://127.0.0.1:1");
    let path = home.path("profiles/profiles.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let elsewhere = text.replace("http://127.0.0.1:1/token", "http://192.0.2.1/token");
    std::fs::write(&path, elsewhere).unwrap();
    home.error(&["login", "--no-browser"], 2, "insecure-cloud");
}

#[test]
fn does_not_open_page_without_web_address() {
    let home = home("http://127.0.0.1:1");
    let path = home.path("profiles/profiles.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        text.replace("https://login.example/?port=", "file:///bin/"),
    )
    .unwrap();
    home.error(&["login", "--no-browser"], 2, "no-login-page");
}

/// A browser that writes down its environment and the page that it is given.
fn write_browser(home: &Home) -> (PathBuf, PathBuf) {
    let (folder, page) = (home.path("bin"), home.path("page"));
    let browser = folder.join("xdg-open");
    let (inherited, written) = (home.path("inherited"), page.display());
    let script = format!(
        "#!/bin/sh\nenv > {}\necho \"$1\" > {written}.new\nmv {written}.new {written}\n",
        inherited.display()
    );
    home.write("bin/xdg-open", &script);
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(browser, executable).unwrap();
    (folder, page)
}

/// A login at a terminal, whose browser has brought tokens of the user `other`.
fn terminal_with_login(home: &Home) -> Terminal {
    let (folder, page) = write_browser(home);
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let folder = home.path("");
    let variables = [
        ("PATH", path.as_str()),
        ("RM_USER_CONFIG_DIR", folder.to_str().unwrap()),
        ("ESPCTL_POP", "canary"),
        ("ESP_RAINMAKER_PASSWORD", "canary"),
    ];
    let terminal = Terminal::start(["login"], &variables);
    wait::until("the browser gets the page", || page.exists());
    terminal.shows("Waiting for the browser");
    let inherited = std::fs::read_to_string(home.path("inherited")).unwrap();
    assert!(inherited.contains("RM_USER_CONFIG_DIR="), "{inherited}");
    assert!(!inherited.contains("canary"), "{inherited}");

    let page: Url = std::fs::read_to_string(page)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let find = |key| page.query_pairs().find(|(name, _)| name == key).unwrap().1;
    let query = format!(
        "id_token={}&access_token={}&refresh_token=r&state={}",
        id("other"),
        access("x"),
        find("state")
    );
    let host = format!("localhost:{}", find("port"));
    let mut stream = TcpStream::connect(&host).unwrap();
    write!(stream, "GET /?{query} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    terminal.shows("Store the login of other@example.com to 127.0.0.1:1?");
    terminal
}

#[test]
fn terminal_asks_before_it_stores_a_browser_login() {
    let home = home("http://127.0.0.1:1");
    let mut terminal = terminal_with_login(&home);
    terminal.type_keys("n\r");
    let screen = terminal.exits(130);
    assert!(screen.contains("not stored"), "{screen}");
    assert_eq!(home.login("own"), None);

    std::fs::remove_file(home.path("page")).unwrap();
    let mut terminal = terminal_with_login(&home);
    terminal.type_keys("y\r");
    terminal.exits(0);
    assert!(home.login("own").is_some());
}

#[test]
fn image_of_another_page_is_no_login() {
    let home = home("http://127.0.0.1:1");
    let login = Waiting::start(&home);
    let query = format!(
        "id_token={}&access_token={}&refresh_token=r&state={}",
        id("other"),
        access("x"),
        login.query("state")
    );
    let here = format!("localhost:{}", login.port());
    let request = format!("GET /?{query}");
    let image = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image";
    assert_eq!(login.visit(&request, &format!("{here}\r\n{image}")).0, 403);
    let page = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document";
    assert_eq!(login.visit(&request, &format!("{here}\r\n{page}")).0, 200);
    login.result(0);
}
