//! `perennial explain`: references part by part.

use serde_json::json;

use crate::program::{perennial, perennial_with_input};

#[test]
fn every_part_and_the_origin_of_every_setting_is_shown() {
    let variables = [
        ("PERENNIAL_VAULT_ENV_PREFIX", "APP_"),
        ("KONG_VAULT_ENV_NEG_TTL", "30"),
        ("PERENNIAL_VAULT_ENV_NEG_TTL", "45"),
        ("KONG_VAULT_ENV_RESURRECT_TTL", "1h"),
    ];
    perennial(&variables, &["explain", "env/db/user?ttl=10m#2"]).is(
        0,
        "\
canonical  {vault://env/db/user?ttl=600#2}
vault      env
resource   db
key        user
version    2
options    ttl=600
backend    env, of which this is the default vault
asks for   previous
settings
  ttl            600                         the reference
  neg_ttl        45                          environment variable PERENNIAL_VAULT_ENV_NEG_TTL
  resurrect_ttl  1h                          environment variable KONG_VAULT_ENV_RESURRECT_TTL
  refresh_ahead  a fifth of ttl, at most 60  built-in default
  min_ttl        no bound                    built-in default
  max_ttl        no bound                    built-in default
  on_missing     keep                        built-in default
  on_denied      keep                        built-in default
  base64_decode  false                       built-in default
  allow_options  none                        built-in default
  timeout        10s                         built-in default
  prefix         APP_                        environment variable PERENNIAL_VAULT_ENV_PREFIX
",
        "",
    );
}

#[test]
fn json_tells_the_same() {
    let variables = [
        ("PERENNIAL_VAULT_TEAM_ENV_BACKEND", "env"),
        ("PERENNIAL_VAULT_TEAM_ENV_DESCRIPTION", "the team's own"),
    ];
    let ran = perennial(
        &variables,
        &["explain", "--json", "team-env/x/y?refresh_ahead=0.5"],
    );
    let [line] = &ran.code_is(0).json()[..] else {
        panic!("not one line")
    };
    for (name, expected) in [
        ("ref", json!("{vault://team-env/x/y?refresh_ahead=0.5}")),
        ("ok", json!(true)),
        ("vault", json!("team-env")),
        ("resource", json!("x")),
        ("key", json!("y")),
        ("version", json!(null)),
        ("options", json!({"refresh_ahead": 0.5})),
        (
            "canonical",
            json!("{vault://team-env/x/y?refresh_ahead=0.5}"),
        ),
        ("backend", json!("env")),
        (
            "declared",
            json!("environment variable PERENNIAL_VAULT_TEAM_ENV_BACKEND"),
        ),
        ("description", json!("the team's own")),
        ("selector", json!("current")),
        ("problem", json!(null)),
    ] {
        assert_eq!(line[name], expected, "{name}");
    }
    let ahead = line["settings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["name"] == "refresh_ahead");
    assert_eq!(ahead.unwrap()["value"], json!("0.5"));
    assert_eq!(ahead.unwrap()["origin"], json!("the reference"));
}

#[test]
fn references_to_backends_that_are_planned_are_explained_as_far_as_they_go() {
    let planned = ["azure", "azure-certs", "conjur"];
    for name in planned {
        let reference = format!("{{vault://{name}/my-secret-name/foo?ttl=600}}");
        let ran = perennial(&[], &["explain", "--json", &reference]);
        let line = &ran.code_is(0).json()[0];
        assert_eq!(line["vault"], json!(name));
        assert_eq!(line["resource"], json!("my-secret-name"));
        assert_eq!(line["key"], json!("foo"));
        let message = format!("backend `{name}` is not available yet");
        assert_eq!(line["problem"]["message"], json!(message));
    }
}

#[test]
fn the_syntax_of_each_line_of_input_is_answered_by_a_line() {
    let input = b"{vault://aws/my-secret-name/foo?ttl=600&neg_ttl=30&resurrect_ttl=600}\n\
        \n\
        {vault://env/a}\r\n \
        {vault://env/a}\n\
        env/a\n\
        \xff\n\
        {vault://nowhere/a%2Fb/?unknown=x&flag#stage:BLUE}\n\
        {vault://env/a?ttl=abc}";
    let args = ["explain", "--syntax", "--json", "--stdin"];
    let ran = perennial_with_input(&[], &args, input);
    let lines = ran.code_is(0).json();
    assert_eq!(ran.errors(), "");
    assert_eq!(lines.len(), 8);
    assert_eq!(
        lines[0],
        json!({
            "ref": "{vault://aws/my-secret-name/foo?ttl=600&neg_ttl=30&resurrect_ttl=600}",
            "ok": true,
            "vault": "aws",
            "resource": "my-secret-name",
            "key": "foo",
            "version": null,
            "options": {"ttl": 600, "neg_ttl": 30, "resurrect_ttl": 600},
            "canonical": "{vault://aws/my-secret-name/foo?ttl=600&neg_ttl=30&resurrect_ttl=600}",
        })
    );
    let kinds: Vec<_> = lines[1..6]
        .iter()
        .map(|line| line["error"]["kind"].clone())
        .collect();
    let no = "not_a_reference";
    assert_eq!(kinds, [no, no, no, no, "invalid_utf8"]);
    assert_eq!(lines[1]["ref"], json!(""));
    assert_eq!(lines[2]["ref"], json!("{vault://env/a}\r"));
    assert_eq!(lines[3]["ref"], json!(" {vault://env/a}"));
    assert_eq!(lines[6]["resource"], json!("a/b"));
    assert_eq!(lines[6]["key"], json!(null));
    assert_eq!(lines[6]["version"], json!("stage:BLUE"));
    assert_eq!(lines[6]["options"], json!({"unknown": "x", "flag": true}));
    assert_eq!(lines[7]["ok"], json!(false));
    assert_eq!(lines[7]["error"]["offset"], json!(19));
    let empty = perennial_with_input(&[], &args, b"");
    empty.is(0, "", "");
}

#[test]
fn the_syntax_alone_needs_no_vault() {
    perennial(&[], &["explain", "--syntax", "{vault://nowhere/a/b#7}"]).is(
        0,
        "\
canonical  {vault://nowhere/a/b#7}
vault      nowhere
resource   a
key        b
version    7
options    -
",
        "",
    );
}
