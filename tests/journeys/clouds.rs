//! The stores of the clouds and Vault, read by the binary. The servers are scripted.

#[path = "../mission/stores.rs"]
mod stores;

use stores::Stores;

use crate::program::perennial;

fn variables(stores: &Stores) -> Vec<(String, String)> {
    let reached = ["AWS", "GCP", "HCV"].into_iter().flat_map(|vault| {
        let fields = stores.reached_by(vault).into_iter();
        fields.map(move |(field, text)| (format!("PERENNIAL_VAULT_{vault}_{field}"), text))
    });
    let named = [
        ("AWS_REGION", "eu-central-1"),
        ("GOOGLE_CLOUD_PROJECT", "p"),
        ("VAULT_TOKEN", "canary-token"),
    ];
    let named = named.map(|(name, text)| (name.to_owned(), text.to_owned()));
    reached.chain(named).collect()
}

/// One call and no more: `get` ends with its answer, and plans nothing.
#[test]
fn each_store_is_read_with_the_one_call_that_brings_the_secret() {
    let stores = Stores::start();
    let variables = variables(&stores);
    let variables: Vec<_> = variables.iter().map(|(n, t)| (&**n, &**t)).collect();
    let references = [
        "{vault://aws/my-secret-name/foo}",
        "{vault://gcp/my-secret-name/foo}",
        "{vault://hcv/my-secret-name/foo}",
    ];
    let ran = perennial(&variables, &[&["get"], &references[..]].concat());
    ran.is(0, "bar\nbar\nbar\n", "");
    assert_eq!(stores.reads("my-secret-name"), [1, 1, 1]);
    assert_eq!(stores.aws.requests().len(), 1);
    assert_eq!(stores.gcp.requests().len(), 1);
    // Vault is asked before for the lease of the token and the engine of the mount.
    let asked = stores.hcv.requests();
    let asked: Vec<_> = asked.iter().map(|request| request.path()).collect();
    let expected = [
        "/v1/auth/token/lookup-self",
        "/v1/sys/internal/ui/mounts/secret",
        "/v1/secret/data/my-secret-name",
    ];
    assert_eq!(asked, expected);
}

#[test]
fn what_a_store_refuses_is_told_with_what_is_missing() {
    let stores = Stores::start();
    let variables = variables(&stores);
    let variables: Vec<_> = variables.iter().map(|(n, t)| (&**n, &**t)).collect();
    for (reference, code) in [
        ("{vault://aws/absent/foo}", 3),
        ("{vault://gcp/absent/foo}", 4),
        ("{vault://hcv/absent/foo}", 4),
    ] {
        let ran = perennial(&variables, &["get", reference]);
        ran.code_is(code);
        assert!(ran.errors().contains("help: "), "{}", ran.errors());
        assert!(!ran.errors().contains("canary"), "{}", ran.errors());
    }
}
