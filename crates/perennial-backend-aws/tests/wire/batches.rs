//! Several secrets with one call: what is sent, and what each of them gets.

use std::time::Duration;

use perennial_backend::{Backend, Batch, ContextKey, Error, ErrorKind, Fetched, Request, Selector};
use perennial_testkit::http::Answer;
use serde_json::{Value, json};

use crate::scene::{Scene, shows_nothing, text};
use crate::store::{self, failure, operation};

async fn batch(scene: &Scene, requests: &[Request]) -> Vec<Result<Fetched, Error>> {
    let mut batch = Batch::new(requests.len());
    scene
        .backend
        .fetch_many(&scene.cx(), requests, &mut batch)
        .await;
    batch.into_answers()
}

fn requests(names: &[&str]) -> Vec<Request> {
    names.iter().map(|name| Request::new(*name)).collect()
}

#[tokio::test]
async fn twenty_secrets_come_with_one_call() {
    let scene = Scene::start();
    let names: Vec<_> = (0..20).map(|index| format!("secret-{index}")).collect();
    names
        .iter()
        .for_each(|name| drop(scene.store.put(name, name.as_bytes())));
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let answers = batch(&scene, &requests(&names)).await;
    for (answer, name) in answers.iter().zip(&names) {
        let fetched = answer.as_ref().unwrap();
        assert_eq!(text(fetched), *name);
        assert_eq!(fetched.version().unwrap().stage(), Some("AWSCURRENT"));
        assert_eq!(fetched.aliases().collect::<Vec<_>>(), [store::arn(name)]);
    }
    let sent = scene.server.requests();
    assert_eq!(sent.len(), 1);
    assert_eq!(operation(&sent[0]), "BatchGetSecretValue");
    let body: Value = serde_json::from_slice(&sent[0].body).unwrap();
    assert_eq!(body, json!({"SecretIdList": names}));
}

#[tokio::test]
async fn one_that_fails_spoils_no_other_and_is_told_as_a_single_read_tells_it() {
    let scene = Scene::start();
    scene.store.put("db", b"canary-value");
    scene.store.put("closed", b"canary-value");
    scene.store.put("doomed", b"canary-value");
    scene
        .store
        .state()
        .secrets
        .get_mut("closed")
        .unwrap()
        .denied = true;
    scene
        .store
        .state()
        .secrets
        .get_mut("doomed")
        .unwrap()
        .deleted = true;
    let names = ["absent", "closed", "doomed", "db", "../db"];
    let answers = batch(&scene, &requests(&names)).await;
    let kinds: Vec<_> = answers
        .iter()
        .map(|a| a.as_ref().err().map(Error::kind))
        .collect();
    assert_eq!(
        kinds,
        [
            Some(ErrorKind::NotFound),
            Some(ErrorKind::PermissionDenied),
            Some(ErrorKind::NotFound),
            None,
            Some(ErrorKind::InvalidReference),
        ]
    );
    assert_eq!(scene.operations(), ["BatchGetSecretValue"]);
    for (answer, name) in answers
        .iter()
        .zip(names)
        .filter(|(_, name)| *name != "../db")
    {
        let Err(error) = answer else { continue };
        shows_nothing(error);
        let single = scene.read(name).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (single.kind(), single.message())
        );
    }
}

#[tokio::test]
async fn names_that_mean_one_secret_are_all_answered() {
    let scene = Scene::start();
    scene.store.put("db", b"one");
    let arn = store::arn("db");
    let answers = batch(&scene, &requests(&["db", &arn, "db"])).await;
    assert!(
        answers
            .iter()
            .all(|answer| text(answer.as_ref().unwrap()) == "one")
    );
}

#[tokio::test]
async fn a_secret_of_another_account_is_never_taken_for_one_of_ours() {
    let scene = Scene::start();
    let other = "999999999999";
    for name in ["db", "key"] {
        scene.store.put(name, b"ours");
        scene.store.put(&format!("{other}:{name}"), b"theirs");
    }
    let theirs = store::arn_of(other, "db");
    let partial = theirs.strip_suffix("-a1B2c3").unwrap();
    for arn in [theirs.as_str(), partial] {
        // In either order, since the store answers in the order in which it is asked.
        for names in [[arn, "db", "key"], ["db", "key", arn]] {
            let answers = batch(&scene, &requests(&names)).await;
            for (answer, name) in answers.iter().zip(names) {
                let fetched = answer.as_ref().unwrap();
                let foreign = name == arn;
                assert_eq!(text(fetched), if foreign { "theirs" } else { "ours" });
                assert!(fetched.aliases().all(|alias| alias.starts_with("arn:")));
                let account = |alias: &str| alias.contains(other) == foreign;
                assert!(fetched.aliases().all(account), "{fetched:?}");
            }
        }
    }
}

#[tokio::test]
async fn other_versions_are_read_singly() {
    let scene = Scene::start();
    scene.store.put("db", b"old");
    scene.store.put("db", b"new");
    scene.store.put("key", b"key");
    let previous = Request::new("db").with_selector(Selector::Previous);
    let mixed = [Request::new("db"), previous, Request::new("key")];
    let answers = batch(&scene, &mixed).await;
    let texts: Vec<_> = answers
        .iter()
        .map(|answer| text(answer.as_ref().unwrap()))
        .collect();
    assert_eq!(texts, ["new", "old", "key"]);
    assert_eq!(
        scene.operations(),
        ["BatchGetSecretValue", "GetSecretValue"]
    );
}

#[tokio::test]
async fn where_batches_are_denied_all_are_read_singly_and_nobody_tries_again() {
    let scene = Scene::start();
    scene.store.put("a", b"one");
    scene.store.put("b", b"two");
    scene.store.state().forbidden.push("BatchGetSecretValue");
    for _ in 0..2 {
        let answers = batch(&scene, &requests(&["a", "b", "absent"])).await;
        assert_eq!(text(answers[0].as_ref().unwrap()), "one");
        assert_eq!(text(answers[1].as_ref().unwrap()), "two");
        assert_eq!(answers[2].as_ref().unwrap_err().kind(), ErrorKind::NotFound);
    }
    let (batches, singles): (Vec<_>, Vec<_>) = scene
        .operations()
        .into_iter()
        .partition(|name| name == "BatchGetSecretValue");
    assert_eq!((batches.len(), singles.len()), (1, 6));
}

#[tokio::test]
async fn a_batch_that_one_of_them_spoils_is_read_singly() {
    for code in [
        "ValidationException",
        "InvalidParameterException",
        "ResourceNotFoundException",
    ] {
        let scene = Scene::start();
        scene.store.put("a", b"one");
        scene.script(move |request| {
            (operation(request) == "BatchGetSecretValue").then(|| failure(code, "canary"))
        });
        let answers = batch(&scene, &requests(&["a", "absent"])).await;
        assert_eq!(text(answers[0].as_ref().unwrap()), "one", "{code}");
        assert_eq!(answers[1].as_ref().unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn what_would_meet_every_call_is_told_to_all_without_more_calls() {
    let check = async |answer: Answer, kind: ErrorKind| {
        let scene = Scene::start();
        scene.always(answer);
        let answers = batch(&scene, &requests(&["a", "b"])).await;
        for answer in answers {
            let error = answer.unwrap_err();
            assert_eq!(error.kind(), kind);
            shows_nothing(&error);
        }
        assert_eq!(scene.server.requests().len(), 1);
    };
    check(
        failure("ThrottlingException", "canary"),
        ErrorKind::RateLimited,
    )
    .await;
    check(
        failure("InternalServiceError", "canary"),
        ErrorKind::Unavailable,
    )
    .await;
    check(
        failure("ExpiredTokenException", "canary"),
        ErrorKind::Unauthenticated,
    )
    .await;
    check(Answer::new(503).with_body("canary"), ErrorKind::Unavailable).await;
}

#[tokio::test]
async fn an_answer_that_is_not_in_force_or_is_left_out_is_read_again_alone() {
    let scene = Scene::start();
    scene.store.put("db", b"new");
    scene.store.put("key", b"key");
    scene.script(|request| {
        // As one emulator does after a promotion: the version before.
        let stale = json!({"SecretValues": [{
            "Name": "db", "ARN": store::arn("db"), "VersionId": "v0",
            "VersionStages": ["AWSPREVIOUS"], "SecretString": "old",
        }], "Errors": []});
        let answer = store::typed(Answer::json(200, stale.to_string()));
        (operation(request) == "BatchGetSecretValue").then_some(answer)
    });
    let answers = batch(&scene, &requests(&["db", "key"])).await;
    let texts: Vec<_> = answers
        .iter()
        .map(|answer| text(answer.as_ref().unwrap()))
        .collect();
    assert_eq!(texts, ["new", "key"]);
}

/// A scene without batches, with secrets of these names.
fn without_batches(names: &[&str]) -> Scene {
    let scene = Scene::start();
    scene.store.state().forbidden.push("BatchGetSecretValue");
    names
        .iter()
        .for_each(|name| drop(scene.store.put(name, b"value")));
    scene
}

const TWENTY: [&str; 20] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s",
    "t",
];

#[tokio::test]
async fn single_reads_stop_at_a_failure_that_would_meet_them_all() {
    let check = async |answer: Answer, kind: ErrorKind| {
        let scene = without_batches(&TWENTY);
        batch(&scene, &requests(&TWENTY[..2])).await;
        scene.server.forget();
        scene.always(answer);
        for (answer, name) in batch(&scene, &requests(&TWENTY)).await.iter().zip(TWENTY) {
            let error = answer.as_ref().unwrap_err();
            assert_eq!(error.kind(), kind);
            shows_nothing(error);
            let named = (ContextKey::Resource, name);
            assert!(error.context().any(|pair| pair == named), "{error:?}");
        }
        // Those that were on their way.
        assert!(scene.server.requests().len() <= 4);
        scene.mend();
        let answers = batch(&scene, &requests(&TWENTY)).await;
        assert!(answers.iter().all(Result::is_ok));
    };
    let throttled = failure("ThrottlingException", "canary");
    check(throttled, ErrorKind::RateLimited).await;
    let failed = failure("InternalServiceError", "canary");
    check(failed, ErrorKind::Unavailable).await;
    let expired = failure("ExpiredTokenException", "canary");
    check(expired, ErrorKind::Unauthenticated).await;
    check(Answer::new(408), ErrorKind::Timeout).await;
}

#[tokio::test]
async fn what_came_before_such_a_failure_stays() {
    let scene = without_batches(&TWENTY);
    scene.script(|request| {
        let late = request.text().contains("\"t\"") && operation(request) == "GetSecretValue";
        late.then(|| failure("ThrottlingException", "canary"))
    });
    let answers = batch(&scene, &requests(&TWENTY)).await;
    let failed = answers.iter().filter(|answer| answer.is_err()).count();
    assert_eq!(failed, 1, "only the last one is throttled");
}

#[tokio::test]
async fn a_failure_of_one_single_read_stops_no_other() {
    let scene = without_batches(&["a", "c"]);
    let answers = batch(
        &scene,
        &requests(&["absent", "a", "b", "c", "gone", "nowhere"]),
    )
    .await;
    let fine: Vec<_> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(fine, [false, true, false, true, false, false]);
}

#[tokio::test]
async fn four_single_reads_are_on_their_way_at_once() {
    let scene = without_batches(&TWENTY);
    batch(&scene, &requests(&TWENTY[..2])).await;
    scene.server.forget();
    scene.always(Answer::hang());
    let twenty = requests(&TWENTY);
    let waited = tokio::time::timeout(Duration::from_secs(1), batch(&scene, &twenty)).await;
    assert!(waited.is_err());
    assert_eq!(scene.server.requests().len(), 4);
}

#[tokio::test]
async fn what_spoiled_a_batch_is_read_alone_from_then_on() {
    let scene = Scene::start();
    ["a", "b"]
        .iter()
        .for_each(|name| drop(scene.store.put(name, b"value")));
    scene.script(|request| {
        let odd = request.text().contains("odd");
        odd.then(|| failure("ValidationException", "canary"))
    });
    let names = requests(&["a", "odd", "b"]);
    let kinds = async || {
        let answers = batch(&scene, &names).await;
        answers
            .into_iter()
            .map(|answer| answer.err().map(|error| error.kind()))
            .collect::<Vec<_>>()
    };
    let expected = [None, Some(ErrorKind::InvalidReference), None];
    assert_eq!(kinds().await, expected);
    assert_eq!(scene.operations().len(), 4, "the batch, and each alone");
    scene.server.forget();
    for _ in 0..2 {
        assert_eq!(kinds().await, expected);
    }
    let (batch, single) = ("BatchGetSecretValue", "GetSecretValue");
    assert_eq!(scene.operations(), [batch, single, batch, single]);
}

#[tokio::test]
async fn batches_that_fail_where_no_secret_does_are_not_tried_again() {
    let scene = Scene::start();
    ["a", "b"]
        .iter()
        .for_each(|name| drop(scene.store.put(name, b"value")));
    scene.script(|request| {
        let all = operation(request) == "BatchGetSecretValue";
        all.then(|| failure("ValidationException", "canary"))
    });
    for _ in 0..3 {
        let answers = batch(&scene, &requests(&["a", "b"])).await;
        assert!(answers.iter().all(Result::is_ok));
    }
    let operations = scene.operations();
    let tried = operations
        .iter()
        .filter(|name| *name == "BatchGetSecretValue");
    assert_eq!((tried.count(), operations.len()), (1, 7));
}
