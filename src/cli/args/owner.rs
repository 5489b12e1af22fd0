//! The flags of a device's owner, and of the data that go to the account with the device. They are
//! checked before anything is sent to the device.

use std::sync::Arc;

use clap::Args;
use clap::builder::FalseyValueParser;
use serde_json::{Map, Value};

use crate::cli::args::account::{ACCOUNT, AccountArgs, describe_save_error};
use crate::cli::args::environment::cloud_failure;
use crate::cli::args::inputs::{Inputs, exclude_each_other, flag_of};
use crate::cli::args::public_text::PublicText;
use crate::cloud::groups::Group;
use crate::cloud::mapping::Extras;
use crate::flows::OwnerRequest;
use crate::ident::printable;
use crate::report::{ErrorId, Failure, remedies};
use crate::transport::Medium;

/// The owner of the device.
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
    /// The account with its data; `None` if the device gets no owner.
    pub(in crate::cli) async fn resolve(
        &self,
        medium: &Medium,
        inputs: &Inputs<'_>,
    ) -> Result<Option<OwnerRequest>, Failure> {
        let tags = self.tags.as_deref().map(parse_tags).transpose()?;
        let metadata = self.metadata.as_deref().map(parse_metadata).transpose()?;
        if self.no_cloud {
            return Self::refuse_account_flags(inputs).map(|()| None);
        }
        let client = self
            .account
            .open()
            .await
            .map_err(|failure| match failure.id {
                ErrorId::LoginRequired if !medium.has_network_already => {
                    failure.remedy(&remedies::NO_CLOUD)
                }
                _ => failure,
            })?;
        let group_id = match &self.group {
            None => None,
            Some(name) => {
                let groups = client.list_groups().await;
                let group = groups
                    .map_err(|error| cloud_failure(&error, "looking up --group"))
                    .and_then(|groups| find_group(name, &groups));
                // A run that goes on reports this at its end.
                Some(group.map_err(|failure| match describe_save_error(&client) {
                    Some(error) => failure.hint(error),
                    None => failure,
                })?)
            }
        };
        Ok(Some(OwnerRequest {
            cloud: Arc::new(client),
            extras: Extras {
                tags: tags.unwrap_or_default(),
                metadata,
                group_id,
            },
            disable: match (self.disable_chal_resp, self.no_disable_chal_resp) {
                (false, false) => medium.has_network_already,
                (is_disabled, _) => is_disabled,
            },
        }))
    }

    /// Refuses typed flags that need an account, even if a variable excludes the account.
    fn refuse_account_flags(inputs: &Inputs<'_>) -> Result<(), Failure> {
        let Some(id) = ACCOUNT_FLAGS.iter().find(|id| inputs.is_typed(id)) else {
            return Ok(());
        };
        let no_cloud = inputs.switch("no_cloud", NO_CLOUD);
        let failure = exclude_each_other(&no_cloud, &flag_of(id));
        Err(if no_cloud == NO_CLOUD {
            failure.hint(format!(
                "set `{NO_CLOUD}=0` in front of the command to use the account"
            ))
        } else {
            failure
        })
    }
}

/// Parses `a:b,c:d`. The cloud rejects a tag without a colon, and a tag cannot contain a comma.
fn parse_tags(text: &str) -> Result<Vec<String>, Failure> {
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

fn parse_metadata(text: &str) -> Result<Map<String, Value>, Failure> {
    let invalid =
        |what: String| Failure::new(ErrorId::InvalidMetadata, format!("--metadata: {what}"));
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(invalid("not a JSON object".to_owned())),
        Err(error) => Err(invalid(format!("not JSON: {error}"))),
    }
}

/// Finds the id of a group by its id or by its name.
fn find_group(id_or_name: &str, groups: &[Group]) -> Result<String, Failure> {
    let mut all = Vec::new();
    let mut next: Vec<&Group> = groups.iter().rev().collect();
    while let Some(group) = next.pop() {
        all.push(group);
        next.extend(group.sub_groups.iter().rev());
    }
    if let Some(group) = all.iter().find(|group| group.group_id == id_or_name) {
        return Ok(group.group_id.clone());
    }
    let named: Vec<_> = all
        .iter()
        .filter(|group| group.group_name == id_or_name)
        .collect();
    if let [only] = named[..] {
        return Ok(only.group_id.clone());
    }
    let shown = printable(id_or_name.as_bytes());
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
        .take(MAX_LISTED_GROUPS)
        .fold(failure, |failure, group| {
            let name = printable(group.group_name.as_bytes());
            let id = printable(group.group_id.as_bytes());
            failure.hint(format!("the account has {name} ({id})"))
        }))
}

const NO_CLOUD: &str = "ESPCTL_NO_CLOUD";
/// clap's ids of the flags that need an account.
const ACCOUNT_FLAGS: [&str; 9] = [
    "tags",
    "metadata",
    "group",
    "disable_chal_resp",
    "no_disable_chal_resp",
    "profile",
    "ca_cert",
    "allow_plain_http",
    "cloud_timeout",
];
/// Groups in the hints of an error.
const MAX_LISTED_GROUPS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_a_key_and_a_value() {
        assert_eq!(
            parse_tags("esp.location:office, a:b:c").unwrap(),
            ["esp.location:office", "a:b:c"]
        );
        for wrong in ["", "office", "a:b,", ":b", "a:", "a:b,c"] {
            assert_eq!(
                parse_tags(wrong).unwrap_err().id,
                ErrorId::InvalidTags,
                "{wrong}"
            );
        }
    }

    #[test]
    fn metadata_is_an_object() {
        assert_eq!(parse_metadata(r#"{"a":1}"#).unwrap().len(), 1);
        for wrong in ["", "[]", "1", "{", r#""a""#, "{'a':1}"] {
            let error = parse_metadata(wrong).unwrap_err();
            assert_eq!(error.id, ErrorId::InvalidMetadata, "{wrong}");
        }
    }

    #[test]
    fn group_is_found_by_id_or_unique_name() {
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
        assert_eq!(find_group("Home", &groups).unwrap(), "1");
        assert_eq!(find_group("4", &groups).unwrap(), "4");
        let twice = find_group("Attic", &groups).unwrap_err();
        assert_eq!(twice.id, ErrorId::UnknownGroup);
        assert_eq!(twice.hints.len(), 2);
        assert_eq!(find_group("Cellar", &groups).unwrap_err().hints.len(), 4);
    }
}
