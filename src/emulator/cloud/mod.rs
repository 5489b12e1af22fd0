//! An emulated cloud: the account API of a classic RainMaker deployment on a loopback port, which checks
//! tokens and signatures. It loses all data when it ends.
//!
//! [`Cloud::handle`] is the whole cloud without a socket: it turns a [`Request`] into a [`Delivery`];
//! [`listen`] connects it to HTTP. State machines ([`mapping`], [`account`]) receive the time as a number.
//! [`refusal`] lists the assumptions about the real cloud, above all its error codes.

pub mod account;
mod clock;
mod control;
pub mod exchange;
mod extras;
pub mod fault;
mod group_calls;
mod groups;
pub mod jwt;
pub mod listen;
pub mod log;
mod login;
mod mapping;
mod mapping_calls;
mod node_calls;
mod nodes;
mod paging;
pub mod random;
mod refusal;
mod signature;
mod ticket;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use self::account::{AccountSettings, Accounts, User};
use self::clock::Clock;
use self::exchange::{ApiAnswer, ApiResult, Body, Delivery, Request};
use self::fault::{CloudFault, CloudFaultKind};
use self::groups::Groups;
use self::log::{CloudEvent, redact_body, redact_pairs};
use self::mapping::{Challenge, Mappings};
use self::nodes::Nodes;
use self::ticket::Tickets;
use super::fault::Faults;
use super::log::Log;

/// The settings of a cloud, which are also its flags.
#[derive(clap::Args, Clone, Debug)]
pub struct CloudSettings {
    /// The users, and how they log in.
    #[command(flatten)]
    pub accounts: AccountSettings,

    /// How many nodes or groups a page of a list holds at most.
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..))]
    pub page_size: u16,

    /// How long a mapping by secret key waits for the node, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub mapping_timeout: u64,

    /// How long a challenge is valid if the client sets no time, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub challenge_life: u64,

    /// What goes wrong with the N-th request to a path, or with its answer, as in
    /// user/nodes/mapping/initiate:1:drop; N is * for every one, and so is the path; a method may
    /// come before it, as in "GET user/nodes:2:html"; can be given again. Kinds: close, delay=MS,
    /// drop, error-code-string, failure-200, html, malformed, mute, no-challenge, not-found,
    /// request-status=TEXT, status=NNN, unauthorized.
    #[arg(long = "fault", value_name = "PATH:N:KIND")]
    pub faults: Vec<CloudFault>,
}

/// An emulated cloud.
#[derive(Debug)]
pub struct Cloud {
    clock: Clock,
    accounts: Accounts,
    nodes: Nodes,
    /// By user id.
    groups: BTreeMap<String, Groups>,
    mappings: Mappings,
    challenges: Tickets<Challenge>,
    faults: Faults<CloudFaultKind>,
    page_size: usize,
    challenge_life: Duration,
    log: Log,
}

/// A request with a valid token, and its user.
#[derive(Debug)]
struct Call<'a> {
    request: &'a Request,
    user: User,
    session: String,
}

impl Cloud {
    /// Creates a cloud without nodes.
    pub fn new(settings: CloudSettings, log: Log) -> Self {
        Self {
            clock: Clock::new(),
            accounts: Accounts::new(settings.accounts),
            nodes: Nodes::default(),
            groups: BTreeMap::new(),
            mappings: Mappings::new(Duration::from_secs(settings.mapping_timeout)),
            challenges: Tickets::default(),
            faults: Faults::new(settings.faults),
            page_size: settings.page_size.into(),
            challenge_life: Duration::from_secs(settings.challenge_life),
            log,
        }
    }

    /// The id of an initial user.
    pub fn user_id(&self, name: &str) -> Option<&str> {
        let user = self.accounts.find_by_name(name)?;
        Some(&user.id)
    }

    /// Handles a request, with the fault that it meets.
    pub fn handle(&mut self, request: &Request) -> Delivery {
        self.log_timeouts();
        let fault = self.faults.next_call(&request.method, &request.path);
        if let Some((number, kind)) = &fault {
            self.log.write(&CloudEvent::Fault {
                path: &request.path,
                kind: &kind.to_string(),
                number: *number,
            });
        }
        // Before handling: the request may remove the user.
        let token = request.authorization.as_deref().unwrap_or_default();
        let user = self.accounts.find_by_token(token);
        let user_id = user.map(|user| user.id.clone());
        let delivery = match fault {
            None => Delivery::at_once(self.answer(request)),
            Some((_, kind)) => kind.apply(|| self.answer(request)),
        };
        self.log_request(request, user_id.as_deref(), &delivery);
        delivery
    }

    fn log_request(&mut self, request: &Request, user_id: Option<&str>, delivery: &Delivery) {
        let (status, body) = match delivery {
            Delivery::After(_, answer) => (Some(answer.status), Some(&answer.body)),
            Delivery::Never | Delivery::Close => (None, None),
        };
        let refused = match body {
            Some(Body::Json(body)) if status >= Some(400) => ["description", "message", "error"]
                .iter()
                .find_map(|key| body.get(key)?.as_str()),
            _ => None,
        };
        self.log.write(&CloudEvent::Request {
            method: &request.method,
            path: &request.path,
            query: redact_pairs(&request.query),
            user_id,
            body: redact_body(request),
            status,
            refused,
        });
    }

    /// Logs the mapping requests that have ended without a message.
    fn log_timeouts(&mut self) {
        for (request_id, node_id) in self.mappings.expire(self.clock.now()) {
            self.log.write(&CloudEvent::MappingTimedOut {
                request_id: &request_id,
                node_id: &node_id,
            });
        }
    }

    fn answer(&mut self, request: &Request) -> ApiAnswer {
        let outcome = match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/apiversions") => Ok(ApiAnswer::ok(
                json!({"supported_versions": ["v1"], "additional_info": []}),
            )),
            ("GET", "/mqtt_host") => Ok(ApiAnswer::ok(
                json!({"mqtt_host": "mqtt.invalid", "mqtt_cred_host": "mqtt.invalid"}),
            )),
            ("GET", "/login") => self.redirect_login_page(request),
            ("POST", "/token") => Ok(self.exchange_code(request)),
            ("POST", "/v1/login2") => self.log_in(request),
            ("POST", "/v1/user2") => self.sign_up(request),
            ("PUT", "/v1/forgotpassword2") => self.reset_password(request),
            (_, path) => {
                if let Some(path) = path.strip_prefix("/v1/") {
                    self.answer_user(path, request)
                } else if let Some(path) = path.strip_prefix("/emulator/") {
                    self.handle_control(path, request)
                } else {
                    Ok(ApiAnswer::not_found())
                }
            }
        };
        outcome.unwrap_or_else(ApiAnswer::from)
    }

    /// Answers a call that requires a token.
    fn answer_user(&mut self, path: &str, request: &Request) -> ApiResult {
        let header = request.authorization.as_deref();
        let (user, session) = match self.accounts.authorize(self.clock.now(), header) {
            Ok(caller) => caller,
            Err(why) => {
                self.log.write(&CloudEvent::Unauthorized { why });
                return Ok(ApiAnswer::unauthorized());
            }
        };
        let call = &Call {
            request,
            user,
            session,
        };
        match (request.method.as_str(), path) {
            ("POST", "logout2") => Ok(self.log_out(call)),
            ("GET", "user" | "user2") => Ok(self.describe_user(call)),
            ("DELETE", "user2") => self.delete_user(call),
            ("GET", "user/custom_data") => Ok(ApiAnswer::ok(call.user.custom_data.clone())),
            ("PUT", "user/custom_data") => self.set_custom_data(call),
            ("GET", "user/nodes") => self.list_nodes(call),
            ("PUT", "user/nodes") => self.tag_node(call),
            ("DELETE", "user/nodes") => self.untag_node(call),
            ("GET", "user/nodes/config") => self.read_node_config(call),
            ("GET", "user/nodes/status") => self.read_node_status(call),
            ("GET", "user/nodes/params") => self.read_node_params(call),
            ("PUT", "user/nodes/params") => self.set_params(call),
            ("PUT", "user/nodes/mapping") => self.log_refused_mapping(call, Self::change_mapping),
            ("GET", "user/nodes/mapping") => self.poll_mapping(call),
            ("POST", "user/nodes/mapping/initiate") => self.initiate_mapping(call),
            ("POST", "user/nodes/mapping/verify") => {
                self.log_refused_mapping(call, Self::verify_mapping)
            }
            ("GET", "user/node_group") => self.list_groups(call),
            ("POST", "user/node_group") => self.create_group(call),
            ("PUT", "user/node_group") => self.change_group(call),
            ("DELETE", "user/node_group") => self.remove_group(call),
            _ => Ok(ApiAnswer::not_found()),
        }
    }
}

#[cfg(test)]
mod tests;
