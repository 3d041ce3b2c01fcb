//! A small Vault on loopback: KV 1 and KV 2 in memory, tokens, and the logins that a test gives it.
//!
//! It says what the real one says, word for word where words matter; `tests/live` compares.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use perennial_backend::Secret;
use perennial_backend_hcv::{Auth, Config};
use perennial_testkit::http::{Answer, HttpServer, Received};
use serde_json::{Value, json};

/// The token that is good from the start.
pub(crate) const TOKEN: &str = "s.canary-token";

/// A running stand-in.
pub(crate) struct StandIn {
    pub(crate) server: HttpServer,
    pub(crate) state: Arc<Mutex<State>>,
}

/// What it holds.
#[derive(Default)]
pub(crate) struct State {
    /// The mount `secret` as KV 2: name to versions.
    second: BTreeMap<String, Vec<Version>>,
    /// Whether the mount `secret` is no longer KV 2 and keeps what `old` does.
    pub(crate) plain: bool,
    /// The mount `old` as KV 1.
    pub(crate) first: BTreeMap<String, Value>,
    /// The lease of secrets of KV 1 in seconds, where it is not the server's default.
    pub(crate) first_lease: Option<u64>,
    /// Paths that no token may read, without `/v1/`.
    pub(crate) denied: BTreeSet<String>,
    /// Tokens that are alive, and their leases in seconds.
    pub(crate) tokens: BTreeMap<String, u64>,
    /// How many logins there were; each grants a token of its own.
    pub(crate) logins: usize,
    /// The lease of tokens that are granted, in seconds.
    pub(crate) lease: u64,
    pub(crate) renewable: bool,
    /// What renewing gives, in seconds; nothing forbids it.
    pub(crate) renewal: Option<u64>,
    /// Whether logins are answered with an error that passes.
    pub(crate) closed: bool,
    /// An answer that comes in the place of every other one.
    pub(crate) instead: Option<Answer>,
    /// An answer that comes in the place of those for paths with this in them.
    pub(crate) instead_at: Option<(&'static str, Answer)>,
    /// How often something was unwrapped.
    pub(crate) unwrapped: usize,
}

#[derive(Clone)]
struct Version {
    data: Value,
    deleted: bool,
    destroyed: bool,
}

impl StandIn {
    pub(crate) fn start() -> Self {
        let mut state = State {
            lease: 3600,
            renewable: true,
            renewal: Some(3600),
            ..State::default()
        };
        state.tokens.insert(TOKEN.to_owned(), 0);
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let server = HttpServer::start(move |received| shared.lock().unwrap().answer(received));
        Self { server, state }
    }

    /// Returns a configuration that reaches it.
    pub(crate) fn config(&self) -> Config {
        Config::default()
            .with_address(self.server.url())
            .with_auth(Auth::token(Secret::from(TOKEN)))
    }

    /// Writes a version of KV 2.
    pub(crate) fn write(&self, name: &str, data: Value) {
        let mut state = self.state.lock().unwrap();
        state
            .second
            .entry(name.to_owned())
            .or_default()
            .push(Version {
                data,
                deleted: false,
                destroyed: false,
            });
    }

    /// Writes a secret of KV 1.
    pub(crate) fn write_first(&self, name: &str, data: Value) {
        let mut state = self.state.lock().unwrap();
        state.first.insert(name.to_owned(), data);
    }

    /// Deletes the newest version, or destroys the one with this number.
    pub(crate) fn delete(&self, name: &str, destroyed: Option<usize>) {
        let mut state = self.state.lock().unwrap();
        let versions = state.second.get_mut(name).unwrap();
        match destroyed {
            None => versions.last_mut().unwrap().deleted = true,
            Some(number) => versions[number - 1].destroyed = true,
        }
    }

    pub(crate) fn edit<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    /// Returns the requests so far as `GET /v1/…`, and forgets them.
    pub(crate) fn lines(&self) -> Vec<String> {
        let requests = self.server.requests();
        self.server.forget();
        let lines = requests.iter();
        lines
            .map(|request| format!("{} {}", request.method, request.target))
            .collect()
    }
}

impl State {
    fn answer(&mut self, received: &Received) -> Answer {
        if let Some(answer) = &self.instead {
            return answer.clone();
        }
        if let Some((part, answer)) = &self.instead_at
            && received.path().contains(part)
        {
            return answer.clone();
        }
        let path = received.path().strip_prefix("/v1/").unwrap_or_default();
        if path == "sys/wrapping/unwrap" {
            self.unwrapped += 1;
            if self.unwrapped > 1 {
                let gone = "wrapping token is not valid or does not exist";
                return Answer::json(400, json!({"errors": [gone]}).to_string());
            }
            return data(&json!({"secret_id": "canary-secret"}));
        }
        if let Some(rest) = path.strip_prefix("auth/")
            && rest.contains("/login")
        {
            if self.closed {
                return Answer::new(503);
            }
            self.logins += 1;
            let token = format!("s.canary-granted-{}", self.logins);
            self.tokens.insert(token.clone(), self.lease);
            return granted(&token, self.lease, self.renewable);
        }
        let token = received.header("x-vault-token").unwrap_or_default();
        let Some(lease) = self.tokens.get(token).copied() else {
            return refused(&["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]);
        };
        if self.denied.contains(path) {
            return refused(&["1 error occurred:\n\t* permission denied\n\n"]);
        }
        match path {
            "auth/token/lookup-self" => {
                let renewable = self.renewable && lease > 0;
                data(&json!({"ttl": lease, "renewable": renewable, "id": token}))
            }
            "auth/token/renew-self" => match self.renewal {
                Some(lease) => granted(token, lease, true),
                None => refused(&["1 error occurred:\n\t* permission denied\n\n"]),
            },
            "sys/internal/ui/mounts/secret" if self.plain => mount("secret/", "kv", None),
            "sys/internal/ui/mounts/secret" => mount("secret/", "kv", Some("2")),
            "sys/internal/ui/mounts/old" => mount("old/", "kv", None),
            "sys/internal/ui/mounts/old/inner" => mount("old/", "kv", None),
            "sys/internal/ui/mounts/transit" => mount("transit/", "transit", None),
            _ => self.kv(received, path),
        }
    }

    fn kv(&mut self, received: &Received, path: &str) -> Answer {
        let secret = path.strip_prefix("secret/").filter(|_| self.plain);
        if let Some(name) = path.strip_prefix("old/").or(secret) {
            let lease = self.first_lease.unwrap_or(2_764_800);
            return match self.first.get(name) {
                Some(value) => Answer::json(
                    200,
                    json!({"request_id": "r", "lease_duration": lease, "data": value}).to_string(),
                ),
                None => nothing(),
            };
        }
        let Some(rest) = path.strip_prefix("secret/") else {
            return nothing();
        };
        let Some(name) = rest.strip_prefix("data/") else {
            let warning = "Invalid path for a versioned K/V secrets engine. See the API docs for \
                           the appropriate API endpoints to use.";
            return Answer::json(
                404,
                json!({"data": null, "warnings": [warning]}).to_string(),
            );
        };
        if received.method == "POST" {
            return self.put(received, name);
        }
        let Some(versions) = self.second.get(name) else {
            return nothing();
        };
        let asked = received
            .query()
            .and_then(|query| query.strip_prefix("version="));
        let number = match asked.map(|number| number.parse().unwrap()) {
            None | Some(0) => versions.len(),
            Some(number) => number,
        };
        let Some(version) = versions.get(number - 1) else {
            return nothing();
        };
        let gone = version.deleted || version.destroyed;
        let body = json!({"data": {
            "data": if gone { &Value::Null } else { &version.data },
            "metadata": {
                "created_time": "2026-11-26T20:00:00.123456789Z",
                "custom_metadata": null,
                "deletion_time": if version.deleted { "2026-11-26T21:00:00Z" } else { "" },
                "destroyed": version.destroyed,
                "version": number,
            },
        }});
        Answer::json(if gone { 404 } else { 200 }, body.to_string())
    }

    fn put(&mut self, received: &Received, name: &str) -> Answer {
        let body: Value = serde_json::from_slice(&received.body).unwrap();
        let versions = self.second.entry(name.to_owned()).or_default();
        if let Some(cas) = body["options"]["cas"].as_u64()
            && cas != versions.len() as u64
        {
            let error = "check-and-set parameter did not match the current version";
            return Answer::json(400, json!({"errors": [error]}).to_string());
        }
        versions.push(Version {
            data: body["data"].clone(),
            deleted: false,
            destroyed: false,
        });
        data(&json!({
            "created_time": "2026-11-26T20:00:00.123456789Z",
            "deletion_time": "",
            "destroyed": false,
            "version": versions.len(),
        }))
    }
}

/// Makes the answer of a success.
pub(crate) fn data(data: &Value) -> Answer {
    let body = json!({
        "request_id": "0f0f",
        "lease_id": "",
        "renewable": false,
        "lease_duration": 0,
        "data": data,
        "wrap_info": null,
        "warnings": null,
        "auth": null,
    });
    Answer::json(200, body.to_string())
}

/// Makes an answer that does for a token that never ends and for a secret.
pub(crate) fn both() -> Answer {
    data(&json!({
        "ttl": 0,
        "data": {"a": "b"},
        "metadata": {"version": 1},
    }))
}

/// Makes the answer of a login.
pub(crate) fn granted(token: &str, lease: u64, renewable: bool) -> Answer {
    let auth = json!({
        "client_token": token,
        "accessor": "a",
        "policies": ["default"],
        "lease_duration": lease,
        "renewable": renewable,
    });
    Answer::json(200, json!({"auth": auth, "data": null}).to_string())
}

pub(crate) fn refused(errors: &[&str]) -> Answer {
    Answer::json(403, json!({"errors": errors}).to_string())
}

fn nothing() -> Answer {
    Answer::json(404, r#"{"errors":[]}"#)
}

fn mount(path: &str, kind: &str, version: Option<&str>) -> Answer {
    let options = version.map(|version| json!({"version": version}));
    data(&json!({"path": path, "type": kind, "options": options, "description": ""}))
}
