//! Addresses, proxies, bodies, and clients that are replaced.

use perennial_testkit::LiveRuntime;
use perennial_testkit::http::{HttpServer, Identity};

use super::*;

#[test]
fn addresses_are_taken_apart() {
    let check = |address: &str, origin: &str, prefix: &str| {
        let target = Target::parse(address).unwrap();
        assert_eq!(
            (target.origin.as_str(), target.prefix.as_str()),
            (origin, prefix)
        );
    };
    check("http://127.0.0.1:8200", "http://127.0.0.1:8200", "");
    check(
        "https://vault.example.com/",
        "https://vault.example.com",
        "",
    );
    check(
        "https://Vault.Example.com:443/p/q/",
        "https://vault.example.com",
        "/p/q",
    );
    check("http://[::1]:8200", "http://[::1]:8200", "");
}

#[test]
fn what_is_no_address_is_refused_without_repeating_it() {
    for address in [
        "",
        "vault.example.com",
        "ftp://canary.example.com",
        "http://user:canary@vault.example.com",
        "http://canary@vault.example.com",
        "http://vault.example.com/?canary",
        "http://vault.example.com/#canary",
    ] {
        let error = Target::parse(address).unwrap_err();
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[test]
fn the_name_of_a_server_is_no_address() {
    let there = Target::parse("https://10.0.0.5:8200/p").unwrap();
    let named = there.named("vault.service.consul").unwrap();
    assert_eq!(named.origin, "https://vault.service.consul:8200");
    assert_eq!(
        (named.prefix.as_str(), named.host.as_str()),
        ("/p", "10.0.0.5")
    );
    for name in [
        "10.0.0.9", "0x7f.1", "[::1]", "::1", "", "a b", "a/b", "a:1", "u@h",
    ] {
        assert!(there.named(name).is_err(), "{name}");
    }
}

#[test]
fn no_proxy_stands_before_this_machine_nor_reads_a_token() {
    let check = |address: &str, name: Option<&str>, expected: bool| {
        let there = Target::parse(address).unwrap();
        let target = match name {
            Some(name) => there.named(name).unwrap(),
            None => there.clone(),
        };
        let found = target.may_pass_a_proxy(&there.host);
        assert_eq!(found, expected, "{address} {name:?}");
    };
    check("https://vault.example.com", None, true);
    check("https://10.0.0.5:8200", None, true);
    let same = Some("vault.example.com");
    check("https://vault.example.com", same, true);
    check("http://vault.example.com", None, false);
    check("https://10.0.0.5:8200", same, false);
    for here in [
        "localhost",
        "vault.localhost",
        "localhost.",
        "127.0.0.1:8200",
        "127.8.0.1",
        "[::1]:8200",
        "[::ffff:127.0.0.1]",
    ] {
        check(&format!("https://{here}"), None, false);
        check(&format!("https://{here}"), same, false);
        check(&format!("http://{here}"), None, false);
    }
}

#[test]
fn a_body_grows_and_keeps_every_byte() {
    let mut body = Body::with_room(Some(1));
    let mut expected = Vec::new();
    for round in 0..1000_u32 {
        let chunk = round.to_le_bytes();
        body.push(&chunk);
        expected.extend_from_slice(&chunk);
    }
    assert_eq!(*body.bytes, expected);
    assert!(!body.fits(&vec![0; MOST_BYTES]));
}

#[tokio::test]
async fn certificates_are_read_again_when_the_server_is_not_trusted() {
    let (old, new) = (Identity::new("old"), Identity::new("new"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, old.ca_pem()).unwrap();
    let server = HttpServer::start_tls(&new, |_| perennial_testkit::http::Answer::new(204));
    let config = Config::default()
        .with_address(server.url())
        .with_ca(Source::file(&file));
    let transport = Transport::new(&config).unwrap();
    let send = async || {
        let cx = LiveRuntime::new().context(Duration::from_secs(10));
        let request = Request::builder().uri(server.url()).body(Vec::new());
        transport.send(&cx, request.unwrap()).await
    };
    let error = send().await.unwrap_err();
    assert!(error::is_about_certificates(&error), "{error:?}");
    std::fs::write(&file, new.ca_pem()).unwrap();
    assert_eq!(send().await.unwrap().status, 204);
    // Half a file costs no client that works, and a whole one is found once it is there.
    let look = async || {
        let cx = LiveRuntime::new().context(Duration::from_secs(10));
        transport.look_again(&cx).await
    };
    for broken in [Some("nonsense"), Some(""), None] {
        match broken {
            Some(text) => std::fs::write(&file, text).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        look().await.unwrap();
        assert_eq!(send().await.unwrap().status, 204, "{broken:?}");
    }
    std::fs::write(&file, old.ca_pem()).unwrap();
    look().await.unwrap();
    assert!(error::is_about_certificates(&send().await.unwrap_err()));
}
