//! A list to choose from on a terminal: by arrow, or by typing the number. It can grow while it is
//! shown. What the rows mean and what a choice leads to is `prompt`'s. Drawn here and not by `inquire`,
//! whose list uses typed text as a filter and puts the question above the rows.

use std::io::{self, ErrorKind, Write};

use crossterm::cursor::{MoveToColumn, MoveUp};
use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::terminal::{self, Clear, ClearType};
use crossterm::{execute, queue};
use futures_util::StreamExt as _;
use inquire::InquireError;
use unicode_width::UnicodeWidthChar as _;

use super::color::has_color;
use crate::flows::Growing;

/// A list as it is shown.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) title: &'static str,
    pub(super) header: String,
    pub(super) rows: Vec<Row>,
    pub(super) prompt: &'static str,
}

/// One line of it.
#[derive(Debug)]
pub(super) struct Row {
    /// With its number in front.
    pub(super) text: String,
    /// Why it cannot be chosen.
    pub(super) refusal: Option<&'static str>,
}

/// A row that can be chosen.
impl From<String> for Row {
    fn from(text: String) -> Self {
        let refusal = None;
        Self { text, refusal }
    }
}

/// What was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Picked {
    /// The n-th row, from 0.
    Row(usize),
    /// 0.
    Zero,
}

/// Shows the items until one is chosen. `draw_list` makes rows of them, one each; its second argument
/// is whether the items are complete. The caller gives the terminal back, also when it drops the
/// future.
pub(super) async fn pick<T: Clone>(
    mut items: Growing<T>,
    draw_list: impl Fn(&[T], bool) -> List,
) -> Result<Picked, InquireError> {
    terminal::enable_raw_mode()?;
    let mut keys = EventStream::new();
    let mut out = io::stderr();
    let mut picker = Picker::new(draw_list(&items.items(), items.is_complete()));
    let mut drawn = 0;
    let outcome = loop {
        drawn = draw(&mut out, &picker, drawn)?;
        let event = tokio::select! {
            event = keys.next() => event.transpose()?.ok_or_else(|| io::Error::from(ErrorKind::UnexpectedEof))?,
            () = items.changed() => {
                picker.list = draw_list(&items.items(), items.is_complete());
                continue;
            }
        };
        // Any other event may be a new size.
        if let Event::Key(key) = event
            && key.kind == KeyEventKind::Press
            && let Some(outcome) = picker.press(key)
        {
            break outcome;
        }
    };
    draw(&mut out, &picker, drawn)?;
    execute!(out, Print("\r\n"))?;
    terminal::disable_raw_mode()?;
    outcome
}

/// Replaces the last drawing, and leaves the cursor behind the prompt.
fn draw(out: &mut impl Write, picker: &Picker, drawn: u16) -> io::Result<u16> {
    let (width, height) = terminal::size()?;
    let width = usize::from(width.max(20)) - 1;
    let window = picker.window(usize::from(height.saturating_sub(4).max(2)));
    // Written in one piece, so that the terminal never shows half of a list.
    let mut frame = Vec::new();
    // A terminal reads a move by 0 lines as a move by one.
    if drawn > 0 {
        queue!(frame, MoveUp(drawn))?;
    }
    queue!(frame, MoveToColumn(0), Clear(ClearType::FromCursorDown))?;
    let mut lines = 0;
    let mut line = |frame: &mut Vec<u8>, text: &str| {
        lines += 1;
        frame.write_all(format!("{}\r\n", cut_line(text, width)).as_bytes())
    };
    line(&mut frame, picker.list.title)?;
    line(&mut frame, &format!("  {}", picker.list.header))?;
    for (index, row) in window {
        let is_current = index == picker.at;
        let is_bold = is_current && has_color();
        if is_bold {
            queue!(frame, SetAttribute(Attribute::Bold))?;
        }
        let mark = if is_current { '>' } else { ' ' };
        line(&mut frame, &format!("{mark} {}", row.text))?;
        if is_bold {
            queue!(frame, SetAttribute(Attribute::Reset))?;
        }
    }
    if let Some(note) = &picker.note {
        line(&mut frame, note)?;
    }
    let prompt = format!("{} {}", picker.list.prompt, picker.typed);
    frame.write_all(cut_line(&prompt, width).as_bytes())?;
    out.write_all(&frame)?;
    out.flush()?;
    Ok(lines)
}

/// Cuts a line to the width of the terminal.
fn cut_line(text: &str, width: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|character| {
            used += character.width().unwrap_or_default();
            used <= width
        })
        .collect()
}

/// The state of a choice.
#[derive(Default)]
struct Picker {
    list: List,
    at: usize,
    typed: String,
    note: Option<String>,
}

impl Picker {
    fn new(list: List) -> Self {
        Self {
            list,
            ..Self::default()
        }
    }

    /// Handles a key; `Some` if it ends the choice.
    fn press(&mut self, key: KeyEvent) -> Option<Result<Picked, InquireError>> {
        let last = self.list.rows.len().saturating_sub(1);
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        self.note = None;
        match key.code {
            KeyCode::Char('c') if is_control => {
                return Some(Err(InquireError::OperationInterrupted));
            }
            KeyCode::Esc | KeyCode::Char('q') => return Some(Err(InquireError::OperationCanceled)),
            // A terminal in raw mode sends a line feed, which scripts and typed-ahead input have, as Ctrl-J.
            KeyCode::Char('j') if is_control => return self.enter().map(Ok),
            KeyCode::Enter => return self.enter().map(Ok),
            KeyCode::Up => self.go(self.at.checked_sub(1).unwrap_or(last)),
            KeyCode::Down if self.at >= last => self.go(0),
            KeyCode::Down => self.go(self.at + 1),
            KeyCode::Home | KeyCode::PageUp => self.go(0),
            KeyCode::End | KeyCode::PageDown => self.go(last),
            KeyCode::Backspace => drop(self.typed.pop()),
            KeyCode::Char(digit) if digit.is_ascii_digit() && self.typed.len() < MAX_DIGITS => {
                self.typed.push(digit);
            }
            _ => {}
        }
        self.at = self.typed_row().unwrap_or(self.at);
        None
    }

    fn go(&mut self, to: usize) {
        self.at = to;
        self.typed.clear();
    }

    /// The row whose number was typed.
    fn typed_row(&self) -> Option<usize> {
        let row = self.typed.parse::<usize>().ok()?.checked_sub(1)?;
        (row < self.list.rows.len()).then_some(row)
    }

    fn enter(&mut self) -> Option<Picked> {
        let row = match (self.typed.as_str(), self.typed_row()) {
            ("", _) => self.at,
            (_, Some(row)) => row,
            (zeros, None) if zeros.bytes().all(|digit| digit == b'0') => return Some(Picked::Zero),
            (number, None) => {
                return self.refuse(format!("there is no number {number} in the list"));
            }
        };
        if let Some(refusal) = self.list.rows.get(row)?.refusal {
            return self.refuse(refusal.to_owned());
        }
        // The number of the choice stays on the screen.
        self.typed = (row + 1).to_string();
        Some(Picked::Row(row))
    }

    /// Shows why nothing is chosen.
    fn refuse(&mut self, note: String) -> Option<Picked> {
        self.note = Some(note);
        self.typed.clear();
        None
    }

    /// The rows for which there is room, with the current one.
    fn window(&self, room: usize) -> impl Iterator<Item = (usize, &Row)> {
        let first = (self.at + 1).saturating_sub(room);
        self.list.rows.iter().enumerate().skip(first).take(room)
    }
}

/// Digits of a row's number.
const MAX_DIGITS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn list(length: usize) -> List {
        let rows = (0..length)
            .map(|index| Row {
                text: format!("[{:>2}] row", index + 1),
                refusal: (index == 2).then_some("not this one"),
            })
            .collect();
        List {
            title: "Select:",
            header: "S.N. ROW".to_owned(),
            rows,
            prompt: "Number:",
        }
    }

    /// Presses these keys: digits, and words for others.
    fn press_all(picker: &mut Picker, keys: &str) -> Option<Result<Picked, InquireError>> {
        let mut outcome = None;
        for key in keys.split(' ') {
            let code = match key {
                "up" => KeyCode::Up,
                "down" => KeyCode::Down,
                "enter" => KeyCode::Enter,
                "back" => KeyCode::Backspace,
                "esc" => KeyCode::Esc,
                "line-feed" => {
                    let key = KeyEvent::new(KeyCode::Char('j'), KeyModifiers::CONTROL);
                    outcome = picker.press(key);
                    continue;
                }
                digit => KeyCode::Char(digit.chars().next().unwrap()),
            };
            outcome = picker.press(code.into());
        }
        outcome
    }

    #[test]
    fn arrows_and_numbers_choose() {
        for (keys, row) in [
            ("enter", 0),
            ("down enter", 1),
            ("up enter", 11),
            ("up down enter", 0),
            ("1 2 enter", 11),
            ("1 2 back enter", 0),
            ("7 down enter", 7),
            ("7 back enter", 6),
            ("x 5 enter", 4),
            ("1 2 line-feed", 11),
        ] {
            let outcome = press_all(&mut Picker::new(list(12)), keys);
            assert!(
                matches!(outcome, Some(Ok(Picked::Row(picked))) if picked == row),
                "{keys}: {outcome:?}"
            );
        }
        let zero = press_all(&mut Picker::new(list(12)), "0 enter");
        assert!(matches!(zero, Some(Ok(Picked::Zero))));
        let esc = press_all(&mut Picker::new(list(12)), "5 esc");
        assert!(matches!(esc, Some(Err(InquireError::OperationCanceled))));
    }

    #[test]
    fn refused_row_shows_its_reason() {
        let mut picker = Picker::new(list(4));
        assert!(press_all(&mut picker, "3 enter").is_none());
        assert_eq!(picker.note.as_deref(), Some("not this one"));
        assert!(press_all(&mut picker, "1 7 enter").is_none());
        assert_eq!(
            picker.note.as_deref(),
            Some("there is no number 17 in the list")
        );
        assert!(matches!(
            press_all(&mut picker, "2 enter"),
            Some(Ok(Picked::Row(1)))
        ));
    }

    #[test]
    fn current_row_is_always_in_the_window() {
        let mut picker = Picker::new(list(40));
        for at in 0..40 {
            picker.at = at;
            let window: Vec<usize> = picker.window(5).map(|(index, _)| index).collect();
            assert_eq!(window.len(), 5);
            assert!(window.contains(&at));
        }
    }

    #[test]
    fn lines_are_cut_to_the_terminal_width() {
        assert_eq!(cut_line("Café 家家", 7), "Café 家");
        assert_eq!(cut_line("Café 家家", 8), "Café 家");
    }
}
