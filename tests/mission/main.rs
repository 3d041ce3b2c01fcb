//! Every reference and variable of the original's page on rotating secrets, as printed there.
//!
//! The stores are scripted servers, and time is simulated: what is asked here is what becomes of
//! the words, not how the stores behave.

#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "a condition of the resolver's own thread is waited for, with a deadline"
)]

mod stores;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use perennial::{Explanation, Origin, Resolver, backends, from_environment};
use perennial_testkit::{SimClock, SimRuntime};
use stores::Stores;

/// Row 12: the variables of the default vaults.
const VARIABLES: &[(&str, &str)] = &[
    ("KONG_VAULT_AWS_TTL", "300"),
    ("KONG_VAULT_AWS_NEG_TTL", "60"),
    ("KONG_VAULT_AWS_RESURRECT_TTL", "300"),
    ("KONG_VAULT_GCP_TTL", "300"),
    ("KONG_VAULT_GCP_NEG_TTL", "60"),
    ("KONG_VAULT_GCP_RESURRECT_TTL", "300"),
    ("KONG_VAULT_HCV_TTL", "300"),
    ("KONG_VAULT_HCV_NEG_TTL", "60"),
    ("KONG_VAULT_HCV_RESURRECT_TTL", "300"),
];

/// Row 13: references that inherit them.
const INHERITING: &[&str] = &[
    "{vault://aws/my-secret-name/foo}",
    "{vault://gcp/my-secret-name/foo}",
    "{vault://hcv/my-secret-name/foo}",
];

/// Row 14: references that set their own.
const OWN: &[&str] = &[
    "{vault://aws/my-secret-name/foo?ttl=600&neg_ttl=30&resurrect_ttl=600}",
    "{vault://gcp/my-secret-name/foo?ttl=600&neg_ttl=30&resurrect_ttl=600}",
    "{vault://hcv/my-secret-name/foo?ttl=600&neg_ttl=30&resurrect_ttl=600}",
];

/// Rows 16 to 18: the named vaults, with what is printed there as their configuration.
const NAMED: &[(&str, &str)] = &[
    ("PERENNIAL_VAULT_AWS_CERTS_BACKEND", "aws"),
    (
        "PERENNIAL_VAULT_AWS_CERTS_DESCRIPTION",
        "Storing secrets in AWS Secrets Manager",
    ),
    ("PERENNIAL_VAULT_AWS_CERTS_REGION", "us-east-1"),
    ("PERENNIAL_VAULT_AWS_CERTS_TTL", "21600"),
    ("PERENNIAL_VAULT_GCP_CERTS_BACKEND", "gcp"),
    (
        "PERENNIAL_VAULT_GCP_CERTS_DESCRIPTION",
        "Storing secrets in GCP Secrets Manager",
    ),
    ("PERENNIAL_VAULT_GCP_CERTS_PROJECT_ID", "my_project_id-1"),
    ("PERENNIAL_VAULT_GCP_CERTS_TTL", "21600"),
    ("PERENNIAL_VAULT_HCV_CERTS_BACKEND", "hcv"),
    (
        "PERENNIAL_VAULT_HCV_CERTS_DESCRIPTION",
        "Storing secrets in HashiCorp Vault",
    ),
    ("PERENNIAL_VAULT_HCV_CERTS_TOKEN", "<my-token>"),
    ("PERENNIAL_VAULT_HCV_CERTS_TTL", "21600"),
];

/// Row 19: references into them.
const CERTS: &[&str] = &[
    "{vault://aws-certs/certs/web-site}",
    "{vault://gcp-certs/certs/web-site}",
    "{vault://hcv-certs/certs/web-site}",
];

/// The environment of rows 12 and 16 to 18, and how the stores of this test are reached.
fn environment(stores: &Stores) -> BTreeMap<String, String> {
    let printed = VARIABLES.iter().chain(NAMED);
    let mut all: BTreeMap<_, _> = printed
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    for vault in ["AWS", "GCP", "HCV"] {
        for suffix in ["", "_CERTS"] {
            let prefix = format!("PERENNIAL_VAULT_{vault}{suffix}");
            for (field, text) in stores.reached_by(vault) {
                all.insert(format!("{prefix}_{field}"), text);
            }
        }
    }
    all.insert("PERENNIAL_VAULT_AWS_REGION".into(), "us-east-1".into());
    all.insert("KONG_VAULT_GCP_PROJECT_ID".into(), "my-project".into());
    all.insert("KONG_VAULT_HCV_TOKEN".into(), "<my-token>".into());
    all
}

struct Scene {
    stores: Stores,
    clock: SimClock,
    secrets: Resolver,
}

impl Scene {
    fn start() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut BTreeMap<String, String>)) -> Self {
        let stores = Stores::start();
        let mut variables = environment(&stores);
        change(&mut variables);
        let found = from_environment(variables, &backends()).unwrap();
        assert!(found.warnings().is_empty(), "{:?}", found.warnings());
        let clock = SimClock::new();
        let secrets = Resolver::builder()
            .backends(backends())
            .vaults(found.into_specs())
            .runtime(Arc::new(SimRuntime::new(clock.clone())))
            .build()
            .unwrap();
        Self {
            stores,
            clock,
            secrets,
        }
    }

    async fn read(&self, reference: &str) -> String {
        let value = self.secrets.get(reference).await;
        let value = value.unwrap_or_else(|why| panic!("{reference}: {why} {:?}", why.help()));
        value.secret().expose_str().unwrap().to_owned()
    }
}

fn setting(explained: &Explanation, name: &str) -> (String, Origin) {
    let mut settings = explained.settings().iter();
    let found = settings.find(|setting| setting.name() == name).unwrap();
    let text = found.text().unwrap_or_default().to_owned();
    (text, found.origin().clone())
}

fn variable(name: &str) -> Origin {
    Origin::Variable(name.into())
}

#[tokio::test]
async fn references_inherit_the_variables_of_their_default_vault() {
    let scene = Scene::start();
    for (reference, vault) in INHERITING.iter().zip(["AWS", "GCP", "HCV"]) {
        let explained = scene.secrets.explain(reference).unwrap();
        for (field, text) in [("ttl", "300"), ("neg_ttl", "60"), ("resurrect_ttl", "300")] {
            let name = format!("KONG_VAULT_{vault}_{}", field.to_uppercase());
            let expected = (text.to_owned(), variable(&name));
            assert_eq!(setting(&explained, field), expected, "{reference}");
        }
    }
}

#[tokio::test]
async fn our_spelling_of_a_variable_wins() {
    let scene = Scene::with(|variables| {
        variables.insert("PERENNIAL_VAULT_GCP_TTL".into(), "120".into());
    });
    let explained = scene.secrets.explain(INHERITING[1]).unwrap();
    let expected = ("120".to_owned(), variable("PERENNIAL_VAULT_GCP_TTL"));
    assert_eq!(setting(&explained, "ttl"), expected);
}

#[tokio::test]
async fn references_with_options_have_their_own() {
    let scene = Scene::start();
    for reference in OWN {
        let explained = scene.secrets.explain(reference).unwrap();
        for (field, text) in [("ttl", "600"), ("neg_ttl", "30"), ("resurrect_ttl", "600")] {
            let expected = (text.to_owned(), Origin::Reference);
            assert_eq!(setting(&explained, field), expected, "{reference}");
        }
    }
}

#[tokio::test]
async fn both_kinds_are_views_of_one_call_and_age_each_by_its_own() {
    let scene = Scene::start();
    for (inheriting, own) in INHERITING.iter().zip(OWN) {
        assert_eq!(scene.read(inheriting).await, "bar", "{inheriting}");
        assert_eq!(scene.read(own).await, "bar", "{own}");
    }
    assert_eq!(scene.stores.reads("my-secret-name"), [1, 1, 1]);
    for status in scene.secrets.status() {
        let (fresh, usable) = if status.reference().contains("ttl=600") {
            (600, 1200)
        } else {
            (300, 600)
        };
        let spans = (status.fresh_for(), status.usable_for());
        let secs = Duration::from_secs;
        assert_eq!(spans, (Some(secs(fresh)), Some(secs(usable))), "{status:?}");
    }
}

#[tokio::test]
async fn named_vaults_share_a_ttl_and_inherit_nothing() {
    let scene = Scene::start();
    for (reference, backend) in CERTS.iter().zip(["aws", "gcp", "hcv"]) {
        let explained = scene.secrets.explain(reference).unwrap();
        assert_eq!(explained.backend(), Some(backend));
        assert!(
            explained
                .description()
                .unwrap()
                .starts_with("Storing secrets in")
        );
        let name = format!("PERENNIAL_VAULT_{}_CERTS_TTL", backend.to_uppercase());
        let expected = ("21600".to_owned(), variable(&name));
        assert_eq!(setting(&explained, "ttl"), expected, "{reference}");
        for field in ["neg_ttl", "resurrect_ttl"] {
            let (_, origin) = setting(&explained, field);
            assert_eq!(origin, Origin::Default, "{reference}: {field}");
        }
        assert_eq!(scene.read(reference).await, "certificate", "{reference}");
    }
    let asked = scene.stores.gcp.requests();
    let project = asked.iter().any(|request| {
        request.path() == "/v1/projects/my_project_id-1/secrets/certs/versions/latest:access"
    });
    assert!(project, "{asked:?}");
    let asked = scene.stores.hcv.requests();
    let token = asked
        .iter()
        .all(|request| request.header("x-vault-token") == Some("<my-token>"));
    assert!(token && !asked.is_empty(), "{asked:?}");
}

/// Rows 20 and 21: six hours, and rotated one minute before they end; up to half a minute of jitter
/// goes to the early side.
#[tokio::test]
async fn secrets_of_the_named_vaults_are_refreshed_a_minute_before_they_end() {
    let scene = Scene::start();
    let mut handles = Vec::new();
    for reference in CERTS {
        handles.push(scene.secrets.watch(reference).await.unwrap());
    }
    assert_eq!(scene.stores.reads("certs"), [1, 1, 1]);
    scene
        .clock
        .advance(Duration::from_secs(21_600 - 60 - 30 - 1));
    // The driver has seen the new time once it has answered for it.
    for reference in INHERITING {
        scene.read(reference).await;
    }
    assert_eq!(scene.stores.reads("certs"), [1, 1, 1], "too early");
    scene.clock.advance(Duration::from_secs(31));
    let start = Instant::now();
    while scene.stores.reads("certs") != [2, 2, 2] {
        assert!(start.elapsed() < Duration::from_secs(30), "never refreshed");
        std::thread::sleep(Duration::from_millis(10));
    }
    for handle in &handles {
        assert!(handle.load().unwrap().freshness().is_fresh());
    }
}
