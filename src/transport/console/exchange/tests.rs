//! Tests the exchange on a pty, and on a line whose output the test controls.

use std::io::Read as _;

use serialport::{SerialPort as _, TTYPort};
use tokio::sync::mpsc::channel;
use tokio::time::sleep;

use super::super::driver::MEDIUM;
use super::*;

const BAUD: u32 = 115_200;

fn transport(port: Port, path: &Arc<str>) -> ConsoleTransport {
    ConsoleTransport {
        path: Arc::clone(path),
        port: Some(port),
        session: 1,
        byte: Duration::from_secs(BITS_PER_BYTE.into()) / BAUD,
        limits: MEDIUM.limits.clone(),
    }
}

#[tokio::test(start_paused = true)]
async fn failed_exchange_closes_port() {
    let (mut board, line) = TTYPort::pair().unwrap();
    let path: Arc<str> = line.name().unwrap().into();
    let port = Port::open(&path, BAUD).await.unwrap();
    let mut transport = transport(port, &path);
    let endpoint = EndpointName::from_static("proto-ver");
    let error = transport.exchange(&endpoint, b"ESP").await.unwrap_err();
    assert!(matches!(error, TransportError::TimedOut { .. }), "{error}");

    // Anything that arrives now would answer the previous request.
    let error = transport.exchange(&endpoint, b"late").await.unwrap_err();
    assert!(
        matches!(error, TransportError::Disconnected { .. }),
        "{error}"
    );
    // The port is free for the next program.
    Port::open(&path, BAUD).await.unwrap().close().await;
    let mut typed = [0; 256];
    let length = board.read(&mut typed).unwrap();
    assert_eq!(&typed[..length], b"proto-ver 1 455350\r");
}

#[test]
fn explains_missing_prompt_by_output() {
    let waited = Duration::from_secs(5);
    let problem = |trouble, other_consoles, waited| {
        let problem = explain_missing_prompt(trouble, other_consoles, waited);
        problem.map(|problem| format!("{problem:?}"))
    };
    let (other, binary) = (Some(Trouble::OtherConsole), Some(Trouble::Binary));
    for (trouble, other_consoles, expected) in [
        (None, 0, "NoPrompt(5s)"),
        (None, 1, "NoPrompt(5s)"),
        (binary, 0, "NotText"),
        (other, 1, "Other"),
    ] {
        // A prompt may still arrive until the time is over.
        assert_eq!(problem(trouble, other_consoles, None), None);
        let found = problem(trouble, other_consoles, Some(waited));
        assert_eq!(found.as_deref(), Some(expected));
    }
    assert_eq!(problem(other, 2, None).as_deref(), Some("Other"));
    assert_eq!(problem(None, 2, None), None);
}

#[tokio::test(start_paused = true)]
async fn silent_line_is_closed_after_time_limit() {
    let (_board, tty) = TTYPort::pair().unwrap();
    let path: Arc<str> = tty.name().unwrap().into();
    let port = Port::open(&path, BAUD).await.unwrap();
    let limits = MEDIUM.limits.clone();
    let began = Instant::now();
    let link = ConsoleLink {
        port,
        path: Arc::clone(&path),
        baud: BAUD,
        limits: limits.clone(),
    };
    let opened = ConsoleTransport::open(link).await;
    let error = opened.unwrap_err();
    assert!(
        matches!(&error, TransportError::Console { problem, .. }
            if matches!(**problem, ConsoleProblem::NoPrompt(_))),
        "{error:?}"
    );
    assert!((limits.connect..limits.connect * 2).contains(&began.elapsed()));
    Port::open(&path, BAUD).await.unwrap().close().await;
}

/// Sends `proto-ver 1 455350` while the board prints each text after a delay in milliseconds.
/// Returns the answer and the transport.
async fn exchange_with(
    printed: Vec<(u64, &'static str)>,
) -> (Result<Vec<u8>, TransportError>, ConsoleTransport) {
    let (_board, line) = TTYPort::pair().unwrap();
    let (print, arrived) = channel(printed.len());
    tokio::spawn(async move {
        for (after, text) in printed {
            sleep(Duration::from_millis(after)).await;
            print.send(Ok(text.as_bytes().to_vec())).await.unwrap();
        }
        // The line stays open.
        print.closed().await;
    });
    let port = Port::scripted(Box::new(line), arrived);
    let mut transport = transport(port, &"a board".into());
    let endpoint = EndpointName::from_static("proto-ver");
    let answer = transport.exchange(&endpoint, b"ESP").await;
    (answer, transport)
}

#[tokio::test(start_paused = true)]
async fn early_prompt_leaves_time_for_echo() {
    const REST: &str = "proto-ver 1 455350\r\n\r\n6869\r\n\r\n>> ";
    let (answer, _) = exchange_with(vec![(500, ">> "), (500, REST)]).await;
    assert_eq!(answer.unwrap(), b"hi");
    let (answer, _) = exchange_with(vec![(500, ">> "), (900, REST)]).await;
    let error = answer.unwrap_err();
    assert!(matches!(error, TransportError::Refused { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn refusal_keeps_port_and_garbled_answer_closes_it() {
    for (printed, is_kept, expected) in [
        ("proto-ver 1 455350\r\n\r\n>> ", true, "Refused"),
        (
            "proto-ver 1 455350\r\n\r\n68X9\r\n\r\n>> ",
            false,
            "Garbled",
        ),
        ("ESP-ROM:esp32c3-api1-20210207\r\n", false, "Restarted"),
    ] {
        let (answer, transport) = exchange_with(vec![(1, printed)]).await;
        let words = format!("{:?}", answer.unwrap_err());
        assert!(words.contains(expected), "{words}");
        assert_eq!(transport.port.is_some(), is_kept, "{printed:?}");
    }
}
