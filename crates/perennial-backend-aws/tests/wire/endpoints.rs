//! Where requests go: the endpoints of each region, those of the settings, and the proxies between.

use perennial_testkit::http::{Answer, HttpServer};

use crate::environment::{KEY, keys, outcome, server};
use crate::scene::shows_nothing_in;
use crate::store::REGION;

/// Asks through a proxy and returns where it was told to connect to.
fn connects_to(settings: &[(&str, &str)], variables: &[(&str, &str)]) -> Vec<String> {
    let proxy = HttpServer::start(|_| Answer::new(502));
    let url = proxy.url();
    let all: Vec<_> = KEY
        .into_iter()
        .chain([("HTTPS_PROXY", url.as_str())])
        .chain(variables.iter().copied())
        .collect();
    let told = outcome(settings, &all);
    assert!(
        told.starts_with("unavailable AWS cannot be reached"),
        "{told}"
    );
    shows_nothing_in(&told);
    let asked = proxy.requests();
    asked
        .iter()
        .map(|request| format!("{} {}", request.method, request.target))
        .collect()
}

#[test]
fn each_region_has_its_endpoint_with_fips_and_with_both_protocols() {
    let check = |settings: &[(&str, &str)], host: &str| {
        assert_eq!(connects_to(settings, &[]), [format!("CONNECT {host}:443")]);
    };
    let region = ("region", "us-east-1");
    check(&[region], "secretsmanager.us-east-1.amazonaws.com");
    check(
        &[region, ("use_fips", "true")],
        "secretsmanager-fips.us-east-1.amazonaws.com",
    );
    // In the regions of most users both protocols are spoken at one name; not so in others.
    let dualstack = ("use_dualstack", "on");
    check(
        &[region, dualstack],
        "secretsmanager.us-east-1.amazonaws.com",
    );
    let elsewhere = ("region", "us-iso-east-1");
    check(
        &[elsewhere, dualstack],
        "secretsmanager.us-iso-east-1.api.aws.ic.gov",
    );
    check(
        &[elsewhere, dualstack, ("use_fips", "true")],
        "secretsmanager-fips.us-iso-east-1.api.aws.ic.gov",
    );
    check(
        &[("region", "cn-north-1")],
        "secretsmanager.cn-north-1.amazonaws.com.cn",
    );
    // One that did not exist when this was written.
    check(
        &[("region", "xy-newland-7")],
        "secretsmanager.xy-newland-7.amazonaws.com",
    );
}

#[test]
fn roles_are_assumed_at_the_endpoint_of_the_region() {
    let role = ("assume_role_arn", "arn:aws:iam::111122223333:role/reader");
    let region = ("region", "us-east-1");
    let check = |settings: &[(&str, &str)], host: &str| {
        assert_eq!(connects_to(settings, &[]), [format!("CONNECT {host}:443")]);
    };
    check(&[region, role], "sts.us-east-1.amazonaws.com");
    check(
        &[region, role, ("use_fips", "true")],
        "sts-fips.us-east-1.amazonaws.com",
    );
    check(
        &[region, role, ("use_dualstack", "true")],
        "sts.us-east-1.api.aws",
    );
}

#[test]
fn roles_are_assumed_where_the_setting_says_before_what_the_variables_say() {
    let server = server(|_| None);
    let url = server.url();
    let nowhere = "http://127.0.0.1:9";
    let variables = [
        KEY[0],
        KEY[1],
        ("AWS_ENDPOINT_URL_STS", nowhere),
        ("AWS_ENDPOINT_URL", nowhere),
    ];
    let settings = [
        ("region", REGION),
        ("endpoint_url", url.as_str()),
        ("sts_endpoint_url", url.as_str()),
        (
            "assume_role_arn",
            "arn:aws:iam::111122223333:role/hub, arn:aws:iam::111122223333:role/reader",
        ),
    ];
    assert_eq!(outcome(&settings, &variables), "value value");
    assert_eq!(keys(&server), ["ASIAREADER"]);
}

#[test]
fn a_proxy_is_left_aside_where_the_environment_says_so() {
    let server = server(|_| None);
    let url = server.url();
    let mut variables = vec![("HTTP_PROXY", "http://127.0.0.1:9"), ("AWS_REGION", REGION)];
    variables.extend(KEY);
    let settings = [("endpoint_url", url.as_str())];
    assert!(outcome(&settings, &variables).starts_with("unavailable"));
    variables.push(("NO_PROXY", "127.0.0.1"));
    assert_eq!(outcome(&settings, &variables), "value value");
}
