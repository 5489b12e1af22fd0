//! A profile: its cloud and the settings of its login page; the built-in profiles and the rules for
//! names. `profiles.rs` reads and writes them.

use std::str::FromStr;

use derive_more::Display;
use serde_json::{Value, json};
use url::Url;

use super::base_url::parse_base_url;
use super::error::AccountError;
use super::files::Object;
use crate::cloud::Tokens;
use crate::ident::printable;

/// The validated name of a profile. It is part of a file name.
#[derive(Clone, Debug, Display, PartialEq, Eq)]
pub(crate) struct ProfileName(String);

impl ProfileName {
    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the profile is built in.
    pub(crate) fn is_built_in(&self) -> bool {
        BUILT_IN.contains(&self.as_str())
    }
}

impl FromStr for ProfileName {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, AccountError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '#');
        if text.is_empty() || text.len() > MAX_NAME_BYTES || !text.chars().all(fits) {
            return Err(AccountError::InvalidName);
        }
        Ok(Self(text.to_owned()))
    }
}

/// A named cloud.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    /// The profile's name.
    pub name: ProfileName,
    /// The description, for the user.
    pub description: String,
    /// The URL of the API; ends in `/v1/`.
    pub base_url: Url,
    /// Whether the profile is built in.
    pub is_built_in: bool,
    /// The settings of the browser login; `None` if the cloud has no login page.
    pub browser: Option<BrowserLogin>,
}

/// The settings of a login in the browser.
#[derive(Clone, Debug)]
pub(crate) struct BrowserLogin {
    /// The URL of the login page, without the port at its end.
    pub login_url: String,
    /// The URL that exchanges an authorization code for tokens.
    pub token_url: Url,
    /// The OAuth client id.
    pub client_id: String,
    /// The redirect URL that the authorization code was requested with.
    pub redirect_url: String,
    /// The authorization URL for the login page, without the port at its end.
    pub external_url: String,
}

impl Profile {
    /// Parses a profile of profiles.json. Built-in profiles have defaults for missing keys; custom
    /// profiles have none. The error names the problem.
    pub(super) fn from_keys(name: ProfileName, keys: &Object) -> Result<Self, String> {
        let is_built_in = name.is_built_in();
        let defaults = built_in_keys(name.as_str());
        let text = |key: &str| {
            let own = keys.get(key).and_then(Value::as_str);
            own.or_else(|| defaults.get(key).and_then(Value::as_str))
        };
        let host = text("host").ok_or_else(|| format!("lacks the host of the profile {name}"))?;
        let url = parse_base_url(host)
            .map_err(|error| format!("has an invalid host in profile {name}: it {error}"))?;
        Ok(Self {
            description: text("description").unwrap_or_default().to_owned(),
            base_url: url,
            is_built_in,
            browser: parse_browser_login(&text),
            name,
        })
    }

    /// The remark about tokens of another cloud than the profile's, if they are. Only the issuers of the
    /// built-in clouds are known.
    pub(crate) fn describe_foreign_issuer(&self, tokens: &Tokens) -> Option<String> {
        let issuer = tokens.issuer()?;
        let is_global = issuer.contains(GLOBAL_ISSUER);
        let may_be_its_issuer = match self.base_url.as_str() {
            GLOBAL_HOST => is_global,
            CHINA_HOST => !is_global,
            _ => true,
        };
        let (issuer, name) = (printable(issuer.as_bytes()), &self.name);
        (!may_be_its_issuer).then(|| {
            format!(
                "these tokens were issued by {issuer}, not by the cloud of the profile {name}, which \
                 will probably reject them"
            )
        })
    }

    /// `global` or `china` if the host is theirs, else the profile's name.
    pub(crate) fn region(&self) -> &str {
        let host = self.base_url.as_str();
        match HOSTS.iter().find(|(_, of_region)| *of_region == host) {
            Some((region, _)) => region,
            None => self.name.as_str(),
        }
    }
}

fn parse_browser_login<'a>(text: &impl Fn(&str) -> Option<&'a str>) -> Option<BrowserLogin> {
    let owned = |key| text(key).map(str::to_owned);
    Some(BrowserLogin {
        login_url: owned("login_url")?,
        token_url: text("token_url")?.parse().ok()?,
        client_id: owned("client_id")?,
        redirect_url: owned("redirect_url")?,
        external_url: owned("external_url").unwrap_or_default(),
    })
}

/// The keys of a custom profile, as esp-rainmaker-cli writes them.
pub(super) fn custom_keys(name: &ProfileName, base_url: &Url, description: Option<&str>) -> Value {
    json!({
        "name": name.as_str(),
        "description": description.map_or_else(|| format!("Custom profile: {name}"), str::to_owned),
        "host": base_url.as_str(),
        "builtin": false,
        "ui_login_supported": false,
        "node_cache_enabled": false,
    })
}

/// The keys of a built-in profile, as esp-rainmaker-cli writes them; empty for other names.
pub(super) fn built_in_keys(name: &str) -> Object {
    let keys = match name {
        GLOBAL => json!({
            "name": GLOBAL,
            "description": "Global ESP RainMaker (Rest of World)",
            "login_url": "https://rainmaker-signin-ui.s3.amazonaws.com/index.html?port=",
            "host": GLOBAL_HOST,
            "client_id": "1h7ujqjs8140n17v0ahb4n51m2",
            "token_url": "https://3pauth.rainmaker.espressif.com/oauth2/token",
            "redirect_url": "https://rainmaker-login-ui.s3.amazonaws.com/welcome.html",
            "external_url": GLOBAL_EXTERNAL,
            "claim_base_url": "https://esp-claiming.rainmaker.espressif.com/",
            "builtin": true,
            "ui_login_supported": true,
        }),
        CHINA => json!({
            "name": CHINA,
            "description": "China ESP RainMaker",
            "login_url": "http://login.rainmaker.espressif.com.cn?rm_cli=true&port=",
            "host": CHINA_HOST,
            "client_id": "6m3FgmvJSt4g6pDrHgfpYj",
            "token_url": "https://api2.rainmaker.espressif.com.cn/token",
            "redirect_url": "http://login.rainmaker.espressif.com.cn/welcome.html",
            "external_url": CHINA_EXTERNAL,
            "claim_base_url": "https://claiming.rainmaker.espressif.com.cn/",
            "builtin": true,
            "ui_login_supported": true,
        }),
        _ => Value::Null,
    };
    match keys {
        Value::Object(keys) => keys,
        _ => Object::new(),
    }
}

pub(super) const GLOBAL: &str = "global";
pub(super) const CHINA: &str = "china";
/// In the order of lists.
pub(super) const BUILT_IN: [&str; 2] = [GLOBAL, CHINA];
/// The hosts of the built-in profiles.
pub(super) const HOSTS: [(&str, &str); 2] = [(GLOBAL, GLOBAL_HOST), (CHINA, CHINA_HOST)];
/// The issuer of the user pool in its AWS region.
const GLOBAL_ISSUER: &str = "cognito-idp.us-east-1";
const GLOBAL_HOST: &str = "https://api.rainmaker.espressif.com/v1/";
const CHINA_HOST: &str = "https://api2.rainmaker.espressif.com.cn/v1/";
const GLOBAL_EXTERNAL: &str = "https://3pauth.rainmaker.espressif.com/oauth2/authorize?&redirect_uri=https://rainmaker-login-ui.s3.amazonaws.com/welcome.html&response_type=CODE&client_id=1h7ujqjs8140n17v0ahb4n51m2&scope=aws.cognito.signin.user.admin%20email%20openid%20phone%20profile&state=port:";
const CHINA_EXTERNAL: &str = "https://api2.rainmaker.espressif.com.cn/authorize?&client_id=6m3FgmvJSt4g6pDrHgfpYj&response_type=code&redirect_uri=http://login.rainmaker.espressif.com.cn/welcome.html&state=port:";
const MAX_NAME_BYTES: usize = 50;
