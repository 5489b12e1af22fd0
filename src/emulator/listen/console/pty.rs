//! The pty in place of a serial port: raw, and open whether or not a client has it open.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::io::ioctl_fionread;
use rustix::pty::ptsname;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep, timeout};

/// A pty.
#[derive(derive_more::Debug)]
pub(super) struct Pty {
    #[debug(skip)]
    board: pty_process::Pty,
    /// The client's side, kept open: otherwise the line would close between two clients, and lose its
    /// settings.
    client: OwnedFd,
    path: PathBuf,
    link: Option<PathBuf>,
    /// No client reads, so that output is lost, as on a real line.
    is_unread: bool,
    last_write: Instant,
}

impl Pty {
    /// Opens a pty.
    pub(super) fn open() -> io::Result<Self> {
        let (board, _opened_below) = pty_process::open().map_err(io::Error::other)?;
        let name = ptsname(&board, Vec::new())?;
        let path = PathBuf::from(name.into_string().map_err(io::Error::other)?);
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let client = rustix::fs::open(&path, flags, Mode::empty())?;
        let mut settings = tcgetattr(&client)?;
        settings.make_raw();
        tcsetattr(&client, OptionalActions::Now, &settings)?;
        Ok(Self {
            board,
            client,
            path,
            link: None,
            is_unread: false,
            last_write: Instant::now(),
        })
    }

    /// The path for clients.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates a symbolic link to it, in place of an existing one, until it closes.
    pub(super) fn link(&mut self, link: &Path) -> io::Result<()> {
        if fs::symlink_metadata(link).is_ok_and(|found| found.is_symlink()) {
            fs::remove_file(link)?;
        }
        symlink(&self.path, link)?;
        self.link = Some(link.to_owned());
        Ok(())
    }

    /// Waits for bytes of a client.
    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.board.read(buffer).await
    }

    /// Writes bytes. Waits once for a client that does not read.
    pub(super) async fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = if self.is_unread {
                match rustix::io::write(&self.board, bytes) {
                    Err(rustix::io::Errno::AGAIN) => return Ok(()),
                    outcome => outcome?,
                }
            } else {
                let Ok(outcome) = timeout(UNREAD_TIMEOUT, self.board.write(bytes)).await else {
                    self.is_unread = true;
                    return Ok(());
                };
                outcome?
            };
            self.is_unread = false;
            self.last_write = Instant::now();
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    /// Waits until a client has read everything, if there is one, because closing discards the rest. There
    /// is no event for it. The kernel delivers bytes to the client's side a while after a write, and counts
    /// them as unread only then.
    pub(super) async fn wait_until_read(&self) {
        let delivered = self.last_write + DELIVERY_TIME;
        let limit = Instant::now() + READ_TIMEOUT;
        let is_unread = || ioctl_fionread(&self.client).is_ok_and(|left| left > 0);
        while Instant::now() < delivered || (Instant::now() < limit && is_unread()) {
            sleep(POLL_INTERVAL).await;
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if let Some(link) = &self.link
            && fs::read_link(link).is_ok_and(|target| target == self.path)
        {
            // The link has no target from now on. Another process may have removed it.
            let _gone = fs::remove_file(link);
        }
    }
}

/// How long the board waits for a client that does not read.
const UNREAD_TIMEOUT: Duration = Duration::from_millis(250);
/// How long a client can read at the end: a real line stays open.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the kernel may need to deliver bytes: 73 ms were measured on a busy computer.
const DELIVERY_TIME: Duration = Duration::from_millis(250);
const POLL_INTERVAL: Duration = Duration::from_millis(5);
