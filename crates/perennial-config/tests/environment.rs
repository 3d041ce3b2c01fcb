//! Vaults described by environment variables.

#![cfg(test)]

use std::sync::Arc;

use perennial_backend::{
    Absence, BackendType, Backends, Error, Field, FieldKind, SettingMap, Settings,
};
use perennial_config::{Found, Origin, from_environment};
use perennial_testkit::ScriptedBackend;
use proptest::prelude::*;

const TOY: Settings = Settings::new(
    "toy",
    "a toy",
    &[
        Field::new("prefix", FieldKind::Text, "The prefix."),
        Field::new("region", FieldKind::Text, "The region.")
            .with_conventions(&["TOY_REGION", "TOY_DEFAULT_REGION"]),
    ],
);
const TOY_CERTS: Settings = Settings::new("toy-certs", "toy certificates", &[]);

fn backends() -> Backends {
    let build = |_: &SettingMap| -> Result<Arc<dyn perennial_backend::Backend>, Error> {
        Ok(Arc::new(ScriptedBackend::new()))
    };
    Backends::new()
        .with(BackendType::new(&TOY, build))
        .with(BackendType::new(&TOY_CERTS, build))
        .with_absent("aws", Absence::Planned)
        .with_absent("hcv", Absence::Feature("hcv"))
}

/// Shows what was found: vault, backend, and `field=value@variable` for each setting.
fn shown(found: &Found) -> Vec<String> {
    let specs = found.specs().iter().map(|spec| {
        let settings = spec.settings().iter().map(|(name, setting)| {
            let origin = match setting.origin() {
                Origin::Variable(variable) => variable.to_string(),
                other => other.to_string(),
            };
            format!(" {name}={}@{origin}", setting.text())
        });
        format!(
            "{}:{}{}",
            spec.name(),
            spec.backend(),
            settings.collect::<String>()
        )
    });
    specs
        .chain(
            found
                .warnings()
                .iter()
                .map(|warning| format!("warning: {warning}")),
        )
        .collect()
}

#[track_caller]
fn check(variables: &[(&str, &str)], expected: &[&str]) {
    let found = from_environment(variables.iter().copied(), &backends()).unwrap();
    assert_eq!(shown(&found), expected);
    let reversed = from_environment(variables.iter().rev().copied(), &backends()).unwrap();
    assert_eq!(
        shown(&reversed),
        expected,
        "the order of the environment means nothing"
    );
}

#[track_caller]
fn check_error(variables: &[(&str, &str)], expected: &str) {
    let error = from_environment(variables.iter().copied(), &backends()).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn both_spellings_set_fields_of_default_vaults_and_ours_wins() {
    check(
        &[
            ("PATH", "/bin"),
            ("PERENNIAL_LOG", "x"),
            ("perennial_vault_toy_ttl", "5"),
        ],
        &[],
    );
    check(
        &[
            ("KONG_VAULT_TOY_PREFIX", "theirs"),
            ("KONG_VAULT_TOY_TTL", "300"),
            ("KONG_VAULT_TOY_NEG_TTL", "60"),
            ("PERENNIAL_VAULT_TOY_PREFIX", "ours"),
        ],
        &[
            "toy:toy neg_ttl=60@KONG_VAULT_TOY_NEG_TTL prefix=ours@PERENNIAL_VAULT_TOY_PREFIX \
           ttl=300@KONG_VAULT_TOY_TTL",
        ],
    );
}

#[test]
fn the_longest_name_is_meant() {
    check(
        &[
            ("PERENNIAL_VAULT_TOY_CERTS_TTL", "5"),
            ("KONG_VAULT_TOY_CERTS_TTL", "6"),
        ],
        &["toy-certs:toy-certs ttl=5@PERENNIAL_VAULT_TOY_CERTS_TTL"],
    );
    check(
        &[
            ("PERENNIAL_VAULT_TOY_OWN_BACKEND", "toy"),
            ("PERENNIAL_VAULT_TOY_OWN_PREFIX", "x"),
        ],
        &["toy-own:toy prefix=x@PERENNIAL_VAULT_TOY_OWN_PREFIX"],
    );
}

#[test]
fn both_names_of_base64_decode_are_read_and_its_own_goes_first() {
    check(
        &[("KONG_VAULT_TOY_DECODE_BASE64", "on")],
        &["toy:toy base64_decode=on@KONG_VAULT_TOY_DECODE_BASE64"],
    );
    check(
        &[
            ("KONG_VAULT_TOY_DECODE_BASE64", "on"),
            ("KONG_VAULT_TOY_BASE64_DECODE", "off"),
        ],
        &["toy:toy base64_decode=off@KONG_VAULT_TOY_BASE64_DECODE"],
    );
    check(
        &[
            ("PERENNIAL_VAULT_TOY_DECODE_BASE64", "on"),
            ("KONG_VAULT_TOY_BASE64_DECODE", "off"),
        ],
        &["toy:toy base64_decode=on@PERENNIAL_VAULT_TOY_DECODE_BASE64"],
    );
}

#[test]
fn named_vaults_inherit_nothing_and_have_one_spelling() {
    check(
        &[
            ("PERENNIAL_VAULT_AWS_CERTS_BACKEND", "aws"),
            ("PERENNIAL_VAULT_AWS_CERTS_TTL", "21600"),
            ("PERENNIAL_VAULT_AWS_CERTS_REGION", "us-east-1"),
            ("PERENNIAL_VAULT_AWS_CERTS_DESCRIPTION", "certificates"),
            ("KONG_VAULT_AWS_TTL", "300"),
            ("KONG_VAULT_AWS_CERTS_TTL", "5"),
        ],
        &[
            "aws:aws certs_ttl=5@KONG_VAULT_AWS_CERTS_TTL ttl=300@KONG_VAULT_AWS_TTL",
            "aws-certs:aws region=us-east-1@PERENNIAL_VAULT_AWS_CERTS_REGION \
             ttl=21600@PERENNIAL_VAULT_AWS_CERTS_TTL",
        ],
    );
    let found = from_environment([("PERENNIAL_VAULT_X1_BACKEND", "toy")], &backends()).unwrap();
    let declared = found.specs()[0].declared();
    assert_eq!(
        *declared,
        Origin::Variable("PERENNIAL_VAULT_X1_BACKEND".into())
    );
}

#[test]
fn what_nobody_knows_is_an_error_here_and_a_warning_there() {
    check(
        &[
            ("KONG_VAULT_TOY_PREFX", "x"),
            ("KONG_VAULT_NOWHERE_TTL", "5"),
            ("KONG_VAULT_ROTATION_INTERVAL", "60"),
        ],
        &[
            "warning: ignored: KONG_VAULT_NOWHERE_TTL belongs to no vault (vaults: aws, hcv, toy, \
             toy-certs; `PERENNIAL_VAULT_<NAME>_BACKEND` declares another one)",
            "warning: ignored: KONG_VAULT_TOY_PREFX sets `prefx`, which vault `toy` does not have \
             (did you mean `prefix`?)",
        ],
    );
    check_error(
        &[
            ("PERENNIAL_VAULT_TOY_TTTL", "5"),
            ("PERENNIAL_VAULT_ROTATION_INTERVAL", "60"),
        ],
        "2 settings are wrong\n\
         - PERENNIAL_VAULT_ROTATION_INTERVAL belongs to no vault (vaults: aws, hcv, toy, toy-certs; \
         `PERENNIAL_VAULT_<NAME>_BACKEND` declares another one)\n\
         - PERENNIAL_VAULT_TOY_TTTL sets `tttl`, which vault `toy` does not have (did you mean \
         `ttl`?)",
    );
}

#[test]
fn names_that_cannot_be_are_refused() {
    check_error(
        &[("PERENNIAL_VAULT_1X_BACKEND", "toy")],
        "PERENNIAL_VAULT_1X_BACKEND declares a vault `1x`, which no name can be (use at least two \
         capitals, digits and `_`, beginning with a letter)",
    );
    check_error(
        &[("PERENNIAL_VAULT_TOY_BACKEND", "toy")],
        "PERENNIAL_VAULT_TOY_BACKEND declares a vault `toy`, which is the name of a backend type \
         (declare another name, such as `PERENNIAL_VAULT_TOY_MAIN_BACKEND`, or set fields of the \
         default vault of `toy` without declaring it)",
    );
    check_error(
        &[("PERENNIAL_VAULT_MINE_BACKEND", "toi")],
        "PERENNIAL_VAULT_MINE_BACKEND names the backend `toi`, which nobody knows (did you mean \
         `toy`?)",
    );
}

#[test]
fn fields_of_a_backend_that_is_not_there_are_kept_for_the_day_it_is() {
    check(
        &[
            ("KONG_VAULT_HCV_TOKEN", "s.x"),
            ("KONG_VAULT_HCV_RESURRECT_TTL", "300"),
        ],
        &["hcv:hcv resurrect_ttl=300@KONG_VAULT_HCV_RESURRECT_TTL token=s.x@KONG_VAULT_HCV_TOKEN"],
    );
}

#[test]
fn the_vendors_own_variables_stand_below_all_that_was_configured() {
    check(
        &[("TOY_DEFAULT_REGION", "second"), ("TOY_REGION", "first")],
        &["toy:toy region=first@TOY_REGION"],
    );
    check(
        &[("TOY_REGION", "vendor"), ("KONG_VAULT_TOY_REGION", "kong")],
        &["toy:toy region=kong@KONG_VAULT_TOY_REGION"],
    );
    check(
        &[
            ("TOY_REGION", "vendor"),
            ("PERENNIAL_VAULT_MY_TOY_BACKEND", "toy"),
        ],
        &[
            "my-toy:toy region=vendor@TOY_REGION",
            "toy:toy region=vendor@TOY_REGION",
        ],
    );
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_text_is_that_vaults_error() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    for name in ["PERENNIAL_VAULT_TOY_PREFIX", "KONG_VAULT_TOY_PREFIX"] {
        let found =
            from_environment([(name, OsString::from_vec(vec![0xff]))], &backends()).unwrap();
        let problem = found.specs()[0].problem().unwrap();
        assert_eq!(
            problem.to_string(),
            format!("the value of {name} is not UTF-8")
        );
        assert!(found.warnings().is_empty());
    }
}

proptest! {
    #[test]
    fn no_environment_panics_or_shows_a_value(
        variables in prop::collection::vec(
            ("(PERENNIAL|KONG)_VAULT_(TOY|AWS|X)?_?[A-Z0-9_]{0,12}(_BACKEND|_TTL)?", "canary(toy)?"),
            0..6,
        )
    ) {
        match from_environment(variables, &backends()) {
            Ok(found) => {
                let debug = format!("{found:?}");
                prop_assert!(!debug.contains("canary"));
            }
            Err(error) => prop_assert!(!error.problems().is_empty()),
        }
    }

    #[test]
    fn a_setting_of_a_vault_is_found_where_it_was_put(
        name in "[a-z][a-z0-9-]{0,8}[a-z0-9]",
        ttl in 0_u32..100_000_000,
    ) {
        prop_assume!(!backends().knows(&name));
        let shouted = name.replace('-', "_").to_uppercase();
        let declare = format!("PERENNIAL_VAULT_{shouted}_BACKEND");
        let set = format!("PERENNIAL_VAULT_{shouted}_TTL");
        let variables = [(declare, "toy".to_owned()), (set, ttl.to_string())];
        let found = from_environment(variables, &backends()).unwrap();
        prop_assert_eq!(found.specs().len(), 1);
        prop_assert_eq!(found.specs()[0].name().as_str(), name.as_str());
        let ttl_found = found.specs()[0].settings().get("ttl").unwrap();
        prop_assert_eq!(ttl_found.text(), ttl.to_string());
    }
}
