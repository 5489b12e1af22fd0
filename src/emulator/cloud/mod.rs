//! A cloud that is not there: the account API of a classic RainMaker deployment on a loopback
//! port, which really checks tokens and signatures. Not a stand-in for its data: it forgets
//! everything when it ends.
//!
//! [`Cloud::handle`] is the whole of it without a socket: a [`Request`] comes in and a [`Delivery`]
//! goes out; [`listen`] brings them over HTTP. State machines ([`mapping`], [`account`])
//! take the time as a number. What is assumed about the real cloud, above all its
//! error codes, is in [`refusal`].

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

use std::time::Duration;

use serde_json::json;

use self::account::{AccountSettings, Accounts, User};
use self::clock::Clock;
use self::exchange::{Answer, Body, Outcome, Request};
use self::fault::{Fault, FaultKind};
use self::groups::Groups;
use self::log::{Entry, redacted_body, redacted_pairs};
use self::mapping::{Challenge, Mappings};
use self::nodes::Nodes;
use self::ticket::Tickets;
use super::fault::Faults;
use super::log::Log;

/// What kind of cloud to play.
#[derive(Debug)]
pub struct CloudSettings {
    /// Who has an account, and how they log in.
    pub accounts: AccountSettings,
    /// How many nodes or groups a page holds at most.
    pub page_size: usize,
    /// How long a request of a mapping and a node's message wait for each other.
    pub mapping_wait: Duration,
    /// How long a challenge counts when a client does not say.
    pub challenge_life: Duration,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

/// One emulated cloud.
#[derive(Debug)]
pub struct Cloud {
    clock: Clock,
    accounts: Accounts,
    nodes: Nodes,
    groups: Groups,
    mappings: Mappings,
    challenges: Tickets<Challenge>,
    faults: Faults<FaultKind>,
    page_size: usize,
    challenge_life: Duration,
    log: Log,
}

/// How an answer gets to whoever asked, if it does.
#[derive(Clone, Debug, PartialEq)]
pub enum Delivery {
    /// After that time.
    After(Duration, Answer),
    /// Never, and the connection stays.
    Never,
    /// Never, and the connection goes.
    Close,
}

/// A request with a good token, and whose it is.
#[derive(Debug)]
struct Call<'a> {
    request: &'a Request,
    user: User,
    session: String,
}

impl Cloud {
    /// One without nodes.
    pub fn new(settings: CloudSettings, log: Log) -> Self {
        Self {
            clock: Clock::new(),
            accounts: Accounts::new(settings.accounts),
            nodes: Nodes::default(),
            groups: Groups::default(),
            mappings: Mappings::new(settings.mapping_wait),
            challenges: Tickets::default(),
            faults: Faults::new(settings.faults),
            page_size: settings.page_size,
            challenge_life: settings.challenge_life,
            log,
        }
    }

    /// The user id of a user who is there from the start.
    pub fn user_id(&self, name: &str) -> Option<&str> {
        self.accounts.named(name).map(|user| user.id.as_str())
    }

    /// Handles one request, as a fault wants it.
    pub fn handle(&mut self, request: &Request) -> Delivery {
        self.note_timeouts();
        let fault = self.faults.next_call(&request.method, &request.path);
        if let Some((number, kind)) = &fault {
            self.log.write(&Entry::Fault {
                path: &request.path,
                kind: &kind.to_string(),
                number: *number,
            });
        }
        // Before it is handled: the request may remove the user.
        let token = request.authorization.as_deref().unwrap_or_default();
        let holder = self.accounts.holder(token).map(|user| user.id.clone());
        let delivery = match fault.map(|(_, kind)| kind) {
            None => Delivery::After(Duration::ZERO, self.answer(request)),
            Some(FaultKind::Close) => Delivery::Close,
            Some(FaultKind::Drop) => Delivery::Never,
            Some(FaultKind::Mute) => {
                self.answer(request);
                Delivery::Never
            }
            Some(FaultKind::Delay(wait)) => Delivery::After(wait, self.answer(request)),
            Some(kind) => {
                let instead = kind.instead();
                let answer = instead.unwrap_or_else(|| kind.alter(self.answer(request)));
                Delivery::After(Duration::ZERO, answer)
            }
        };
        self.note(request, holder.as_deref(), &delivery);
        delivery
    }

    fn note(&mut self, request: &Request, user_id: Option<&str>, delivery: &Delivery) {
        let answer = match delivery {
            Delivery::After(_, answer) => Some(answer),
            Delivery::Never | Delivery::Close => None,
        };
        let refused = answer.filter(|answer| answer.status >= 400);
        let refused = refused.and_then(|answer| match &answer.body {
            Body::Json(body) => ["description", "message", "error"]
                .iter()
                .find_map(|key| body.get(key)?.as_str()),
            _ => None,
        });
        self.log.write(&Entry::Request {
            method: &request.method,
            path: &request.path,
            query: redacted_pairs(&request.query),
            user_id,
            body: redacted_body(request),
            status: answer.map(|answer| answer.status),
            refused,
        });
    }

    /// Logs which requests of mappings have ended for lack of a message.
    fn note_timeouts(&mut self) {
        for (request_id, node_id) in self.mappings.expire(self.clock.now()) {
            self.log.write(&Entry::MappingTimedOut {
                request_id: &request_id,
                node_id: &node_id,
            });
        }
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let outcome = if let Some(path) = request.path.strip_prefix("/v1/") {
            self.answer_call(path, request)
        } else if let Some(path) = request.path.strip_prefix("/emulator/") {
            self.control(path, request)
        } else {
            self.answer_outside(request)
        };
        outcome.unwrap_or_else(Answer::from)
    }

    /// What is not below a version of the API.
    fn answer_outside(&mut self, request: &Request) -> Outcome {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/apiversions") => Ok(Answer::of(json!({
                "supported_versions": ["v1"],
                "additional_info": [],
            }))),
            ("GET", "/mqtt_host") => Ok(Answer::of(json!({
                "mqtt_host": "mqtt.invalid",
                "mqtt_cred_host": "mqtt.invalid",
            }))),
            ("GET", "/login") => self.login_page(request),
            ("POST", "/token") => Ok(self.token(request)),
            _ => Ok(Answer::not_found()),
        }
    }

    /// A call of the API: a few without a token, the others with one.
    fn answer_call(&mut self, path: &str, request: &Request) -> Outcome {
        let method = request.method.as_str();
        match (method, path) {
            ("POST", "login2") => return self.login2(request),
            ("POST", "user2") => return self.sign_up(request),
            ("PUT", "forgotpassword2") => return self.forgot_password(request),
            _ => {}
        }
        let header = request.authorization.as_deref();
        let (user, session) = match self.accounts.authorized(self.clock.now(), header) {
            Ok(caller) => caller,
            Err(why) => {
                self.log.write(&Entry::Unauthorized { why });
                return Ok(Answer::unauthorized());
            }
        };
        let call = &Call {
            request,
            user,
            session,
        };
        match (method, path) {
            ("POST", "logout2") => Ok(self.log_out(call)),
            ("GET", "user" | "user2") => Ok(self.user_info(call)),
            ("DELETE", "user2") => self.delete_user(call),
            ("GET", "user/custom_data") => Ok(Answer::of(call.user.custom_data.clone())),
            ("PUT", "user/custom_data") => self.set_custom_data(call),
            ("GET", "user/nodes") => self.list_nodes(call),
            ("PUT", "user/nodes") => self.tag_node(call),
            ("DELETE", "user/nodes") => self.untag_node(call),
            ("GET", "user/nodes/config") => self.node_config(call),
            ("GET", "user/nodes/status") => self.node_status(call),
            ("GET", "user/nodes/params") => self.node_params(call),
            ("PUT", "user/nodes/params") => self.set_params(call),
            ("PUT", "user/nodes/mapping") => self.map_by(call, Self::change_mapping),
            ("GET", "user/nodes/mapping") => self.poll_mapping(call),
            ("POST", "user/nodes/mapping/initiate") => self.initiate(call),
            ("POST", "user/nodes/mapping/verify") => self.map_by(call, Self::verify),
            ("GET", "user/node_group") => self.list_groups(call),
            ("POST", "user/node_group") => self.create_group(call),
            ("PUT", "user/node_group") => self.change_group(call),
            ("DELETE", "user/node_group") => self.remove_group(call),
            _ => Ok(Answer::not_found()),
        }
    }
}

#[cfg(test)]
mod tests;
