//! A small Secrets Manager in memory, which answers as the real one does, as far as it is known.
//!
//! Faults are not made here: tests script them around it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use perennial_testkit::http::{Answer, Received};
use serde_json::{Value, json};

/// The store; clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Store(Arc<Mutex<State>>);

#[derive(Default)]
pub(crate) struct State {
    /// By name; those of another account by account and name, with a colon between.
    pub(crate) secrets: BTreeMap<String, Kept>,
    /// The actions that nobody may do.
    pub(crate) forbidden: Vec<&'static str>,
    counter: u64,
}

#[derive(Clone, Default)]
pub(crate) struct Kept {
    pub(crate) versions: Vec<Held>,
    pub(crate) deleted: bool,
    pub(crate) denied: bool,
    /// When it is rotated next, in seconds since 1970.
    pub(crate) next_rotation: Option<u64>,
}

#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) id: String,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) stages: Vec<String>,
}

pub(crate) const REGION: &str = "eu-central-1";

/// The account of who asks.
pub(crate) const ACCOUNT: &str = "111122223333";

/// Returns the ARN that a secret of this name has in the account of who asks.
pub(crate) fn arn(name: &str) -> String {
    arn_of(ACCOUNT, name)
}

/// Returns the ARN that a secret of this name has in an account.
pub(crate) fn arn_of(account: &str, name: &str) -> String {
    format!("arn:aws:secretsmanager:{REGION}:{account}:secret:{name}-a1B2c3")
}

/// Makes an answer as Secrets Manager makes it for a failure.
pub(crate) fn failure(code: &str, message: &str) -> Answer {
    let status = if code == "InternalServiceError" {
        500
    } else {
        400
    };
    typed(Answer::json(
        status,
        json!({"__type": code, "message": message}).to_string(),
    ))
}

pub(crate) fn typed(answer: Answer) -> Answer {
    answer
        .with_header("content-type", "application/x-amz-json-1.1")
        .with_header("x-amzn-requestid", "7c3d0b1e-0000-4000-8000-000000000001")
}

/// Returns the operation that a request asks for.
pub(crate) fn operation(request: &Received) -> &str {
    let target = request.header("x-amz-target").unwrap_or_default();
    target.strip_prefix("secretsmanager.").unwrap_or(target)
}

type Failed = (&'static str, String);

impl Store {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Gives a secret a new version in force, and makes it first if there is none.
    pub(crate) fn put(&self, name: &str, value: &[u8]) -> String {
        let mut state = self.state();
        let id = state.next_id();
        let kept = state.secrets.entry(name.to_owned()).or_default();
        kept.versions.push(Held {
            id: id.clone(),
            value: Some(value.to_vec()),
            stages: Vec::new(),
        });
        kept.promote(&id);
        id
    }

    /// Gives a secret a new version that is not in force yet.
    pub(crate) fn prepare(&self, name: &str, value: Option<&[u8]>) -> String {
        let mut state = self.state();
        let id = state.next_id();
        let kept = state.secrets.get_mut(name).unwrap();
        kept.unlabel("AWSPENDING");
        kept.versions.push(Held {
            id: id.clone(),
            value: value.map(<[u8]>::to_vec),
            stages: vec!["AWSPENDING".to_owned()],
        });
        id
    }

    /// Answers one request.
    pub(crate) fn answer(&self, request: &Received) -> Answer {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let operation = operation(request);
        let mut state = self.state();
        if state.forbidden.contains(&operation) {
            let who = "User: arn:aws:sts::111122223333:assumed-role/app/i-1 is not authorized";
            let message = format!("{who} to perform: secretsmanager:{operation} on resource: x");
            return failure("AccessDeniedException", &message);
        }
        let answered = match operation {
            "GetSecretValue" => state.get(&body),
            "BatchGetSecretValue" => Ok(state.batch(&body)),
            "DescribeSecret" => state.describe(&body),
            "CreateSecret" => state.create(&body),
            "PutSecretValue" => state.put(&body),
            "UpdateSecretVersionStage" => state.relabel(&body),
            "ListSecretVersionIds" => state.list(&body),
            _ => Err(("UnknownOperationException", String::new())),
        };
        match answered {
            Ok(answer) => typed(Answer::json(200, answer.to_string())),
            Err((code, message)) => failure(code, &message),
        }
    }
}

impl State {
    fn next_id(&mut self) -> String {
        self.counter += 1;
        format!("00000000-0000-4000-8000-{:012}", self.counter)
    }

    fn found(&mut self, id: &str) -> Result<(String, &mut Kept), Failed> {
        let key = if id.starts_with("arn:") {
            let name = id.split(":secret:").nth(1).unwrap_or(id);
            let name = name.strip_suffix("-a1B2c3").unwrap_or(name);
            match id.split(':').nth(4) {
                Some(account) if account != ACCOUNT => format!("{account}:{name}"),
                _ => name.to_owned(),
            }
        } else {
            id.to_owned()
        };
        match self.secrets.get_mut(&key) {
            Some(kept) => Ok((key, kept)),
            None => Err((
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret.".to_owned(),
            )),
        }
    }

    fn get(&mut self, body: &Value) -> Result<Value, Failed> {
        let id = body["SecretId"].as_str().unwrap_or_default();
        let (name, kept) = self.found(id)?;
        if kept.denied {
            let message = format!(
                "User: arn:aws:iam::111122223333:user/app is not authorized to perform: \
                 secretsmanager:GetSecretValue on resource: {name} because no identity-based \
                 policy allows the secretsmanager:GetSecretValue action"
            );
            return Err(("AccessDeniedException", message));
        }
        if kept.deleted {
            let message = "You can't perform this operation on the secret because it was marked \
                           for deletion.";
            return Err(("InvalidRequestException", message.to_owned()));
        }
        let stage = body["VersionStage"].as_str();
        let version = body["VersionId"].as_str();
        if version.is_some_and(|id| id.len() < 32) {
            return Err(("InvalidParameterException", "Invalid VersionId".to_owned()));
        }
        let what = match (version, stage) {
            (Some(id), _) => format!("VersionId: {id}"),
            (None, stage) => format!("staging label: {}", stage.unwrap_or("AWSCURRENT")),
        };
        let found = kept.versions.iter().find(|held| match version {
            Some(id) => held.id == id,
            None => held
                .stages
                .iter()
                .any(|s| s == stage.unwrap_or("AWSCURRENT")),
        });
        match found.filter(|held| held.value.is_some()) {
            Some(held) => Ok(held.shown(&name)),
            None => {
                let message =
                    format!("Secrets Manager can't find the specified secret value for {what}");
                Err(("ResourceNotFoundException", message))
            }
        }
    }

    fn batch(&mut self, body: &Value) -> Value {
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        let ids = body["SecretIdList"].as_array().cloned().unwrap_or_default();
        assert!(ids.len() <= 20, "AWS takes no more than 20 at once");
        for id in ids {
            match self.get(&json!({"SecretId": id})) {
                Ok(value) => values.push(value),
                Err((code, message)) => {
                    errors.push(json!({"SecretId": id, "ErrorCode": code, "Message": message}));
                }
            }
        }
        json!({"SecretValues": values, "Errors": errors})
    }

    fn describe(&mut self, body: &Value) -> Result<Value, Failed> {
        let (name, kept) = self.found(body["SecretId"].as_str().unwrap_or_default())?;
        let mut answer = json!({"ARN": arn(&name), "Name": name});
        if let Some(at) = kept.next_rotation {
            answer["RotationEnabled"] = true.into();
            answer["NextRotationDate"] = at.into();
        }
        Ok(answer)
    }

    fn create(&mut self, body: &Value) -> Result<Value, Failed> {
        let name = body["Name"].as_str().unwrap_or_default().to_owned();
        if self.secrets.contains_key(&name) {
            let message = "The operation failed because the secret already exists.";
            return Err(("ResourceExistsException", message.to_owned()));
        }
        let id = self.written_id(body);
        let held = Held {
            id: id.clone(),
            value: written(body),
            stages: Vec::new(),
        };
        let mut kept = Kept {
            versions: vec![held],
            ..Kept::default()
        };
        kept.promote(&id);
        self.secrets.insert(name.clone(), kept);
        Ok(json!({"ARN": arn(&name), "Name": name, "VersionId": id}))
    }

    fn put(&mut self, body: &Value) -> Result<Value, Failed> {
        let id = self.written_id(body);
        let (name, kept) = self.found(body["SecretId"].as_str().unwrap_or_default())?;
        let stages: Vec<String> =
            serde_json::from_value(body["VersionStages"].clone()).unwrap_or_default();
        match kept.versions.iter().find(|held| held.id == id) {
            Some(held) if held.value != written(body) => {
                let message = "a version with this ClientRequestToken already exists";
                return Err(("ResourceExistsException", message.to_owned()));
            }
            Some(_) => {}
            None => {
                stages.iter().for_each(|stage| kept.unlabel(stage));
                kept.versions.push(Held {
                    id: id.clone(),
                    value: written(body),
                    stages,
                });
            }
        }
        Ok(json!({"ARN": arn(&name), "Name": name, "VersionId": id}))
    }

    fn written_id(&mut self, body: &Value) -> String {
        let token = body["ClientRequestToken"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(
            (32..=64).contains(&token.len()),
            "AWS does not take the token {token:?}"
        );
        token
    }

    fn relabel(&mut self, body: &Value) -> Result<Value, Failed> {
        let label = body["VersionStage"].as_str().unwrap_or_default().to_owned();
        let (from, to) = (&body["RemoveFromVersionId"], &body["MoveToVersionId"]);
        let (name, kept) = self.found(body["SecretId"].as_str().unwrap_or_default())?;
        let holder = kept
            .versions
            .iter()
            .find(|held| held.stages.contains(&label));
        if holder.is_some_and(|held| from.as_str() != Some(held.id.as_str())) {
            let message = format!(
                "The parameter RemoveFromVersionId can't be empty. Staging label {label} is \
                 currently attached to another version, so you must explicitly reference that \
                 version in RemoveFromVersionId."
            );
            return Err(("InvalidParameterException", message));
        }
        match (label.as_str(), to.as_str()) {
            ("AWSCURRENT", Some(to)) => kept.promote(to),
            (label, to) => {
                kept.unlabel(label);
                let to = kept
                    .versions
                    .iter_mut()
                    .find(|held| Some(held.id.as_str()) == to);
                if let Some(held) = to {
                    held.stages.push(label.to_owned());
                }
            }
        }
        Ok(json!({"ARN": arn(&name), "Name": name}))
    }

    /// Lists two versions a page.
    fn list(&mut self, body: &Value) -> Result<Value, Failed> {
        let (name, kept) = self.found(body["SecretId"].as_str().unwrap_or_default())?;
        let from: usize = body["NextToken"]
            .as_str()
            .map_or(0, |token| token.parse().unwrap());
        let listed: Vec<_> = kept
            .versions
            .iter()
            .filter(|held| !held.stages.is_empty())
            .collect();
        let page: Vec<_> = listed
            .iter()
            .enumerate()
            .skip(from)
            .take(2)
            .map(|(index, held)| {
                json!({"VersionId": held.id, "VersionStages": held.stages,
                       "CreatedDate": 1_700_000_000 + index})
            })
            .collect();
        let mut answer = json!({"ARN": arn(&name), "Name": name, "Versions": page});
        if from + 2 < listed.len() {
            answer["NextToken"] = (from + 2).to_string().into();
        }
        Ok(answer)
    }
}

impl Kept {
    fn unlabel(&mut self, label: &str) {
        for held in &mut self.versions {
            held.stages.retain(|stage| stage != label);
        }
    }

    /// Brings a version into force; the pending label stays where it is.
    pub(crate) fn promote(&mut self, id: &str) {
        let current = "AWSCURRENT".to_owned();
        let before = self
            .versions
            .iter()
            .position(|held| held.stages.contains(&current));
        self.unlabel("AWSCURRENT");
        if let Some(index) = before {
            self.unlabel("AWSPREVIOUS");
            self.versions[index].stages.push("AWSPREVIOUS".to_owned());
        }
        let held = self.versions.iter_mut().find(|held| held.id == id).unwrap();
        held.stages.insert(0, current);
    }
}

impl Held {
    fn shown(&self, name: &str) -> Value {
        let (account, name) = name.split_once(':').unwrap_or((ACCOUNT, name));
        let mut answer = json!({
            "ARN": arn_of(account, name), "Name": name, "VersionId": self.id,
            "VersionStages": self.stages, "CreatedDate": 1_700_000_000.5,
        });
        let value = self.value.clone().unwrap();
        match String::from_utf8(value) {
            Ok(text) => answer["SecretString"] = text.into(),
            Err(bytes) => answer["SecretBinary"] = STANDARD.encode(bytes.as_bytes()).into(),
        }
        answer
    }
}

fn written(body: &Value) -> Option<Vec<u8>> {
    match (body["SecretString"].as_str(), body["SecretBinary"].as_str()) {
        (Some(text), _) => Some(text.as_bytes().to_vec()),
        (None, binary) => binary.map(|text| STANDARD.decode(text).unwrap()),
    }
}
