//! `node`: what the account owns. The calls are `cloud`'s.

use async_trait::async_trait;
use clap::Args;
use clap::builder::{NonEmptyStringValueParser, TypedValueParser as _};
use serde_json::{Value, json};

use crate::cli::args::account::AccountArgs;
use crate::cli::args::candidates::node_ids;
use crate::cli::args::environment::cloud_failure;
use crate::cli::args::public_text::PublicText;
use crate::cli::subcommand::{Subcommand, Touches};
use crate::cli::terminal::{Printer, columns, keys_of};
use crate::cli::workplace::Workplace;
use crate::cloud::CloudError;
use crate::cloud::nodes::Node as Owned;
use crate::ident::printable;
use crate::report::{ErrorId, Failure};

/// What to do with nodes.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Node {
    /// Say what the cloud knows about a node.
    Info(Info),
    /// List the nodes of the account.
    List(List),
    /// Take a node out of the account.
    Remove(Remove),
}

/// Arguments of `node list`.
#[derive(Args, Debug)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    account: AccountArgs,
}

/// Arguments of `node info`.
#[derive(Args, Debug)]
pub(in crate::cli) struct Info {
    #[arg(value_name = "NODE_ID", value_parser = NonEmptyStringValueParser::new().map(PublicText::from), add = node_ids())]
    node_id: PublicText,

    #[command(flatten)]
    account: AccountArgs,
}

/// Arguments of `node remove`.
#[derive(Args, Debug)]
pub(in crate::cli) struct Remove {
    #[arg(value_name = "NODE_ID", value_parser = NonEmptyStringValueParser::new().map(PublicText::from), add = node_ids())]
    node_id: PublicText,

    /// Do not ask.
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    account: AccountArgs,
}

#[async_trait(?Send)]
impl Subcommand for Node {
    fn touches(&self) -> Touches {
        Touches::ACCOUNT
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        match self {
            Self::Info(args) => info(args, &workplace.printer).await,
            Self::List(args) => list(args, &workplace.printer).await,
            Self::Remove(args) => remove(args, workplace).await,
        }
    }
}

async fn list(args: &List, printer: &Printer) -> Result<(), Failure> {
    let account = args.account.open()?;
    let nodes = account.client.list_nodes().await;
    account.warn();
    let mut nodes = nodes.map_err(|error| cloud_failure(&error, "listing the nodes"))?;
    nodes.iter_mut().for_each(hide_tokens);
    let heading = ["NODE ID", "NAME", "TYPE", "FIRMWARE", "CONNECTED", "TAGS"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(heading)
        .chain(nodes.iter().map(cells))
        .collect();
    let lines = if nodes.is_empty() {
        vec!["The account has no nodes".to_owned()]
    } else {
        columns(&rows)
    };
    printer.result(&lines, keys_of("nodes", &nodes))
}

async fn info(args: &Info, printer: &Printer) -> Result<(), Failure> {
    let account = args.account.open()?;
    let doing = format!("asking about {}", printable(args.node_id.as_bytes()));
    let node = account.client.fetch_node(&args.node_id).await;
    account.warn();
    let node = node.map_err(|error| cloud_failure(&error, &doing))?;
    let Some(mut node) = node else {
        return Err(unknown(&args.node_id));
    };
    hide_tokens(&mut node);
    let lines = ["node", "name", "type", "firmware", "connected", "tags"]
        .iter()
        .zip(cells(&node))
        .chain([
            (&"role", node.role.as_deref().map_or_else(unsaid, said)),
            (
                &"metadata",
                node.metadata
                    .as_ref()
                    .map_or_else(unsaid, |one| said(&one.to_string())),
            ),
        ])
        .map(|(name, value)| format!("{name:<11}{value}"));
    printer.result(&lines.collect::<Vec<_>>(), keys_of("node", &node))
}

async fn remove(args: &Remove, workplace: &Workplace) -> Result<(), Failure> {
    let account = args.account.open()?;
    let id = printable(args.node_id.as_bytes());
    let question = format!("Remove {id} from the account?");
    if !args.yes && !workplace.observer.confirm(&question).await {
        let message = format!("the removal of {id} was not confirmed");
        return Err(Failure::new(ErrorId::ConfirmationNeeded, message));
    }
    let removed = account.client.remove_node(&args.node_id).await;
    account.warn();
    // Refused for whatever reason: one that is not there is the likeliest, and no reason to retry.
    if let Err(CloudError::Rejected { .. }) = &removed
        && let Ok(None) = account.client.fetch_node(&args.node_id).await
    {
        return Err(unknown(&args.node_id));
    }
    removed.map_err(|error| cloud_failure(&error, &format!("removing {id}")))?;
    let line = format!("Removed {id} from the account");
    workplace
        .printer
        .result(&[line], keys_of("removed", &&*args.node_id))
}

fn unknown(node_id: &str) -> Failure {
    let id = printable(node_id.as_bytes());
    Failure::new(
        ErrorId::UnknownNode,
        format!("the account has no node {id}"),
    )
}

fn cells(node: &Owned) -> [String; 6] {
    let tags = node.tags.join(", ");
    [
        said(&node.node_id),
        node.name().map_or_else(unsaid, said),
        node.kind().map_or_else(unsaid, said),
        node.firmware().map_or_else(unsaid, said),
        node.is_connected()
            .map_or_else(unsaid, |yes| if yes { "yes" } else { "no" }.to_owned()),
        if tags.is_empty() {
            unsaid()
        } else {
            said(&tags)
        },
    ]
}

fn said(text: &str) -> String {
    printable(text.as_bytes())
}

fn unsaid() -> String {
    "-".to_owned()
}

/// Some nodes act for their user, and hold a token for it among their parameters: a login to the
/// whole account.
fn hide_tokens(node: &mut Owned) {
    let hidden = || json!("<redacted>");
    let mut names = Vec::new();
    if let Some(config) = &mut node.config {
        for part in ["devices", "services"] {
            let parts = config.get_mut(part).and_then(Value::as_array_mut);
            for part in parts.into_iter().flatten() {
                let params = part.get_mut("params").and_then(Value::as_array_mut);
                for param in params.into_iter().flatten() {
                    let kind = param.get("type").and_then(Value::as_str);
                    if !kind.is_some_and(|kind| TOKENS.contains(&kind)) {
                        continue;
                    }
                    if let Some(name) = param.get("name").and_then(Value::as_str) {
                        names.push(name.to_owned());
                    }
                    if let Some(value) = param.get_mut("value") {
                        *value = hidden();
                    }
                }
            }
        }
    }
    let parts = node.params.as_mut().and_then(Value::as_object_mut);
    for params in parts.into_iter().flat_map(|parts| parts.values_mut()) {
        for (name, value) in params.as_object_mut().into_iter().flatten() {
            if names.contains(name) || USUAL_NAMES.contains(&name.as_str()) {
                *value = hidden();
            }
        }
    }
}

/// The types of parameters that hold one.
const TOKENS: [&str; 2] = ["esp.param.refresh-token", "esp.param.user-token"];
/// What they are called, where a node's description has not arrived.
const USUAL_NAMES: [&str; 2] = ["RefreshToken", "UserToken"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_a_node_holds_are_not_shown() {
        let mut node = Owned {
            node_id: "n".to_owned(),
            config: Some(json!({"services": [{"name": "Agent", "params": [
                {"name": "Key", "type": "esp.param.refresh-token", "value": "canary"},
                {"name": "State", "type": "esp.param.user-token-status", "value": 2},
            ]}]})),
            status: None,
            params: Some(json!({
                "Agent": {"Key": "canary", "State": 2},
                "RMUserAuth": {"UserToken": "canary"},
                "Odd": "no object",
            })),
            tags: Vec::new(),
            metadata: None,
            role: None,
        };
        hide_tokens(&mut node);
        let shown = json!(node).to_string();
        assert!(!shown.contains("canary"), "{shown}");
        assert_eq!(node.params.unwrap()["Agent"]["State"], 2);
    }
}
