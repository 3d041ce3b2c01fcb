//! One TLS stack with one provider of its cryptography, whichever backends are compiled in.

use toml::{Table, Value};

use super::{Rule, Violation};
use crate::workspace::Workspace;

pub(super) const RULE: Rule = Rule {
    name: "tls",
    about: "all backends share one HTTP and TLS stack, with one provider of cryptography",
    check,
};

/// Packages of which there may be one version.
const ONE: &[&str] = &[
    "aws-lc-rs",
    "h2",
    "http",
    "hyper",
    "hyper-rustls",
    "reqwest",
    "rustls",
    "rustls-webpki",
];

/// Other stacks, and what would bring them.
const OTHERS: &[&str] = &[
    "boring",
    "hyper-tls",
    "native-tls",
    "openssl",
    "openssl-sys",
];

/// The other provider of cryptography, and who names it in the lock file for a feature that nobody
/// turns on.
const OTHER_PROVIDER: &str = "ring";
const HARMLESS: &[&str] = &["quinn-proto", "rustls-webpki"];

const LOCK: &str = "Cargo.lock";

fn check(workspace: &Workspace) -> Vec<Violation> {
    let Some(text) = workspace.text(LOCK) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut report = |message: String| found.push(Violation::new(LOCK, message));
    let lock: Table = match text.parse() {
        Ok(lock) => lock,
        Err(_) => {
            report("cannot be read: make it anew with `cargo generate-lockfile`".to_owned());
            return found;
        }
    };
    let packages = lock.get("package").and_then(Value::as_array);
    let packages: Vec<_> = packages.into_iter().flatten().collect();
    for name in ONE {
        let versions: Vec<_> = packages
            .iter()
            .filter(|package| text_of(package, "name") == *name)
            .map(|package| text_of(package, "version"))
            .collect();
        if versions.len() > 1 {
            report(format!(
                "has `{name}` in the versions {}: find with `cargo tree -i` who brings the other",
                versions.join(", ")
            ));
        }
    }
    for package in packages {
        let name = text_of(package, "name");
        if OTHERS.contains(&name) {
            report(format!(
                "has `{name}`, another TLS stack: turn off the feature that brings it"
            ));
        }
        let needs = package.get("dependencies").and_then(Value::as_array);
        let needs = needs.into_iter().flatten().filter_map(Value::as_str);
        let named = needs.map(|need| need.split(' ').next().unwrap_or(need));
        if named.into_iter().any(|need| need == OTHER_PROVIDER) && !HARMLESS.contains(&name) {
            report(format!(
                "says that `{name}` stands on `{OTHER_PROVIDER}`: choose its feature for aws-lc-rs"
            ));
        }
    }
    found
}

fn text_of<'a>(package: &'a Value, key: &str) -> &'a str {
    package.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn lock(packages: &[(&str, &str, &str)], broken: bool) {
        let mut text = String::from("version = 4\n");
        for (name, version, needs) in packages {
            text += &format!(
                "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\ndependencies = [{needs}]\n"
            );
        }
        let expected: &[&str] = if broken { &[LOCK] } else { &[] };
        check(&RULE, &[(LOCK, &text)], expected);
    }

    #[test]
    fn a_second_version_of_the_stack_is_found() {
        lock(&[("rustls", "0.23.46", ""), ("serde", "1.0.0", "")], false);
        lock(
            &[("rustls", "0.23.46", ""), ("rustls", "0.21.12", "")],
            true,
        );
        lock(&[("hyper", "0.14.1", ""), ("hyper", "1.12.0", "")], true);
    }

    #[test]
    fn another_stack_or_provider_is_found() {
        lock(&[("native-tls", "0.2.0", "")], true);
        lock(&[("rustls", "0.23.46", "\"ring\"")], true);
        lock(&[("rustls", "0.23.46", "\"ring 0.17.14\"")], true);
        lock(&[("quinn-proto", "0.11.0", "\"ring\"")], false);
        lock(&[("other", "1.0.0", "\"ringbuf\"")], false);
    }

    #[test]
    fn a_lock_file_that_cannot_be_read_is_found() {
        check(&RULE, &[(LOCK, "[[")], &[LOCK]);
    }
}
