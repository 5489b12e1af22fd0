//! What stands before the bus. A match rule may ask for paths below another (`arg0path='/org/bluez/'`),
//! and bleak's first one does; the bus refuses such a rule, since in its type a path cannot end in a
//! slash. So that part is taken out here: the client hears of more than it asked for, never of less.
//! The bus is also silent when somebody calls a name that nobody has, where others answer; while
//! BlueZ is absent, calls to it go to a stand-in. Not a bus, and everything else passes as it is.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};

/// Passes clients on until it is dropped, which parts them from the bus.
#[derive(Debug)]
pub(super) struct Front {
    clients: JoinHandle<()>,
    pub(super) is_absent: Absence,
}

/// What it does besides passing on.
#[derive(Clone, Debug, Default)]
pub(super) struct Conduct {
    /// It lets clients in, and passes nothing on from them.
    pub(super) hangs: bool,
    pub(super) is_absent: Absence,
}

/// Whether nobody has BlueZ's name.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Absence(Arc<AtomicBool>);

impl Absence {
    /// From now on, nobody has.
    pub(in super::super) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Front {
    /// Takes clients at `socket` to the bus at `bus`.
    pub(super) fn open(socket: &Path, bus: &Path, conduct: Conduct) -> io::Result<Self> {
        let listener = UnixListener::bind(socket)?;
        let bus = bus.to_owned();
        let is_absent = conduct.is_absent.clone();
        let clients = tokio::spawn(async move {
            let mut clients = JoinSet::new();
            // A socket that fails shows as clients that cannot connect.
            while let Ok((client, _)) = listener.accept().await {
                while clients.try_join_next().is_some() {}
                let (bus, conduct) = (bus.clone(), conduct.clone());
                clients.spawn(async move {
                    // Either may leave at any time, and the other sees that.
                    let _parted = pass(client, &bus, &conduct).await;
                });
            }
        });
        Ok(Self { clients, is_absent })
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.clients.abort();
    }
}

/// Passes everything between the two, until one of them leaves.
async fn pass(mut client: UnixStream, bus: &Path, conduct: &Conduct) -> io::Result<()> {
    let mut bus = UnixStream::connect(bus).await?;
    let (from_client, mut to_client) = client.split();
    let (mut from_bus, mut to_bus) = bus.split();
    let asked = async {
        let mut from_client = BufReader::new(from_client);
        loop {
            let mut line = Vec::new();
            let mut limited = (&mut from_client).take(LONGEST_LINE);
            if limited.read_until(b'\n', &mut line).await? == 0 {
                return Ok(());
            }
            to_bus.write_all(&line).await?;
            if line == b"BEGIN\r\n" {
                break;
            }
        }
        while let Some(message) = read_message(&mut from_client).await? {
            if conduct.hangs {
                continue;
            }
            let mut message = with_plain_rule(&message).unwrap_or(message);
            if conduct.is_absent.is_set() {
                redirect(&mut message);
            }
            to_bus.write_all(&message).await?;
        }
        Ok(())
    };
    tokio::select! {
        ended = asked => ended,
        ended = tokio::io::copy(&mut from_bus, &mut to_client) => ended.map(|_| ()),
    }
}

/// One whole message. `None`: there is no other.
async fn read_message(
    from: &mut (impl tokio::io::AsyncRead + Unpin),
) -> io::Result<Option<Vec<u8>>> {
    let mut message = Vec::new();
    from.take(upto(START)).read_to_end(&mut message).await?;
    if message.is_empty() {
        return Ok(None);
    }
    let no_message = || io::Error::from(io::ErrorKind::InvalidData);
    let (head, body) = lengths(&message).ok_or_else(no_message)?;
    let rest = head
        .checked_add(body)
        .filter(|length| *length <= LONGEST_MESSAGE)
        .and_then(|length| length.checked_sub(START))
        .ok_or_else(no_message)?;
    let read = from.take(upto(rest)).read_to_end(&mut message).await?;
    if read == rest {
        Ok(Some(message))
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn upto(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// How long the header of a message is, its padding included, and how long the body.
fn lengths(message: &[u8]) -> Option<(usize, usize)> {
    let body = number(message, BODY_LENGTH)?;
    let fields = number(message, FIELDS_LENGTH)?;
    Some((
        START.checked_add(fields)?.checked_next_multiple_of(8)?,
        body,
    ))
}

/// The 32 bits at a place, in the byte order of the message.
fn number(message: &[u8], at: usize) -> Option<usize> {
    let bytes = *message.get(at..)?.first_chunk()?;
    let number = match message.first()? {
        b'l' => u32::from_le_bytes(bytes),
        b'B' => u32::from_be_bytes(bytes),
        _ => return None,
    };
    usize::try_from(number).ok()
}

/// Takes a message for BlueZ to its stand-in.
fn redirect(message: &mut [u8]) {
    let Some((head, _)) = lengths(message) else {
        return;
    };
    let length = u32::try_from(BLUEZ.len()).unwrap_or_default();
    let length = match message.first() {
        Some(b'l') => length.to_le_bytes(),
        _ => length.to_be_bytes(),
    };
    let field = [&DESTINATION, &length, BLUEZ.as_bytes(), b"\0"].concat();
    let found = message
        .get(..head)
        .and_then(|head| head.windows(field.len()).position(|window| window == field));
    let name = found
        .and_then(|at| {
            message
                .get_mut(at..)?
                .get_mut(DESTINATION.len() + length.len()..)
        })
        .and_then(|rest| rest.get_mut(..STAND_IN.len()));
    if let Some(name) = name {
        name.copy_from_slice(STAND_IN.as_bytes());
    }
}

/// The message without what its match rule asks for in vain. `None`: it asks for no such thing.
fn with_plain_rule(message: &[u8]) -> Option<Vec<u8>> {
    let (head, _) = lengths(message)?;
    let (head, body) = message.split_at_checked(head)?;
    let is_about_rules = [&b"AddMatch\0"[..], b"RemoveMatch\0"]
        .iter()
        .any(|member| head.windows(member.len()).any(|window| window == *member));
    if !is_about_rules {
        return None;
    }
    let length = number(message, head.len())?;
    let rule = std::str::from_utf8(body.get(4..)?.get(..length)?).ok()?;
    let plain = plain_rule(rule)?;
    let as_written = |length: usize| {
        let length = u32::try_from(length).ok()?;
        Some(if message.first() == Some(&b'l') {
            length.to_le_bytes()
        } else {
            length.to_be_bytes()
        })
    };
    let mut changed = head.to_vec();
    changed.extend(as_written(plain.len())?);
    changed.extend(plain.as_bytes());
    changed.push(0);
    let body = as_written(changed.len().checked_sub(head.len())?)?;
    changed
        .get_mut(BODY_LENGTH..)?
        .first_chunk_mut()
        .map(|place| *place = body)?;
    Some(changed)
}

/// The rule without `argNpath` that end in a slash. `None`: there is none.
fn plain_rule(rule: &str) -> Option<String> {
    let mut is_quoted = false;
    let parts = rule.split(|character| {
        is_quoted ^= character == '\'';
        character == ',' && !is_quoted
    });
    let parts: Vec<&str> = parts.collect();
    let plain: Vec<&str> = parts
        .iter()
        .copied()
        .filter(|part| !asks_below(part))
        .collect();
    (plain.len() < parts.len()).then(|| plain.join(","))
}

fn asks_below(part: &str) -> bool {
    part.split_once('=').is_some_and(|(key, value)| {
        let value = value.trim_matches('\'');
        let is_path = key
            .trim()
            .strip_prefix("arg")
            .and_then(|key| key.strip_suffix("path"));
        is_path.is_some_and(|number| number.parse::<u8>().is_ok())
            && value.ends_with('/')
            && value != "/"
    })
}

/// The name of BlueZ on a bus.
pub(in super::super) const BLUEZ: &str = "org.bluez";
/// The name of who answers that nobody has that name. It is as long, so that it fits.
pub(in super::super) const STAND_IN: &str = "not.bluez";
/// How the field of a header begins that says to whom a message goes: its number, and that it is a
/// string.
const DESTINATION: [u8; 4] = [6, 1, b's', 0];
/// What a message begins with: kinds, the two lengths, the serial number.
const START: usize = 16;
const BODY_LENGTH: usize = 4;
const FIELDS_LENGTH: usize = 12;
/// By the specification.
const LONGEST_MESSAGE: usize = 128 * 1024 * 1024;
/// More than any line that a client says who it is with.
const LONGEST_LINE: u64 = 16 * 1024;

#[cfg(test)]
mod tests {
    use zbus::message::Message;

    use super::*;

    #[test]
    fn what_lies_below_a_path_is_no_part_of_a_plain_rule() {
        for (rule, plain) in [
            ("type=signal,arg0path=/org/bluez/", Some("type=signal")),
            ("arg0path='/org/bluez/',member='A'", Some("member='A'")),
            ("arg63path='/a/'", Some("")),
            ("arg0path='/',type='signal'", None),
            ("arg0path='/org/bluez',path='/'", None),
            ("arg0='a,arg0path=/b/'", None),
            ("arg0path", None),
            ("", None),
        ] {
            assert_eq!(plain_rule(rule).as_deref(), plain, "{rule}");
        }
    }

    #[test]
    fn nothing_but_the_rule_of_a_message_changes() {
        let of = |member, rule: &str| {
            Message::method_call("/org/freedesktop/DBus", member)
                .destination("org.freedesktop.DBus")
                .serial(7.try_into().unwrap())
                .build(&rule)
                .unwrap()
        };
        for member in ["AddMatch", "RemoveMatch"] {
            let asked = of(member, "type='signal',arg0path='/org/bluez/'");
            let plain = of(member, "type='signal'");
            assert_eq!(
                with_plain_rule(asked.data()).as_deref(),
                Some(&**plain.data())
            );
            assert_eq!(with_plain_rule(plain.data()), None);
        }
        let other = of("Ping", "arg0path='/org/bluez/'");
        assert_eq!(with_plain_rule(other.data()), None);
    }

    #[test]
    fn a_message_for_bluez_goes_to_its_stand_in_and_no_other_does() {
        let to = |name: &'static str| {
            Message::method_call("/org/bluez", "Ping")
                .destination(name)
                .interface("org.bluez.Adapter1")
                .serial(7.try_into().unwrap())
                .build(&"org.bluez")
                .unwrap()
                .data()
                .to_vec()
        };
        let mut message = to(BLUEZ);
        redirect(&mut message);
        assert_eq!(message, to(STAND_IN));
        let mut other = to("org.blues");
        redirect(&mut other);
        assert_eq!(other, to("org.blues"));
    }

    #[test]
    fn a_damaged_message_is_none() {
        let whole = Message::method_call("/", "AddMatch")
            .build(&"arg0path='/a/'")
            .unwrap();
        for length in 0..whole.data().len() {
            let _changed = with_plain_rule(&whole.data()[..length]);
        }
        for at in 0..whole.data().len() {
            let mut damaged = whole.data().to_vec();
            damaged[at] = 0xff;
            let _changed = with_plain_rule(&damaged);
            redirect(&mut damaged);
        }
    }
}
