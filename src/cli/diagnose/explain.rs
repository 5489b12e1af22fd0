//! `explain`: what an error id means, why it happens, and what to do. The texts come from `report`.
//! `docs/reference/errors.md` consists of the same texts.

use async_trait::async_trait;
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use crate::cli::args::completions::error_ids;
use crate::cli::args::public_text::PublicText;
use crate::cli::diagnose::doctor::checks::Check;
use crate::cli::subcommand::{Handling, Subcommand, Touches};
use crate::cli::workplace::Workplace;
use crate::ident::printable;
use crate::report::{ErrorEntry, ErrorId, Exit, Failure};
use crate::transport::Medium;

/// Arguments of `explain`.
#[derive(Args, Debug)]
pub(in crate::cli) struct Explain {
    /// The id from the last line of an error [default: list all ids by exit code]
    #[arg(value_name = "ID", add = error_ids())]
    id: Option<PublicText>,
}

/// An explanation in JSON.
#[derive(Serialize)]
struct Explanation {
    id: ErrorId,
    exits: &'static [Exit],
    title: &'static str,
    why: &'static str,
    remedy: String,
    /// The finding of doctor that shows whether this computer is the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    doctor: Option<Check>,
}

#[async_trait(?Send)]
impl Subcommand for Explain {
    fn handling(&self) -> Handling {
        Touches::NOTHING.public()
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let printer = &workplace.printer;
        let Some(text) = &self.id else {
            let summarize = |id: &ErrorId| {
                let ErrorEntry { exits, title, .. } = id.entry();
                json!({"id": id, "exits": exits, "title": title})
            };
            let summaries: Vec<Value> = ErrorId::ALL.iter().map(summarize).collect();
            return printer.result(&[list_by_exit()], json!({ "errors": summaries }));
        };
        let mut ids = ErrorId::ALL.iter().copied();
        let id = ids.find(|id| id.into_str() == &**text);
        let id = id.ok_or_else(|| unknown_id(text))?;
        let entry = id.entry();
        let explanation = Explanation {
            id,
            exits: entry.exits,
            title: entry.title,
            why: entry.why,
            remedy: entry.describe_remedies().join(" "),
            doctor: Check::for_error(id),
        };
        let lines = [format_explanation(id, &workplace.drivers.media())];
        printer.result(&lines, json!({ "explanation": explanation }))
    }
}

/// All ids, below the exit codes that they can have.
fn list_by_exit() -> String {
    let width = ErrorId::ALL.iter().map(|id| id.into_str().len()).max();
    let width = width.unwrap_or_default();
    let sections = Exit::ALL.iter().filter_map(|exit| {
        let ids = ErrorId::ALL
            .iter()
            .filter(|id| id.entry().exits.contains(exit));
        let rows = ids.map(|id| format!("\n  {id:width$}  {}", id.entry().title));
        let rows = rows.reduce(|rows, row| rows + &row)?;
        Some(format!("exit {}: {}{rows}", exit.code(), exit.meaning()))
    });
    sections.collect::<Vec<String>>().join("\n\n")
}

fn format_explanation(id: ErrorId, media: &[&Medium]) -> String {
    let ErrorEntry {
        exits, title, why, ..
    } = id.entry();
    let exits = exits.iter().fold(String::new(), |lines, exit| {
        format!("{lines}\n  exit {}: {}", exit.code(), exit.meaning())
    });
    let title = wrap(title, COLUMNS, "");
    let why = wrap(why, COLUMNS, "  ");
    let steps = format_steps(id, COLUMNS, "  ");
    let doctor = describe_check(id, media).map_or_else(String::new, |doctor| {
        format!("\n\nOn this computer:\n{}", wrap(&doctor, COLUMNS, "  "))
    });
    format!("{id}{exits}\n\n{title}\n\nWhy it happens:\n{why}\n\nWhat to do:\n{steps}{doctor}")
}

/// How doctor checks for the cause of the error.
fn describe_check(id: ErrorId, media: &[&Medium]) -> Option<String> {
    let check = Check::for_error(id)?;
    let line = check.command_line(media);
    Some(format!("`{line}` checks for it; the finding is `{check}`."))
}

/// What to do, as a list.
fn format_steps(id: ErrorId, columns: usize, indent: &str) -> String {
    let steps = id.entry().describe_remedies();
    let items = steps.iter().map(|step| {
        let lines = wrap(step, columns, &format!("{indent}  "));
        format!("{indent}- {}", lines.trim_start())
    });
    items.collect::<Vec<String>>().join("\n")
}

/// All explanations, as a page of the documentation.
pub(in crate::cli) fn format_errors_page(media: &[&Medium]) -> String {
    let wrap = |text: &str| wrap(text, PAGE_COLUMNS, "");
    let intro = wrap(
        "The last line of every error is `see: espctl explain ID`, and in JSON the id is \
         `error.id`. Ids are stable. `espctl explain` shows the same texts; \
         `espctl reference errors` prints this page.",
    );
    let mut page = vec![format!(
        "# Errors\n\n{intro}\n\n| id | exit | meaning |\n|---|---|---|\n"
    )];
    let mut sections = Vec::new();
    for id in ErrorId::ALL {
        let ErrorEntry {
            exits, title, why, ..
        } = id.entry();
        let exits = exits.iter().map(|exit| exit.code().to_string());
        let exits = exits.collect::<Vec<String>>().join(", ");
        page.push(format!("| [`{id}`](#{id}) | {exits} | {title} |\n"));
        let why = wrap(&format!("**Why it happens.** {why}"));
        let steps = format_steps(*id, PAGE_COLUMNS, "");
        sections.push(format!(
            "\n## {id}\n\nExit {exits}. {title}\n\n{why}\n\n**What to do.**\n\n{steps}\n"
        ));
        if let Some(doctor) = describe_check(*id, media) {
            let doctor = wrap(&format!("**On this computer.** {doctor}"));
            sections.push(format!("\n{doctor}\n"));
        }
    }
    page.concat() + &sections.concat()
}

fn unknown_id(text: &str) -> Failure {
    let message = format!("no error has the id {:?}", printable(text.as_bytes()));
    let failure = Failure::new(ErrorId::UnknownId, message);
    let ids = ErrorId::ALL.iter().map(ErrorId::into_str);
    let mut similar: Vec<(f64, &str)> = ids
        .map(|id| (rate_similarity(id, text), id))
        .filter(|(similarity, _)| *similarity > MIN_SIMILARITY)
        .collect();
    similar.sort_by(|(left, _), (right, _)| right.total_cmp(left));
    similar.truncate(MAX_SUGGESTIONS);
    if similar.is_empty() {
        return failure;
    }
    let ids: Vec<&str> = similar.into_iter().map(|(_, id)| id).collect();
    failure.hint(format!("did you mean {}?", ids.join(", ")))
}

/// From 0 to 1. A part of an id counts as much as a misspelled one.
fn rate_similarity(id: &str, text: &str) -> f64 {
    let text = text.to_lowercase().replace(['_', ' '], "-");
    if text.len() > 2 && id.contains(&text) {
        0.9
    } else {
        strsim::jaro_winkler(id, &text)
    }
}

/// Breaks the text into lines of at most `columns`, each after the indent.
fn wrap(text: &str, columns: usize, indent: &str) -> String {
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

const MIN_SIMILARITY: f64 = 0.75;
const MAX_SUGGESTIONS: usize = 3;
/// A little more than a terminal of the usual width shows.
const COLUMNS: usize = 90;
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
    fn suggests_similar_ids() {
        for (text, suggested) in [
            ("wrong-popp", "wrong-pop"),
            ("wrong_pop", "wrong-pop"),
            ("password", "wrong-password"),
            ("unreachible", "unreachable"),
            ("WIFI-AUTH", "wifi-auth-failed"),
        ] {
            let hints = format!("{:?}", unknown_id(text).hints);
            assert!(hints.contains(suggested), "{text}: {hints}");
        }
        let hints = unknown_id("zzzz").hints;
        assert!(hints[0].contains("list all ids"), "{hints:?}");
    }

    #[test]
    fn wraps_text_at_words() {
        assert_eq!(
            wrap("one two three four", 10, " "),
            " one two\n three\n four"
        );
        assert_eq!(wrap("verylongword x", 4, ""), "verylongword\nx");
    }

    /// Every flag and every command line in backticks exists.
    #[test]
    fn remedies_name_flags_that_exist() {
        fn collect_flags(command: &Command, flags: &mut Vec<String>) {
            let long = command.get_arguments().filter_map(Arg::get_long);
            flags.extend(long.map(|flag| format!("--{flag}")));
            for command in command.get_subcommands() {
                collect_flags(command, flags);
            }
        }
        let drivers = Drivers::new(built_in_drivers(), built_in_protocols());
        let mut tree = crate::cli::program::command(&drivers);
        tree.build();
        let mut flags = vec!["--help".to_owned()];
        collect_flags(&tree, &mut flags);
        let sentences = ErrorId::ALL
            .iter()
            .flat_map(|id| id.entry().describe_remedies());
        let sentences: Vec<String> = sentences.collect();
        let quoted = sentences
            .iter()
            .flat_map(|text| text.split('`').skip(1).step_by(2));
        for line in quoted {
            if let Some(names) = line.strip_prefix("espctl ") {
                let is_name = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase());
                names
                    .split(' ')
                    .take_while(is_name)
                    .fold(&tree, |command, name| {
                        let subcommand = command.find_subcommand(name);
                        subcommand.unwrap_or_else(|| panic!("{line}"))
                    });
            } else if !line.starts_with("--") {
                continue;
            }
            let words = line.split(' ').filter(|word| *word != "--flag=VALUE");
            for flag in words.filter(|word| word.starts_with("--")) {
                assert!(flags.iter().any(|existing| existing == flag), "{line}");
            }
        }
    }
}
