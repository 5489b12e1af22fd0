//! Tests of the cloud as a whole, without a socket: both mapping flows, lists, values, groups.

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::{EncodePublicKey as _, LineEnding};
use serde_json::{Value, json};

use super::account::AccountSettings;
use super::*;
use crate::secret::Secret;

/// A cloud with the users ann and bob, both logged in.
struct Bench {
    cloud: Cloud,
    ann: String,
    bob: String,
}

fn bench(faults: &[&str]) -> Bench {
    let user = |name: &str| (name.to_owned(), Secret::new("right".to_owned()));
    let settings = CloudSettings {
        accounts: AccountSettings {
            users: ["ann", "bob"].map(user).to_vec(),
            otp: None,
            access_life: 3600,
            rotate_refresh: false,
            base64url_claims: false,
        },
        page_size: 25,
        mapping_timeout: 60,
        challenge_life: 300,
        faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
    };
    let mut cloud = Cloud::new(settings, Log::default());
    let [ann, bob] = ["ann", "bob"].map(|name| {
        let body = json!({"user_name": name, "password": "right"});
        let (_, answer) = call(&mut cloud, "", "POST /v1/login2", &body);
        answer["accesstoken"].as_str().unwrap().to_owned()
    });
    Bench { cloud, ann, bob }
}

/// Status and body; `line` is method and target.
fn call(cloud: &mut Cloud, token: &str, line: &str, body: &Value) -> (u16, Value) {
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: Request::parse_parameters(query.as_bytes()),
        authorization: (!token.is_empty()).then(|| token.to_owned()),
        body: match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        },
    };
    match cloud.handle(&request) {
        Delivery::After(_, answer) => match answer.body {
            Body::Json(body) => (answer.status, body),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

impl Bench {
    fn ann(&mut self, line: &str, body: &Value) -> (u16, Value) {
        call(&mut self.cloud, &self.ann, &format_line(line), body)
    }

    fn bob(&mut self, line: &str, body: &Value) -> (u16, Value) {
        call(&mut self.cloud, &self.bob, &format_line(line), body)
    }

    fn control(&mut self, line: &str, body: &Value) -> u16 {
        call(&mut self.cloud, "", line, body).0
    }

    /// Registers a node, and gives what it signs with.
    fn node(&mut self, id: &str) -> SigningKey {
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        let public = p256::PublicKey::from(key.verifying_key());
        let pem = public.to_public_key_pem(LineEnding::LF).unwrap();
        let config = json!({"node_id": id, "info": {"name": "Lamp"}});
        let body = json!({"public_keys": [pem], "config": config});
        assert_eq!(
            self.control(&format!("PUT /emulator/nodes/{id}"), &body),
            200
        );
        key
    }

    /// A challenge of ann's, and the answer of a node to it.
    fn challenge(&mut self, key: &SigningKey, node_id: &str) -> Value {
        let (status, answer) =
            self.ann("POST user/nodes/mapping/initiate", &json!({"timeout": 60}));
        assert_eq!(status, 200);
        let text = answer["challenge"].as_str().unwrap();
        let signature: Signature = key.sign(text.as_bytes());
        json!({
            "request_id": answer["request_id"],
            "node_id": node_id,
            "challenge_response": hex::encode(signature.to_der().as_bytes()),
        })
    }

    fn verify(&mut self, body: &Value) -> u16 {
        self.ann("POST user/nodes/mapping/verify", body).0
    }

    fn nodes_of_ann(&mut self) -> Value {
        self.ann("GET user/nodes", &Value::Null).1["nodes"].clone()
    }

    /// Puts a node into ann's account.
    fn map(&mut self, id: &str) {
        let key = self.node(id);
        let body = self.challenge(&key, id);
        assert_eq!(self.verify(&body), 200);
    }
}

fn format_line(line: &str) -> String {
    line.replacen(' ', " /v1/", 1)
}

#[test]
fn valid_signature_maps_once() {
    let mut bench = bench(&[]);
    let key = bench.node("n1");
    let mut body = bench.challenge(&key, "n1");
    let upper = body["challenge_response"].as_str().unwrap().to_uppercase();
    body["challenge_response"] = json!(upper);
    assert_eq!(bench.verify(&body), 200);
    assert_eq!(bench.verify(&body), 400, "a replay");
    assert_eq!(bench.nodes_of_ann(), json!(["n1"]));
    let again = bench.challenge(&key, "n1");
    assert_eq!(bench.verify(&again), 200, "mapped already is no harm");
}

#[test]
fn only_wrong_signature_uses_up_challenge() {
    let mut bench = bench(&[]);
    let key = bench.node("n1");
    bench.node("n2");
    let good = bench.challenge(&key, "n1");
    let changed = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for body in [
        changed("node_id", json!("unknown")),
        changed("node_id", Value::Null),
        changed("challenge_response", json!("zz")),
        changed("challenge_response", json!("abc")),
        changed("tags", json!(["none"])),
        changed("metadata", json!("text")),
    ] {
        assert_eq!(bench.verify(&body), 400, "{body}");
    }
    let (status, answer) = bench.bob("POST user/nodes/mapping/verify", &good);
    assert_eq!((status, &answer["status"]), (401, &json!("failure")));
    let bad = changed("challenge_response", json!("3006020101020101"));
    assert_eq!(bench.verify(&bad), 401);
    assert_eq!(bench.verify(&good), 400, "it is burnt");
    assert_eq!(bench.nodes_of_ann(), json!([]));
}

#[test]
fn refuses_expired_challenge() {
    let mut bench = bench(&[]);
    let key = bench.node("n1");
    let body = bench.challenge(&key, "n1");
    bench.control("POST /emulator/clock", &json!({"advance_s": 61}));
    assert_eq!(bench.verify(&body), 400);
}

#[test]
fn refuses_node_without_key() {
    let mut bench = bench(&[]);
    let key = bench.node("n1");
    let empty = json!({"public_keys": [], "config": {}});
    assert_eq!(bench.control("PUT /emulator/nodes/n1", &empty), 200);
    let body = bench.challenge(&key, "n1");
    assert_eq!(bench.verify(&body), 401);
}

#[test]
fn secret_key_mapping_waits_for_node_message() {
    let mut bench = bench(&[]);
    bench.node("n1");
    let id = bench.cloud.user_id("ann").unwrap().to_owned();
    let ask = json!({
        "user_id": "not-ann", "node_id": "n1", "secret_key": "s", "operation": "add",
        "tags": ["a:b"], "metadata": {"k": 1},
    });
    let message = json!({"node_id": "n1", "user_id": id, "secret_key": "s"});
    let poll = |bench: &mut Bench, request_id: &Value| {
        let request_id = request_id.as_str().unwrap();
        let line = format!("GET user/nodes/mapping?&request_id={request_id}&user_request=true");
        let answer = bench.ann(&line, &Value::Null).1;
        answer["request_status"].as_str().unwrap().to_owned()
    };
    let first = bench.ann("PUT user/nodes/mapping", &ask).1["request_id"].clone();
    assert_eq!(poll(&mut bench, &first), "requested");
    let second = bench.ann("PUT user/nodes/mapping", &ask).1["request_id"].clone();
    assert_eq!(poll(&mut bench, &first), "discarded");
    bench.control("POST /emulator/clock", &json!({"advance_s": 60}));
    assert_eq!(poll(&mut bench, &second), "timedout");
    assert_eq!(bench.nodes_of_ann(), json!([]));
    let answer = bench.control("POST /emulator/nodes/n1/user_mapping", &message);
    assert_eq!(answer, 200);
    let third = bench.ann("PUT user/nodes/mapping", &ask).1["request_id"].clone();
    assert_eq!(poll(&mut bench, &third), "confirmed");
    let listed = bench
        .ann("GET user/nodes?node_details=true", &Value::Null)
        .1;
    let node = &listed["node_details"][0];
    assert_eq!(
        (&node["tags"], &node["metadata"]),
        (&json!(["a:b"]), &json!({"k": 1}))
    );
    assert_eq!(node["config"]["info"]["name"], "Lamp");
}

#[test]
fn node_reset_ends_mappings() {
    let mut bench = bench(&[]);
    bench.map("n1");
    let [ann, bob] = ["ann", "bob"].map(|name| bench.cloud.user_id(name).unwrap().to_owned());
    let word =
        |user: &str| json!({"node_id": "n1", "user_id": user, "secret_key": "s", "reset": true});
    let line = "POST /emulator/nodes/n1/user_mapping";
    assert_eq!(bench.control(line, &word(&ann)), 200);
    assert_eq!(bench.nodes_of_ann(), json!(["n1"]), "all others were to go");
    assert_eq!(bench.control(line, &word(&bob)), 200);
    assert_eq!(bench.nodes_of_ann(), json!([]));
    bench.map("n1");
    assert_eq!(bench.control(line, &word("esp-rmaker")), 200);
    assert_eq!(bench.nodes_of_ann(), json!([]));
    assert_eq!(
        bench.control("POST /emulator/nodes/n9/user_mapping", &word(&ann)),
        400
    );
}

#[test]
fn failed_group_keeps_mapping() {
    let mut bench = bench(&["user/nodes/mapping/verify:1:error-code-string"]);
    let key = bench.node("n1");
    for code in [json!("103035"), json!(103_035)] {
        let mut body = bench.challenge(&key, "n1");
        body["group_id"] = json!("nothing");
        let (status, answer) = bench.ann("POST user/nodes/mapping/verify", &body);
        assert_eq!((status, &answer["error_code"]), (400, &code));
        assert_eq!(bench.nodes_of_ann(), json!(["n1"]));
    }
    let group = bench
        .ann("POST user/node_group", &json!({"group_name": "home"}))
        .1;
    let mut body = bench.challenge(&key, "n1");
    body["group_id"] = group["group_id"].clone();
    assert_eq!(bench.verify(&body), 200);
    let groups = bench
        .ann("GET user/node_group?node_list=true", &Value::Null)
        .1;
    assert_eq!(groups["groups"][0]["nodes"], json!(["n1"]));
}

#[test]
fn groups_of_another_user_are_unknown() {
    let mut bench = bench(&[]);
    let home = json!({"group_name": "home"});
    let group = bench.ann("POST user/node_group", &home).1;
    let target = format!(
        "user/node_group?group_id={}",
        group["group_id"].as_str().unwrap()
    );
    for method in ["GET", "PUT", "DELETE"] {
        let (status, answer) = bench.bob(&format!("{method} {target}"), &home);
        assert_eq!(
            (status, &answer["error_code"]),
            (400, &json!(108_901)),
            "{method}"
        );
    }
    assert_eq!(
        bench.bob("POST user/node_group", &home).0,
        200,
        "a name of ann's"
    );
    let inside = json!({"group_name": "hall", "parent_group_id": group["group_id"]});
    assert_eq!(bench.bob("POST user/node_group", &inside).0, 400);
    assert_eq!(bench.ann(&format!("GET {target}"), &Value::Null).0, 200);
}

#[test]
fn node_can_be_unmapped_once() {
    let mut bench = bench(&[]);
    bench.map("n1");
    let remove = json!({"node_id": "n1", "secret_key": "", "operation": "remove"});
    assert_eq!(bench.bob("PUT user/nodes/mapping", &remove).0, 400);
    let (status, answer) = bench.ann("PUT user/nodes/mapping", &remove);
    assert_eq!((status, &answer["status"]), (200, &json!("success")));
    assert_eq!(bench.ann("PUT user/nodes/mapping", &remove).0, 400);
}

#[test]
fn set_params_reports_each_node() {
    let mut bench = bench(&[]);
    bench.map("n1");
    let change = json!([
        {"node_id": "n1", "payload": {"Time": {"TZ": "Asia/Kolkata"}}},
        {"node_id": "n2", "payload": {}},
        {"node_id": "n1", "payload": 1},
        7,
    ]);
    let (status, answer) = bench.ann("PUT user/nodes/params", &change);
    let answer = answer.as_array().unwrap();
    let statuses: Vec<_> = answer
        .iter()
        .map(|it| it["status"].as_str().unwrap())
        .collect();
    let expected = ["success", "failure", "failure", "failure"];
    assert_eq!((status, &statuses[..]), (207, &expected[..]));
    let single = json!({"Light": {"Power": true}});
    assert_eq!(
        bench.ann("PUT user/nodes/params?node_id=n1", &single).0,
        200
    );
    let params = bench.ann("GET user/nodes/params?nodeid=n1", &Value::Null).1;
    assert_eq!(
        params,
        json!({"Time": {"TZ": "Asia/Kolkata"}, "Light": {"Power": true}})
    );
    assert_eq!(
        bench
            .bob("GET user/nodes/params?node_id=n1", &Value::Null)
            .0,
        400
    );
}

#[test]
fn lists_tags_metadata_and_connectivity() {
    let mut bench = bench(&[]);
    bench.map("n1");
    let (status, answer) = bench.ann("PUT user/nodes?node_id=n1", &json!({"tags": ["a:b", "c"]}));
    assert_eq!((status, &answer["error_code"]), (400, &json!(105_046)));
    let change = json!({"tags": ["a:b", "c:d"], "metadata": {"x": 1}});
    assert_eq!(bench.ann("PUT user/nodes?node_id=n1", &change).0, 200);
    let gone = json!({"tags": ["a:b"]});
    assert_eq!(bench.ann("DELETE user/nodes?node_id=n1", &gone).0, 200);
    let online = json!({"connected": true});
    assert_eq!(
        bench.control("PUT /emulator/nodes/n1/connectivity", &online),
        200
    );
    let listed = bench
        .ann("GET user/nodes?node_details=true&node_id=n1", &Value::Null)
        .1;
    let node = &listed["node_details"][0];
    assert_eq!(
        (&node["tags"], &node["metadata"]),
        (&json!(["c:d"]), &json!({"x": 1}))
    );
    assert_eq!(node["status"]["connectivity"]["connected"], true);
    assert_eq!(
        bench
            .ann("PUT user/nodes?node_id=n1", &json!({"metadata": null}))
            .0,
        200
    );
    let status = bench
        .ann("GET user/nodes/status?node_id=n1", &Value::Null)
        .1;
    assert_eq!(status["connectivity"]["connected"], true);
}

#[test]
fn no_request_causes_a_panic() {
    let mut bench = bench(&[]);
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    for method in ["GET", "PUT", "POST", "DELETE", "BREW"] {
        for path in [
            "",
            "/",
            "/v1/",
            "/v1/login2",
            "/v1/user2",
            "/v1/user/nodes",
            "/v1/user/nodes/params",
            "/v1/user/nodes/mapping",
            "/v1/user/nodes/mapping/initiate",
            "/token",
            "/login",
            "/v1/user/nodes/mapping/verify",
            "/v1/user/node_group",
            "/emulator/clock",
            "/emulator/faults",
            "/emulator/nodes/",
            "/emulator/nodes/a/user_mapping",
            "/v1/forgotpassword2",
        ] {
            for body in [
                &b""[..],
                b"{",
                b"[]",
                b"7",
                b"\xff\xfe",
                deep.as_bytes(),
                b"{\"node_id\":7}",
            ] {
                let request = Request {
                    method: method.to_owned(),
                    path: path.to_owned(),
                    query: Request::parse_parameters(b"port=99999&num_records=-1&&=&%ff"),
                    authorization: Some(bench.ann.clone()),
                    body: body.to_vec(),
                };
                bench.cloud.handle(&request);
            }
        }
    }
    assert_eq!(bench.ann("GET user", &Value::Null).0, 200);
}
