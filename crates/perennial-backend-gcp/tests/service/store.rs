//! The service as its API describes it, small enough to stand behind a scripted server: secrets,
//! versions and their states, aliases, permissions, checksums, pages.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use perennial_testkit::http::{Answer, Received};
use serde_json::{Value, json};

#[derive(Default)]
pub(crate) struct Store {
    secrets: Mutex<BTreeMap<String, Held>>,
}

#[derive(Default)]
pub(crate) struct Held {
    pub(crate) versions: Vec<(Vec<u8>, State)>,
    pub(crate) aliases: BTreeMap<String, usize>,
    pub(crate) denied: bool,
    /// What a look at the secret shows besides its name; without it, looking is not permitted.
    pub(crate) shown: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Enabled,
    Disabled,
    Destroyed,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
            Self::Destroyed => "DESTROYED",
        }
    }
}

impl Store {
    pub(crate) fn add(&self, name: &str, value: &[u8]) {
        let mut secrets = self.secrets();
        let secret = secrets.entry(name.to_owned()).or_default();
        secret.versions.push((value.to_vec(), State::Enabled));
    }

    pub(crate) fn delete(&self, name: &str) {
        self.secrets().remove(name);
    }

    pub(crate) fn edit(&self, name: &str, change: impl FnOnce(&mut Held)) {
        change(self.secrets().get_mut(name).unwrap());
    }

    pub(crate) fn answer(&self, request: &Received) -> Answer {
        let path = request.path().strip_prefix("/v1/").unwrap_or_default();
        let (path, verb) = path.split_once(':').unwrap_or((path, ""));
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        match (request.method.as_str(), verb) {
            ("GET", "access") => self.access(path),
            ("POST", "addVersion") => self.add_version(path, &body),
            ("POST", "enable") => self.set(path, State::Enabled),
            ("POST", "disable") => self.set(path, State::Disabled),
            ("POST", "destroy") => self.set(path, State::Destroyed),
            ("POST", "") => self.create(path, request),
            ("GET", "") => match path.strip_suffix("/versions") {
                Some(secret) => self.list(secret, request),
                None => self.look(path),
            },
            _ => Answer::new(404),
        }
    }

    fn access(&self, path: &str) -> Answer {
        let secrets = self.secrets();
        let Some((name, index, held)) = find(&secrets, path) else {
            return not_found(path);
        };
        if held.denied {
            return denied("secretmanager.versions.access", name);
        }
        let Some((bytes, state)) = held.versions.get(index) else {
            return not_found(path);
        };
        if *state != State::Enabled {
            let message = format!("Secret Version [{path}] is in {} state.", state.name());
            return failed(400, "FAILED_PRECONDITION", &message, json!([]));
        }
        let answer = json!({
            "name": format!("{}/versions/{}", numbered(name), index + 1),
            "payload": {
                "data": STANDARD.encode(bytes),
                "dataCrc32c": crc32c::crc32c(bytes).to_string(),
            },
        });
        Answer::json(200, answer.to_string())
    }

    fn look(&self, path: &str) -> Answer {
        let secrets = self.secrets();
        match secrets.get(path) {
            None => not_found(path),
            Some(Held { shown: None, .. }) => denied("secretmanager.secrets.get", path),
            Some(Held {
                shown: Some(shown), ..
            }) => {
                let mut answer = shown.clone();
                answer["name"] = path.into();
                Answer::json(200, answer.to_string())
            }
        }
    }

    fn create(&self, path: &str, request: &Received) -> Answer {
        let query = request.query().unwrap_or_default();
        let id = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("secretId="))
            .unwrap_or_default();
        let name = format!("{path}/{id}");
        let mut secrets = self.secrets();
        if secrets.contains_key(&name) {
            let message = format!("Secret [{name}] already exists.");
            return failed(409, "ALREADY_EXISTS", &message, json!([]));
        }
        secrets.insert(name.clone(), Held::default());
        Answer::json(200, json!({ "name": name }).to_string())
    }

    fn add_version(&self, path: &str, body: &Value) -> Answer {
        let data = body["payload"]["data"].as_str().unwrap_or_default();
        let bytes = STANDARD.decode(data).unwrap();
        let sum = body["payload"]["dataCrc32c"].as_str().unwrap_or_default();
        if sum != crc32c::crc32c(&bytes).to_string() {
            return failed(400, "INVALID_ARGUMENT", "checksum", json!([]));
        }
        let mut secrets = self.secrets();
        let Some(held) = secrets.get_mut(path) else {
            return not_found(path);
        };
        held.versions.push((bytes, State::Enabled));
        let name = format!("{}/versions/{}", numbered(path), held.versions.len());
        Answer::json(200, json!({ "name": name, "state": "ENABLED" }).to_string())
    }

    fn set(&self, path: &str, state: State) -> Answer {
        let mut secrets = self.secrets();
        let Some((name, index, _)) = find(&secrets, path) else {
            return not_found(path);
        };
        let name = name.to_owned();
        let Some(held) = secrets.get_mut(&name) else {
            return not_found(path);
        };
        match held.versions.get_mut(index) {
            Some(version) if version.1 != State::Destroyed => version.1 = state,
            Some(_) => return failed(400, "FAILED_PRECONDITION", "in DESTROYED state", json!([])),
            None => return not_found(path),
        }
        Answer::json(
            200,
            json!({ "name": path, "state": state.name() }).to_string(),
        )
    }

    /// Two versions a page, newest first.
    fn list(&self, secret: &str, request: &Received) -> Answer {
        let secrets = self.secrets();
        let Some(held) = secrets.get(secret) else {
            return not_found(secret);
        };
        let query = request.query().unwrap_or_default();
        let from: usize = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("pageToken="))
            .and_then(|token| token.parse().ok())
            .unwrap_or(0);
        let all: Vec<_> = held.versions.iter().enumerate().rev().collect();
        let page: Vec<_> = all
            .iter()
            .skip(from)
            .take(2)
            .map(|(index, (_, state))| {
                let name = format!("{}/versions/{}", numbered(secret), index + 1);
                json!({ "name": name, "state": state.name() })
            })
            .collect();
        let mut answer = json!({ "versions": page });
        if from + 2 < all.len() {
            answer["nextPageToken"] = (from + 2).to_string().into();
        }
        Answer::json(200, answer.to_string())
    }

    fn secrets(&self) -> MutexGuard<'_, BTreeMap<String, Held>> {
        self.secrets.lock().unwrap()
    }
}

/// The secret and the index of the version that a path names.
fn find<'a>(
    secrets: &'a BTreeMap<String, Held>,
    path: &'a str,
) -> Option<(&'a str, usize, &'a Held)> {
    let (name, version) = path.split_once("/versions/")?;
    let held = secrets.get(name)?;
    let index = match version {
        "latest" => held.versions.len().checked_sub(1)?,
        _ => match version.parse::<usize>() {
            Ok(number) => number.checked_sub(1)?,
            Err(_) => *held.aliases.get(version)?,
        },
    };
    Some((name, index, held))
}

/// The service answers with the number of a project in place of its id.
fn numbered(name: &str) -> String {
    name.replacen("projects/p/", "projects/123456789/", 1)
}

fn not_found(path: &str) -> Answer {
    let message = format!("Secret [{path}] not found or has no versions.");
    failed(404, "NOT_FOUND", &message, json!([]))
}

fn denied(permission: &str, name: &str) -> Answer {
    let message = format!("Permission '{permission}' denied for resource '{name}'.");
    let info = json!([{
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "IAM_PERMISSION_DENIED",
        "domain": "iam.googleapis.com",
        "metadata": { "permission": permission, "resource": name },
    }]);
    failed(403, "PERMISSION_DENIED", &message, info)
}

pub(crate) fn failed(code: u16, status: &str, message: &str, details: Value) -> Answer {
    let error = json!({ "error": {
        "code": code, "message": message, "status": status, "details": details,
    }});
    Answer::json(code, error.to_string())
}
