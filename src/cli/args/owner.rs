//! The flags that say whose a device shall be, and what it gets along with its owner. All of it is
//! checked before the device hears anything. Which account that is, is `account_args`'s.

use std::sync::Arc;

use clap::Args;
use clap::builder::FalseyValueParser;
use serde_json::{Map, Value};

use crate::cli::args::account::{ACCOUNT, AccountArgs, not_kept};
use crate::cli::args::environment::cloud_failure;
use crate::cli::args::inputs::Inputs;
use crate::cli::args::public_text::PublicText;
use crate::cloud::groups::Group;
use crate::cloud::mapping::Extras;
use crate::flows::OwnerRequest;
use crate::ident::printable;
use crate::report::{ErrorId, Failure, remedies};
use crate::transport::Medium;

/// Whose it shall be.
#[derive(Args, Debug)]
pub(in crate::cli) struct OwnerArgs {
    /// Wi-Fi only, for plain ESP-IDF firmware: no account, no mapping.
    #[arg(long, env = "ESPCTL_NO_CLOUD", value_parser = FalseyValueParser::new(), help_heading = ACCOUNT)]
    no_cloud: bool,

    /// Tags of the node, key:value, with commas between them.
    #[arg(long, value_name = "KEY:VALUE,…", env = "ESPCTL_TAGS", help_heading = ACCOUNT)]
    tags: Option<String>,

    /// Metadata of the node, as a JSON object.
    #[arg(long, value_name = "JSON", env = "ESPCTL_METADATA", help_heading = ACCOUNT)]
    metadata: Option<String>,

    /// Group of the account that the node joins, by name or id.
    #[arg(long, value_name = "NAME|ID", env = "ESPCTL_GROUP", help_heading = ACCOUNT)]
    group: Option<PublicText>,

    /// Switch challenge-response off on the device once it is mapped, until it restarts
    /// [default: on the network yes, elsewhere no]
    #[arg(long, conflicts_with = "no_disable_chal_resp", help_heading = ACCOUNT)]
    disable_chal_resp: bool,

    /// Leave challenge-response on.
    #[arg(long, help_heading = ACCOUNT)]
    no_disable_chal_resp: bool,

    #[command(flatten)]
    account: AccountArgs,
}

impl OwnerArgs {
    /// The account, and what goes with it; `None` where nobody shall own the device.
    pub(in crate::cli) async fn resolve(
        &self,
        medium: &Medium,
        inputs: &Inputs<'_>,
    ) -> Result<Option<OwnerRequest>, Failure> {
        let tags = self.tags.as_deref().map(tags).transpose()?;
        let metadata = self.metadata.as_deref().map(metadata).transpose()?;
        if self.no_cloud {
            return Self::without_account(inputs).map(|()| None);
        }
        let opened = self.account.open().map_err(|failure| match failure.id {
            ErrorId::LoginRequired if !medium.has_network_already => {
                failure.remedy(&remedies::NO_CLOUD)
            }
            _ => failure,
        })?;
        let group_id = match &self.group {
            None => None,
            Some(wanted) => {
                let groups = opened.client.groups().await;
                let found = groups
                    .map_err(|error| cloud_failure(&error, "looking up --group"))
                    .and_then(|groups| group_named(wanted, &groups));
                // A run that goes on says so at its end.
                let id = found.map_err(|failure| match not_kept(&opened.client) {
                    Some(why) => failure.hint(why),
                    None => failure,
                })?;
                Some(id)
            }
        };
        Ok(Some(OwnerRequest {
            cloud: Arc::new(opened.client),
            extras: Extras {
                tags: tags.unwrap_or_default(),
                metadata,
                group_id,
            },
            disable: match (self.disable_chal_resp, self.no_disable_chal_resp) {
                (false, false) => medium.has_network_already,
                (asked, _) => asked,
            },
        }))
    }

    /// An account that was typed is not passed over in silence, whatever the environment says.
    fn without_account(inputs: &Inputs<'_>) -> Result<(), Failure> {
        let Some((_, flag)) = OF_ACCOUNT.iter().find(|(id, _)| inputs.is_typed(id)) else {
            return Ok(());
        };
        let no_cloud = inputs.switch("no_cloud", "--no-cloud", NO_CLOUD);
        let message = format!("{no_cloud} and {flag} exclude each other");
        let failure = Failure::new(ErrorId::ConflictingFlags, message);
        Err(if no_cloud == NO_CLOUD {
            failure.hint(format!(
                "set `{NO_CLOUD}=0` in front of the command to use the account"
            ))
        } else {
            failure
        })
    }
}

/// `a:b,c:d`. The cloud takes no tag without a colon, and cannot tell a comma in one.
fn tags(text: &str) -> Result<Vec<String>, Failure> {
    let tags: Vec<&str> = text.split(',').map(str::trim).collect();
    let is_tag = |tag: &str| {
        tag.split_once(':')
            .is_some_and(|(key, value)| !key.is_empty() && !value.is_empty())
    };
    match tags.iter().find(|tag| !is_tag(tag)) {
        None => Ok(tags.into_iter().map(str::to_owned).collect()),
        Some(wrong) => {
            let wrong = printable(wrong.as_bytes());
            let message = format!("--tags: \"{wrong}\" is not key:value");
            Err(Failure::new(ErrorId::InvalidTags, message))
        }
    }
}

fn metadata(text: &str) -> Result<Map<String, Value>, Failure> {
    let invalid =
        |what: String| Failure::new(ErrorId::InvalidMetadata, format!("--metadata: {what}"));
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(invalid("not a JSON object".to_owned())),
        Err(error) => Err(invalid(format!("not JSON: {error}"))),
    }
}

/// The id of a group that is named by it or by its name.
fn group_named(wanted: &str, groups: &[Group]) -> Result<String, Failure> {
    let mut all = Vec::new();
    let mut next: Vec<&Group> = groups.iter().rev().collect();
    while let Some(group) = next.pop() {
        all.push(group);
        next.extend(group.sub_groups.iter().rev());
    }
    if let Some(group) = all.iter().find(|group| group.group_id == wanted) {
        return Ok(group.group_id.clone());
    }
    let named: Vec<_> = all
        .iter()
        .filter(|group| group.group_name == wanted)
        .collect();
    if let [only] = named[..] {
        return Ok(only.group_id.clone());
    }
    let shown = printable(wanted.as_bytes());
    let message = if named.is_empty() {
        format!("--group: the account has no group \"{shown}\"")
    } else {
        format!(
            "--group: the account has {} groups \"{shown}\"",
            named.len()
        )
    };
    let listed = if named.is_empty() {
        all
    } else {
        named.into_iter().copied().collect()
    };
    let failure = Failure::new(ErrorId::UnknownGroup, message);
    Err(listed
        .into_iter()
        .take(MOST_LISTED)
        .fold(failure, |failure, group| {
            let name = printable(group.group_name.as_bytes());
            let id = printable(group.group_id.as_bytes());
            failure.hint(format!("the account has {name} ({id})"))
        }))
}

const NO_CLOUD: &str = "ESPCTL_NO_CLOUD";
/// Of no use without an account: clap's ids, and the flags.
const OF_ACCOUNT: [(&str, &str); 9] = [
    ("tags", "--tags"),
    ("metadata", "--metadata"),
    ("group", "--group"),
    ("disable_chal_resp", "--disable-chal-resp"),
    ("no_disable_chal_resp", "--no-disable-chal-resp"),
    ("profile", "--profile"),
    ("ca_cert", "--ca-cert"),
    ("allow_plain_http", "--allow-plain-http"),
    ("cloud_timeout", "--cloud-timeout"),
];
/// What anybody reads.
const MOST_LISTED: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_a_key_and_a_value() {
        assert_eq!(
            tags("esp.location:office, a:b:c").unwrap(),
            ["esp.location:office", "a:b:c"]
        );
        for wrong in ["", "office", "a:b,", ":b", "a:", "a:b,c"] {
            assert_eq!(tags(wrong).unwrap_err().id, ErrorId::InvalidTags, "{wrong}");
        }
    }

    #[test]
    fn metadata_are_an_object() {
        assert_eq!(metadata(r#"{"a":1}"#).unwrap().len(), 1);
        for wrong in ["", "[]", "1", "{", r#""a""#, "{'a':1}"] {
            let error = metadata(wrong).unwrap_err();
            assert_eq!(error.id, ErrorId::InvalidMetadata, "{wrong}");
        }
    }

    #[test]
    fn a_group_is_named_by_its_id_or_its_only_name() {
        let group = |id: &str, name: &str, sub_groups: Vec<Group>| Group {
            group_id: id.to_owned(),
            group_name: name.to_owned(),
            parent_group_id: None,
            sub_groups,
        };
        let groups = [
            group("1", "Home", vec![group("2", "Attic", Vec::new())]),
            group("3", "Office", vec![group("4", "Attic", Vec::new())]),
        ];
        assert_eq!(group_named("Home", &groups).unwrap(), "1");
        assert_eq!(group_named("4", &groups).unwrap(), "4");
        let twice = group_named("Attic", &groups).unwrap_err();
        assert_eq!(twice.id, ErrorId::UnknownGroup);
        assert_eq!(twice.hints.len(), 2);
        assert_eq!(group_named("Cellar", &groups).unwrap_err().hints.len(), 4);
    }
}
