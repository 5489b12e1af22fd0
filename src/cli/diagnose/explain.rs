//! `explain`: what an error id means, why it happens, what to do. The texts are those of `report`;
//! the same ones are printed as `docs/reference/errors.md`.

use async_trait::async_trait;
use clap::Args;
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::cli::args::candidates::error_ids;
use crate::cli::diagnose::doctor::check_of;
use crate::cli::subcommand::Subcommand;
use crate::cli::terminal::{Printer, keys_of};
use crate::cli::workplace::Workplace;
use crate::ident::printable;
use crate::report::{ErrorEntry, ErrorId, Exit, Failure};

/// Arguments of `explain`.
#[derive(Args, Debug)]
pub(in crate::cli) struct Explain {
    /// The id, as an error's last line names it. Without one, all are listed, by exit code.
    #[arg(value_name = "ID", add = error_ids())]
    id: Option<String>,
}

/// An explanation, for machines.
#[derive(Serialize)]
struct Explanation {
    id: &'static str,
    exits: Vec<u8>,
    title: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    /// The finding of doctor that shows whether this is the matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    doctor: Option<&'static str>,
}

#[async_trait(?Send)]
impl Subcommand for Explain {
    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        explain(self, &workplace.printer)
    }
}

fn explain(args: &Explain, printer: &Printer) -> Result<(), Failure> {
    let Some(asked) = &args.id else {
        let errors: Vec<Explanation> = ErrorId::ALL
            .iter()
            .map(|id| Explanation {
                why: None,
                remedy: None,
                doctor: None,
                ..Explanation::of(*id)
            })
            .collect();
        return printer.result(&by_exit(), keys_of("errors", &errors));
    };
    let id = ErrorId::ALL
        .iter()
        .find(|id| id.as_str() == asked)
        .ok_or_else(|| unknown(asked))?;
    printer.result(
        &[as_text(*id)],
        keys_of("explanation", &Explanation::of(*id)),
    )
}

/// All ids, under the exit codes that they can have: whose move it is comes first.
fn by_exit() -> Vec<String> {
    let width = ErrorId::ALL.iter().map(|id| id.as_str().len()).max();
    let width = width.unwrap_or_default();
    let mut lines = Vec::new();
    for exit in Exit::ALL {
        let of_exit = || {
            let ids = ErrorId::ALL.iter();
            ids.filter(|id| id.entry().exits.contains(&exit))
        };
        if of_exit().next().is_none() {
            continue;
        }
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!("exit {}: {}", exit.code(), exit.meaning()));
        lines.extend(of_exit().map(|id| format!("  {id:width$}  {}", id.entry().title)));
    }
    lines
}

/// How doctor is asked about it, and where in its answer it stands.
fn ask_doctor(id: ErrorId) -> Option<String> {
    let (check, kind) = check_of(id)?;
    let narrowed = kind.map_or_else(String::new, |kind| format!(" --transport {kind}"));
    Some(format!(
        "`espctl doctor{narrowed}` looks at it; the finding is `{check}`."
    ))
}

impl Explanation {
    fn of(id: ErrorId) -> Self {
        let ErrorEntry {
            exits, title, why, ..
        } = id.entry();
        Self {
            id: id.as_str(),
            exits: exits.iter().map(|exit| exit.code()).collect(),
            title,
            why: Some(why),
            remedy: Some(id.entry().describe_remedies().join(" ")),
            doctor: check_of(id).map(|(check, _)| check),
        }
    }
}

fn as_text(id: ErrorId) -> String {
    let ErrorEntry {
        exits, title, why, ..
    } = id.entry();
    let exits = exits.iter().fold(String::new(), |lines, exit| {
        format!("{lines}\n  exit {}: {}", exit.code(), exit.meaning())
    });
    let doctor = ask_doctor(id).map_or_else(String::new, |doctor| {
        format!("\n\nOn this computer:\n{}", wrapped(&doctor, COLUMNS, "  "))
    });
    format!(
        "{id}{exits}\n\n{}\n\nWhy it happens:\n{}\n\nWhat to do:\n{}{doctor}",
        wrapped(title, COLUMNS, ""),
        wrapped(why, COLUMNS, "  "),
        listed(id, COLUMNS, "  ")
    )
}

/// What to do, as a list.
fn listed(id: ErrorId, columns: usize, indent: &str) -> String {
    let sentences = id.entry().describe_remedies();
    let items: Vec<String> = sentences
        .iter()
        .map(|sentence| {
            let lines = wrapped(sentence, columns, &format!("{indent}  "));
            format!("{indent}- {}", lines.trim_start())
        })
        .collect();
    items.join("\n")
}

/// All of them, as a page of the documentation.
pub(in crate::cli) fn page() -> String {
    let intro = "The last line of every error is `see: espctl explain ID`, and in JSON the id is \
                 `error.id`. Ids are stable. This page is what `espctl explain` says; \
                 `espctl reference errors` prints it.";
    let mut page = format!(
        "# Errors\n\n{}\n\n| id | exit | meaning |\n|---|---|---|\n",
        wrapped(intro, PAGE_COLUMNS, "")
    );
    for id in ErrorId::ALL {
        let row = format!(
            "| [`{id}`](#{id}) | {} | {} |\n",
            exits_of(*id),
            id.entry().title
        );
        page.push_str(&row);
    }
    for id in ErrorId::ALL {
        let ErrorEntry { title, why, .. } = id.entry();
        let section = format!(
            "\n## {id}\n\nExit {}. {title}\n\n{}\n\n**What to do.**\n\n{}\n",
            exits_of(*id),
            wrapped(&format!("**Why it happens.** {why}"), PAGE_COLUMNS, ""),
            listed(*id, PAGE_COLUMNS, "")
        );
        page.push_str(&section);
        if let Some(doctor) = ask_doctor(*id) {
            let doctor = wrapped(&format!("**On this computer.** {doctor}"), PAGE_COLUMNS, "");
            page.push_str(&["\n", &doctor, "\n"].concat());
        }
    }
    page
}

fn exits_of(id: ErrorId) -> String {
    let codes: Vec<String> = id
        .entry()
        .exits
        .iter()
        .map(|exit| exit.code().to_string())
        .collect();
    codes.join(", ")
}

fn unknown(asked: &str) -> Failure {
    let failure = Failure::new(
        ErrorId::UnknownId,
        format!("no error has the id {:?}", printable(asked.as_bytes())),
    );
    let mut near: Vec<(f64, &str)> = ErrorId::ALL
        .iter()
        .map(|id| (likeness(id.as_str(), asked), id.as_str()))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let near: Vec<&str> = near.into_iter().map(|(_, id)| id).take(MOST).collect();
    if near.is_empty() {
        failure
    } else {
        failure.hint(format!("did you mean {}?", near.join(", ")))
    }
}

/// From 0 to 1. A part of an id is as good as a misspelt one.
fn likeness(id: &str, asked: &str) -> f64 {
    let asked = asked.to_lowercase().replace(['_', ' '], "-");
    let part = asked.len() > 2 && id.contains(&asked);
    if part {
        0.9
    } else {
        strsim::jaro_winkler(id, &asked)
    }
}

/// Lines of at most so many columns, each with the indent in front.
fn wrapped(text: &str, columns: usize, indent: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::from(indent);
    for word in text.split(' ') {
        if line.len() > indent.len() {
            if line.width() + 1 + word.width() > columns {
                lines.push(std::mem::replace(&mut line, indent.to_owned()));
            } else {
                line.push(' ');
            }
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join("\n")
}

const ALIKE: f64 = 0.75;
/// What a terminal of the usual size shows, and some room.
const COLUMNS: usize = 90;
/// Of suggestions.
const MOST: usize = 3;
/// The width of the other documents.
const PAGE_COLUMNS: usize = 125;

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};

    use super::*;
    use crate::cli::args::drivers::Drivers;
    use crate::provisioner::built_in_protocols;
    use crate::transport::built_in_drivers;

    #[test]
    fn the_nearest_ids_are_suggested() {
        for (asked, meant) in [
            ("wrong-popp", "wrong-pop"),
            ("wrong_pop", "wrong-pop"),
            ("password", "wrong-password"),
            ("unreachible", "unreachable"),
            ("WIFI-AUTH", "wifi-auth-failed"),
        ] {
            let hints = format!("{:?}", unknown(asked).hints);
            assert!(hints.contains(meant), "{asked}: {hints}");
        }
        let hints = unknown("zzzz").hints;
        assert!(hints[0].to_string().contains("list all ids"), "{hints:?}");
    }

    #[test]
    fn text_is_wrapped_at_words() {
        assert_eq!(
            wrapped("one two three four", 10, " "),
            " one two\n three\n four"
        );
        assert_eq!(wrapped("verylongword x", 4, ""), "verylongword\nx");
    }

    /// A flag in backticks is one of a command, and a command line is one that exists.
    #[test]
    fn remedies_name_flags_that_exist() {
        fn flags_of(command: &Command, flags: &mut Vec<String>) {
            let long = command.get_arguments().filter_map(Arg::get_long);
            flags.extend(long.map(|flag| format!("--{flag}")));
            for command in command.get_subcommands() {
                flags_of(command, flags);
            }
        }
        let drivers = Drivers::new(built_in_drivers(), built_in_protocols());
        let mut tree = crate::cli::program::command(&drivers);
        tree.build();
        let mut flags = vec!["--help".to_owned()];
        flags_of(&tree, &mut flags);
        let sentences: Vec<String> = ErrorId::ALL
            .iter()
            .flat_map(|id| id.entry().describe_remedies())
            .collect();
        for line in sentences
            .iter()
            .flat_map(|text| text.split('`').skip(1).step_by(2))
        {
            let words = line.split(' ');
            if let Some(commands) = line.strip_prefix("espctl ") {
                let names = commands
                    .split(' ')
                    .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()));
                let mut command = &tree;
                for name in names {
                    let found = command.find_subcommand(name);
                    command = found.unwrap_or_else(|| panic!("{line}"));
                }
            } else if !line.starts_with("--") {
                continue;
            }
            for flag in words.filter(|word| word.starts_with("--") && *word != "--flag=VALUE") {
                assert!(flags.iter().any(|known| known == flag), "{line}");
            }
        }
    }
}
