//! A cloud that is not there: the account API of a classic RainMaker deployment on a loopback
//! port, which really checks tokens and signatures. Not a stand-in for its data: it forgets
//! everything when it ends.
//!
//! [`Cloud::meet`] is the whole of it without a socket: a [`Request`] comes in and a [`Delivery`]
//! goes out; [`listen`] brings them over HTTP. State machines ([`mapping`], [`challenge`],
//! [`account`]) take the time as a number. What is assumed about the real one, error codes above
//! all, stands in [`refusal`].

pub mod account;
mod challenge;
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

use std::time::Duration;

use serde_json::json;

use self::account::{AccountSettings, Accounts};
use self::challenge::Challenges;
use self::clock::Clock;
use self::exchange::{Answer, Body, Request};
use self::fault::{Fault, FaultKind, Faults};
use self::groups::Groups;
use self::log::{Entry, Log, redacted_body, redacted_query};
use self::mapping::Mappings;
use self::nodes::Nodes;
use self::refusal::Refusal;

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
    challenges: Challenges,
    faults: Faults,
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

/// Whose token a request had.
#[derive(Debug)]
struct Caller {
    user_id: String,
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
            challenges: Challenges::default(),
            faults: Faults::new(settings.faults),
            page_size: settings.page_size,
            challenge_life: settings.challenge_life,
            log,
        }
    }

    /// The user id of somebody who was there from the start.
    pub fn user_id(&self, name: &str) -> Option<&str> {
        self.accounts.named(name).map(|user| user.id.as_str())
    }

    /// The time of day by its clock, since 1970.
    fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Deals with one request, as a fault wants it.
    pub fn meet(&mut self, request: &Request) -> Delivery {
        self.note_timeouts(self.clock.now());
        let fault = self.faults.next(request);
        if let Some((number, kind)) = &fault {
            self.log.write(&Entry::Fault {
                path: request.path.clone(),
                kind: kind.to_string(),
                number: *number,
            });
        }
        // Before it is handled: it may be the last that is known of the user.
        let token = request.authorization.as_deref().unwrap_or_default();
        let holder = self.accounts.holder(token).map(|user| user.id.clone());
        let kind = fault.map(|(_, kind)| kind);
        let delivery = match &kind {
            None => Delivery::After(Duration::ZERO, self.answer(request)),
            Some(FaultKind::Close) => Delivery::Close,
            Some(FaultKind::Drop) => Delivery::Never,
            Some(FaultKind::Mute) => {
                self.answer(request);
                Delivery::Never
            }
            Some(FaultKind::Delay(wait)) => Delivery::After(*wait, self.answer(request)),
            Some(kind) => {
                let answer = kind.instead();
                let answer = answer.unwrap_or_else(|| kind.alter(self.answer(request)));
                Delivery::After(Duration::ZERO, answer)
            }
        };
        self.note(request, holder, &delivery);
        delivery
    }

    fn note(&mut self, request: &Request, user_id: Option<String>, delivery: &Delivery) {
        let answer = match delivery {
            Delivery::After(_, answer) => Some(answer),
            Delivery::Never | Delivery::Close => None,
        };
        let refused = answer.filter(|answer| answer.status >= 400);
        let refused = refused.and_then(|answer| match &answer.body {
            Body::Json(body) => ["description", "message", "error"]
                .iter()
                .find_map(|key| Some(body.get(key)?.as_str()?.to_owned())),
            _ => None,
        });
        self.log.write(&Entry::Request {
            method: request.method.clone(),
            path: request.path.clone(),
            query: redacted_query(request),
            user_id,
            body: redacted_body(request),
            status: answer.map(|answer| answer.status),
            refused,
        });
    }

    /// Takes down which requests of mappings have ended for lack of a message.
    fn note_timeouts(&mut self, now: Duration) {
        for (request_id, node_id) in self.mappings.expire(now) {
            self.log.write(&Entry::MappingTimedOut {
                request_id,
                node_id,
            });
        }
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let now = self.clock.now();
        let outcome = if let Some(call) = request.path.strip_prefix("/v1/") {
            self.call(now, call, request)
        } else if let Some(path) = request.path.strip_prefix("/emulator/") {
            self.control(now, path, request)
        } else {
            self.outside(now, request)
        };
        outcome.unwrap_or_else(Answer::from)
    }

    /// What is not below a version of the API.
    fn outside(&mut self, now: Duration, request: &Request) -> Result<Answer, Refusal> {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/apiversions") => Ok(Answer::of(json!({
                "supported_versions": ["v1"],
                "additional_info": [],
            }))),
            ("GET", "/mqtt_host") => Ok(Answer::of(json!({
                "mqtt_host": "mqtt.invalid",
                "mqtt_cred_host": "mqtt.invalid",
            }))),
            ("GET", "/login") => self.login_page(now, request),
            ("POST", "/token") => Ok(self.token(now, request)),
            _ => Ok(no_such_path()),
        }
    }

    /// A call of the API: a few without a token, the others with one.
    fn call(&mut self, now: Duration, call: &str, request: &Request) -> Result<Answer, Refusal> {
        match (request.method.as_str(), call) {
            ("POST", "login2") => return self.login2(now, request),
            ("POST", "user2") => return self.sign_up(request),
            ("PUT", "forgotpassword2") => return self.forgot_password(request),
            _ => {}
        }
        let header = request.authorization.as_deref();
        let caller = match self.accounts.authorised(now, header) {
            Ok((user_id, session)) => Caller { user_id, session },
            Err(why) => {
                self.log.write(&Entry::Unauthorized { why });
                return Ok(Answer::of_gateway(401, "Unauthorized"));
            }
        };
        let caller = &caller;
        match (request.method.as_str(), call) {
            ("POST", "logout2") => Ok(self.log_out(caller, request)),
            ("GET", "user" | "user2") => Ok(self.who_am_i(caller, request)),
            ("DELETE", "user2") => self.delete_user(caller, request),
            ("GET", "user/custom_data") => Ok(self.custom_data(caller)),
            ("PUT", "user/custom_data") => self.set_custom_data(caller, request),
            ("GET", "user/nodes") => self.list_nodes(caller, request),
            ("PUT", "user/nodes") => self.tag_node(caller, request),
            ("DELETE", "user/nodes") => self.untag_node(caller, request),
            ("GET", "user/nodes/config") => self.node_config(caller, request),
            ("GET", "user/nodes/status") => self.node_status(caller, request),
            ("GET", "user/nodes/params") => self.node_params(caller, request),
            ("PUT", "user/nodes/params") => self.set_params(caller, request),
            ("PUT", "user/nodes/mapping") => self.map_by_secret(now, caller, request),
            ("GET", "user/nodes/mapping") => self.poll_mapping(now, caller, request),
            ("POST", "user/nodes/mapping/initiate") => self.initiate(now, caller, request),
            ("POST", "user/nodes/mapping/verify") => self.verify(now, caller, request),
            ("GET", "user/node_group") => self.list_groups(caller, request),
            ("POST", "user/node_group") => self.create_group(caller, request),
            ("PUT", "user/node_group") => self.change_group(caller, request),
            ("DELETE", "user/node_group") => self.remove_group(caller, request),
            _ => Ok(no_such_path()),
        }
    }
}

fn no_such_path() -> Answer {
    Answer::of_gateway(404, "Not Found")
}

#[cfg(test)]
mod tests;
