//! One JSON object a line, flushed, for as long as that can be written. What a line says is the
//! logs'.

use std::fmt;
use std::io::Write;

use serde::Serialize;

/// Where lines go: nowhere, until it is said.
#[derive(Default)]
pub(super) struct JsonLines(Option<Box<dyn Write + Send>>);

impl JsonLines {
    pub(super) fn to(sink: Box<dyn Write + Send>) -> Self {
        Self(Some(sink))
    }

    /// Whether it could be written. From the first that could not on, no more are: a full disk
    /// must not change how an emulator behaves, but it must be known.
    pub(super) fn write(&mut self, line: &impl Serialize) -> bool {
        let Some(sink) = &mut self.0 else {
            return true;
        };
        let written = serde_json::to_vec(line).map(|mut bytes| {
            bytes.push(b'\n');
            sink.write_all(&bytes).and_then(|()| sink.flush())
        });
        let ok = matches!(written, Ok(Ok(())));
        if !ok {
            self.0 = None;
        }
        ok
    }
}

impl fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines").finish_non_exhaustive()
    }
}
