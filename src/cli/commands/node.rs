//! `node`: shows and removes the nodes of the account.

use async_trait::async_trait;
use clap::Args;
use clap::builder::{NonEmptyStringValueParser, TypedValueParser as _};
use serde_json::{Value, json};

use crate::cli::args::account::AccountArgs;
use crate::cli::args::completions::node_ids;
use crate::cli::args::environment::cloud_failure;
use crate::cli::args::public_text::PublicText;
use crate::cli::subcommand::{Handling, Subcommand, Touches};
use crate::cli::terminal::{CommandOutput, TerminalObserver, cell, table, yes_or_no};
use crate::cli::workplace::Workplace;
use crate::cloud::nodes::Node;
use crate::cloud::{Client, CloudError};
use crate::ident::printable;
use crate::report::{ErrorId, Failure};

/// The commands about nodes.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Nodes {
    /// Show what the cloud knows about a node.
    Info(Info),
    /// List the nodes of the account.
    List(AccountArgs),
    /// Remove a node from the account.
    Remove(Remove),
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
    /// Do not ask for confirmation.
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    node: Info,
}

#[async_trait(?Send)]
impl Subcommand for Nodes {
    fn handling(&self) -> Handling {
        Touches::ACCOUNT.public()
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let (Self::List(account)
        | Self::Info(Info { account, .. })
        | Self::Remove(Remove {
            node: Info { account, .. },
            ..
        })) = self;
        let client = &account.open().await?;
        let printer = &workplace.printer;
        let output = match self {
            Self::Info(args) => printer.show_call(show_node(&args.node_id, client)).await,
            Self::List(_) => printer.show_call(list_nodes(client)).await,
            Self::Remove(args) => {
                args.confirm(&workplace.observer).await?;
                let removing = remove_node(&args.node.node_id, client);
                printer.show_call(removing).await
            }
        };
        workplace.warn_if_not_saved(client);
        output?.print(printer)
    }
}

impl Remove {
    async fn confirm(&self, observer: &TerminalObserver) -> Result<(), Failure> {
        let id = printable(self.node.node_id.as_bytes());
        let question = format!("Remove {id} from the account?");
        if self.yes || observer.confirm(&question).await {
            return Ok(());
        }
        let message = format!("the removal of {id} was not confirmed");
        Err(Failure::new(ErrorId::ConfirmationNeeded, message))
    }
}

async fn list_nodes(client: &Client) -> Result<CommandOutput, Failure> {
    let nodes = client.list_nodes().await;
    let mut nodes = nodes.map_err(|error| cloud_failure(&error, "listing the nodes"))?;
    nodes.iter_mut().for_each(hide_tokens);
    let lines = if nodes.is_empty() {
        vec!["The account has no nodes".to_owned()]
    } else {
        let heading = ["NODE ID", "NAME", "TYPE", "FIRMWARE", "CONNECTED", "TAGS"];
        table(heading, nodes.iter().map(cells))
    };
    Ok(CommandOutput::new(lines, json!({ "nodes": nodes })))
}

async fn show_node(node_id: &str, client: &Client) -> Result<CommandOutput, Failure> {
    let step = format!("asking about {}", printable(node_id.as_bytes()));
    let node = client.fetch_node(node_id).await;
    let node = node.map_err(|error| cloud_failure(&error, &step))?;
    let mut node = node.ok_or_else(|| unknown_node(node_id))?;
    hide_tokens(&mut node);
    let more = [cell(node.role.as_ref()), cell(node.metadata.as_ref())];
    let names = "node name type firmware connected tags role metadata".split(' ');
    let values = cells(&node).into_iter().chain(more);
    let lines = names.zip(values);
    let lines = lines.map(|(name, value)| format!("{name:<11}{value}"));
    let lines: Vec<String> = lines.collect();
    Ok(CommandOutput::new(lines, json!({ "node": node })))
}

async fn remove_node(node_id: &str, client: &Client) -> Result<CommandOutput, Failure> {
    let id = printable(node_id.as_bytes());
    let removed = client.remove_node(node_id).await;
    // The cloud rejects the removal of a node that it does not have, and a retry would not help.
    if let Err(CloudError::Rejected { .. }) = &removed
        && let Ok(None) = client.fetch_node(node_id).await
    {
        return Err(unknown_node(node_id));
    }
    removed.map_err(|error| cloud_failure(&error, &format!("removing {id}")))?;
    let line = format!("Removed {id} from the account");
    Ok(CommandOutput::new([line], json!({ "removed": node_id })))
}

fn unknown_node(node_id: &str) -> Failure {
    let id = printable(node_id.as_bytes());
    let message = format!("the account has no node {id}");
    Failure::new(ErrorId::UnknownNode, message)
}

fn cells(node: &Node) -> [String; 6] {
    let tags = node.tags.join(", ");
    [
        cell(Some(&node.node_id)),
        cell(node.name()),
        cell(node.kind()),
        cell(node.firmware()),
        cell(node.is_connected().map(yes_or_no)),
        cell((!tags.is_empty()).then_some(tags)),
    ]
}

/// Replaces the tokens among a node's parameters. A node that acts for its user holds such a token,
/// and the token is a login to the whole account.
fn hide_tokens(node: &mut Node) {
    let mut names = USUAL_TOKEN_NAMES.map(str::to_owned).to_vec();
    let config = node.config.as_mut().and_then(Value::as_object_mut);
    let parameters = config
        .into_iter()
        .flatten()
        .filter(|(key, _)| ["devices", "services"].contains(&key.as_str()))
        .filter_map(|(_, parts)| parts.as_array_mut())
        .flatten()
        .filter_map(|part| part.get_mut("params")?.as_array_mut())
        .flatten();
    for parameter in parameters {
        let text_of = |key| parameter.get(key).and_then(Value::as_str);
        if !text_of("type").is_some_and(|kind| TOKEN_TYPES.contains(&kind)) {
            continue;
        }
        names.extend(text_of("name").map(str::to_owned));
        if let Some(value) = parameter.get_mut("value") {
            *value = json!(REDACTED);
        }
    }
    let parts = node.params.as_mut().and_then(Value::as_object_mut);
    let parts = parts.into_iter().flatten();
    for (name, value) in parts.filter_map(|(_, part)| part.as_object_mut()).flatten() {
        if names.contains(name) {
            *value = json!(REDACTED);
        }
    }
}

const REDACTED: &str = "<redacted>";
/// The types of parameters that hold a token.
const TOKEN_TYPES: [&str; 2] = ["esp.param.refresh-token", "esp.param.user-token"];
/// The names of these parameters, for a node whose description has not arrived.
const USUAL_TOKEN_NAMES: [&str; 2] = ["RefreshToken", "UserToken"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_tokens_among_parameters() {
        let mut node = Node {
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
        let output = json!(node).to_string();
        assert!(!output.contains("canary"), "{output}");
        assert_eq!(node.params.unwrap()["Agent"]["State"], 2);
    }
}
