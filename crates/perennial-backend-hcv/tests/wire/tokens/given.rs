//! Tokens that were given: renewed where that is possible, and without another one behind them.

use perennial_backend::{ErrorKind, Request, Secret, Upkeep};
use perennial_backend_hcv::{Auth, Config, Engine};
use perennial_testkit::http::HttpServer;
use perennial_testkit::{SimClock, SimRuntime};
use serde_json::json;

use super::{LOOK, READ, RENEW, Scene, secs};
use crate::stand_in::{TOKEN, data, granted, refused};
use crate::support::{kv, read_with};

#[tokio::test]
async fn a_token_that_was_given_is_renewed_and_has_no_other_one_behind_it() {
    let scene = Scene::with(Auth::token(Secret::from(TOKEN)));
    scene
        .stand_in
        .edit(|state| state.tokens.insert(TOKEN.to_owned(), 3600));
    scene.reads(&[LOOK, READ]).await;
    scene.upkeep_when_due().await.unwrap();
    assert_eq!(scene.stand_in.lines(), [RENEW]);
    // Nobody may renew it: it is good until it ends.
    scene.stand_in.edit(|state| state.renewal = None);
    scene.upkeep_when_due().await.unwrap();
    assert_eq!(scene.stand_in.lines(), [RENEW]);
    assert_eq!(scene.kv.due(), None);
    scene.reads(&[READ]).await;
    scene.stand_in.edit(|state| state.tokens.clear());
    let error = scene.read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert_eq!(error.to_string(), "the token was refused");
}

#[tokio::test]
async fn a_root_token_has_nothing_to_be_kept_alive() {
    let scene = Scene::with(Auth::token(Secret::from(TOKEN)));
    scene.reads(&[LOOK, READ]).await;
    assert_eq!(scene.kv.due(), None);
    scene.clock.advance(secs(1_000_000_000));
    scene.reads(&[READ]).await;
}

#[tokio::test]
async fn a_token_that_may_not_look_at_itself_is_used_all_the_same() {
    let scene = Scene::with(Auth::token(Secret::from(TOKEN)));
    let path = "auth/token/lookup-self".to_owned();
    scene.stand_in.edit(|state| state.denied.insert(path));
    scene.reads(&[LOOK, READ]).await;
    scene.reads(&[READ]).await;
    let path = "secret/data/app/db".to_owned();
    scene.stand_in.edit(|state| state.denied.insert(path));
    let error = scene.read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn a_token_in_a_file_is_read_again_when_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let scene = Scene::with(Auth::token_file(&file));
    scene.reads(&[LOOK, READ]).await;
    scene.stand_in.edit(|state| {
        state.tokens.clear();
        state.tokens.insert("s.canary-next".to_owned(), 60);
    });
    let error = scene.read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    std::fs::write(&file, "s.canary-next").unwrap();
    scene.read().await.unwrap();
    for broken in ["s.canary\nbroken", "s.canary broken", "s.canary\u{e4}"] {
        std::fs::write(&file, broken).unwrap();
        scene.stand_in.edit(|state| state.tokens.clear());
        let error = scene.read().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{broken:?}");
    }
}

#[tokio::test]
async fn what_is_asked_about_the_token_is_asked_in_its_namespace() {
    let server = HttpServer::start(|received| {
        assert_eq!(received.header("x-vault-namespace"), Some("team"));
        match received.path() {
            "/v1/auth/token/lookup-self" => data(&json!({"ttl": 60, "renewable": true})),
            "/v1/auth/token/renew-self" => granted("s.canary", 60, true),
            _ => refused(&["permission denied"]),
        }
    });
    let config = Config::default()
        .with_address(server.url())
        .with_namespace("team")
        .with_auth(Auth::token(Secret::from("s.canary")));
    let kv = kv(config.with_engine(Engine::V2));
    let clock = SimClock::new();
    let runtime = SimRuntime::new(clock.clone());
    let request = Request::new("app/db");
    let cx = runtime.context(secs(10));
    let read = read_with(&kv, &cx, &request).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::PermissionDenied);
    clock.advance_to(kv.due().unwrap());
    kv.upkeep(&cx).await.unwrap();
    let lines: Vec<_> = server
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect();
    assert_eq!(
        lines.last().map(String::as_str),
        Some("/v1/auth/token/renew-self")
    );
}
