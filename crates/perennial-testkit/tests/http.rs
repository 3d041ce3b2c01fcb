//! The scripted server does what its script says, also the bad things.

#![cfg(test)]
#![cfg(feature = "http")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use perennial_testkit::http::{Answer, HttpServer, Identity};
use reqwest::{Certificate, Client};

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

#[tokio::test]
async fn a_request_is_remembered_as_it_came() {
    let server = HttpServer::start(|_| Answer::json(201, r#"{"a":1}"#).with_header("x-b", "c"));
    let request = client()
        .post(format!("{}/v1/a%2Fb?q=1&r", server.url()))
        .header("X-Token", "t")
        .body("hello");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-b"], "c");
    assert_eq!(response.text().await.unwrap(), r#"{"a":1}"#);

    let requests = server.requests();
    let [received] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    assert_eq!(received.method, "POST");
    assert_eq!(received.path(), "/v1/a%2Fb");
    assert_eq!(received.query(), Some("q=1&r"));
    assert_eq!(received.header("x-token"), Some("t"));
    assert_eq!(received.text(), "hello");
    server.forget();
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn the_script_is_asked_for_each_answer() {
    let count = AtomicUsize::new(0);
    let server = HttpServer::start(move |_| {
        Answer::new(200).with_body(count.fetch_add(1, Ordering::Relaxed).to_string())
    });
    for expected in ["0", "1", "2"] {
        let response = client().get(server.url()).send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_body_can_be_slow_and_cut() {
    let server = HttpServer::start(|request| {
        let whole = Answer::new(200).with_body("0123456789");
        match request.path() {
            "/slow" => whole.slow_body(3, Duration::from_millis(1)),
            _ => whole.cut_after(4),
        }
    });
    let slow = client().get(format!("{}/slow", server.url()));
    let slow = slow.send().await.unwrap();
    assert_eq!(slow.text().await.unwrap(), "0123456789");

    let mut cut = client().get(server.url()).send().await.unwrap();
    assert_eq!(cut.content_length(), Some(10));
    let mut came = Vec::new();
    let ended = loop {
        match cut.chunk().await {
            Ok(Some(piece)) => came.extend(piece),
            end => break end,
        }
    };
    assert!(ended.is_err());
    assert_eq!(came, b"0123");
}

#[tokio::test]
async fn an_answer_can_be_late_or_never_come() {
    let server = HttpServer::start(|request| match request.path() {
        "/never" => Answer::hang(),
        _ => Answer::new(204).slow_headers(Duration::from_millis(1)),
    });
    assert_eq!(
        client().get(server.url()).send().await.unwrap().status(),
        204
    );
    let never = client().get(format!("{}/never", server.url()));
    let failed = never.timeout(Duration::from_millis(200)).send().await;
    assert!(failed.unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_server_goes_down_and_comes_back_on_its_port() {
    let server = HttpServer::start(|_| Answer::new(200));
    let client = client();
    let ask = || client.get(server.url()).send();
    assert!(ask().await.is_ok());
    server.down(true);
    // The connection of before is gone as well.
    assert!(ask().await.is_err());
    assert!(ask().await.unwrap_err().is_connect());
    server.down(false);
    assert!(ask().await.is_ok());
}

#[tokio::test]
async fn a_hung_server_answers_once_it_hangs_no_more() {
    let server = HttpServer::start(|_| Answer::new(200));
    server.hang(true);
    let waiting = client().get(server.url()).send();
    tokio::pin!(waiting);
    while server.requests().is_empty() {
        let soon = tokio::time::timeout(Duration::from_millis(20), &mut waiting);
        assert!(soon.await.is_err());
    }
    server.hang(false);
    assert_eq!(waiting.await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_server_with_tls_is_trusted_by_those_who_trust_its_authority() {
    let ours = Identity::new("an authority");
    let server = HttpServer::start_tls(&ours, |_| Answer::new(200));
    let trusting = |identity: &Identity| {
        let authority = Certificate::from_pem(identity.ca_pem().as_bytes()).unwrap();
        Client::builder()
            .no_proxy()
            .tls_certs_only([authority])
            .build()
            .unwrap()
    };
    assert!(trusting(&ours).get(server.url()).send().await.is_ok());
    let others = Identity::new("another authority");
    let failed = trusting(&others).get(server.url()).send().await;
    assert!(failed.unwrap_err().is_connect());
    assert!(server.requests().len() == 1);
}

#[tokio::test]
#[should_panic(expected = "the path is wrong")]
async fn an_assertion_of_a_script_fails_the_test() {
    let server = HttpServer::start(|request| {
        assert_eq!(request.path(), "/right", "the path is wrong");
        Answer::new(200)
    });
    let failed = client().get(server.url()).send().await;
    assert!(failed.is_err());
    server.down(true);
    drop(server);
}
