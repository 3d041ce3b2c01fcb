//! When the date of the next rotation is asked for, and that no read depends on it.

use std::time::Duration;

use perennial_backend::{Backend, Batch, Purpose, Request, Secret, Selector};
use perennial_testkit::http::Answer;
use perennial_testkit::{SimClock, SimRuntime};
use serde_json::Value;

use crate::scene::{Scene, text};
use crate::store::operation;

fn scene() -> Scene {
    let scene =
        Scene::with(|config| config.with_access_key("AKIAEXAMPLE", Secret::from("canary-key")));
    scene.store.put("db", b"one");
    scene
}

/// Says that `db` is rotated this long from now.
fn plan(scene: &Scene, span: Duration) {
    let at = scene.cx().unix_time().as_secs() + span.as_secs();
    scene
        .store
        .state()
        .secrets
        .get_mut("db")
        .unwrap()
        .next_rotation = Some(at);
}

fn asked(scene: &Scene) -> usize {
    scene
        .operations()
        .iter()
        .filter(|name| *name == "DescribeSecret")
        .count()
}

#[tokio::test]
async fn the_date_is_asked_for_once_and_comes_with_every_read() {
    let scene = scene();
    plan(&scene, Duration::from_secs(3600));
    for _ in 0..5 {
        let fetched = scene.fetch(&Request::new("db")).await.unwrap();
        let span = fetched.next_rotation().unwrap().as_secs();
        assert!((3590..=3600).contains(&span), "{span}");
    }
    assert_eq!(asked(&scene), 1);
}

#[tokio::test]
async fn a_secret_that_is_not_rotated_has_no_date_and_is_asked_about_once() {
    let scene = scene();
    for _ in 0..3 {
        let fetched = scene.fetch(&Request::new("db")).await.unwrap();
        assert_eq!(fetched.next_rotation(), None);
    }
    assert_eq!(asked(&scene), 1);
}

#[tokio::test]
async fn only_the_version_in_force_has_a_date_and_only_regular_reads_ask() {
    let scene = scene();
    scene.store.put("db", b"two");
    plan(&scene, Duration::from_secs(3600));
    let request = Request::new("db");
    for other in [
        request.clone().with_purpose(Purpose::Check),
        request.clone().with_purpose(Purpose::Ladder),
        request.clone().with_selector(Selector::Previous),
    ] {
        assert_eq!(scene.fetch(&other).await.unwrap().next_rotation(), None);
    }
    assert_eq!(asked(&scene), 0);
}

#[tokio::test]
async fn a_date_that_is_known_comes_with_whatever_reads_the_version_in_force() {
    let scene = scene();
    scene.store.put("db", b"two");
    plan(&scene, Duration::from_secs(3600));
    let request = Request::new("db");
    scene.fetch(&request).await.unwrap();
    for purpose in [Purpose::Check, Purpose::Ladder, Purpose::Refresh] {
        let other = request.clone().with_purpose(purpose);
        let fetched = scene.fetch(&other).await.unwrap();
        assert!(fetched.next_rotation().is_some(), "{purpose:?}");
        let mut batch = Batch::new(1);
        let requests = [other];
        scene
            .backend
            .fetch_many(&scene.cx(), &requests, &mut batch)
            .await;
        let answer = batch.into_answers().remove(0).unwrap();
        assert!(answer.next_rotation().is_some(), "{purpose:?}");
    }
    let previous = request.with_selector(Selector::Previous);
    assert_eq!(scene.fetch(&previous).await.unwrap().next_rotation(), None);
}

#[tokio::test]
async fn where_it_is_denied_reads_go_on_and_nobody_asks_for_a_day() {
    let scene = scene();
    scene.store.put("key", b"two");
    scene.store.state().forbidden.push("DescribeSecret");
    for name in ["db", "key", "db", "key"] {
        let fetched = scene.fetch(&Request::new(name)).await.unwrap();
        assert_eq!(fetched.next_rotation(), None);
    }
    assert_eq!(asked(&scene), 1);
}

#[tokio::test]
async fn a_question_that_fails_or_hangs_costs_no_read() {
    for answer in [
        Answer::new(503),
        Answer::json(200, "canary"),
        Answer::hang(),
    ] {
        let scene = scene();
        scene.script(move |request| {
            (operation(request) == "DescribeSecret").then(|| answer.clone())
        });
        let (cx, began) = (scene.cx(), scene.cx().now());
        let fetched = scene.fetch(&Request::new("db")).await.unwrap();
        assert_eq!(text(&fetched), "one");
        assert!(cx.now().since(began) < Duration::from_secs(5));
        assert_eq!(
            text(&scene.fetch(&Request::new("db")).await.unwrap()),
            "one"
        );
        assert_eq!(asked(&scene), 1);
    }
}

#[tokio::test]
async fn a_batch_asks_about_one_of_its_secrets() {
    let scene = scene();
    scene.store.put("key", b"two");
    plan(&scene, Duration::from_secs(3600));
    let requests = ["db", "key"].map(Request::new);
    for round in 1..=3 {
        let mut batch = Batch::new(2);
        scene
            .backend
            .fetch_many(&scene.cx(), &requests, &mut batch)
            .await;
        let answers = batch.into_answers();
        assert!(answers[0].as_ref().unwrap().next_rotation().is_some());
        assert_eq!(asked(&scene), round.min(2));
    }
}

#[tokio::test]
async fn batches_a_day_apart_ask_about_all_of_their_secrets_in_turn() {
    let scene = scene();
    scene.store.put("key", b"two");
    scene.store.put("token", b"three");
    let requests = ["db", "key", "token"].map(Request::new);
    let clock = SimClock::new();
    let runtime = SimRuntime::new(clock.clone());
    for _ in 0..4 {
        let mut batch = Batch::new(3);
        let cx = runtime.context(Duration::from_secs(10));
        scene.backend.fetch_many(&cx, &requests, &mut batch).await;
        clock.advance(Duration::from_secs(25 * 3600));
    }
    let asked = scene.server.requests();
    let names: Vec<_> = asked
        .iter()
        .filter(|request| operation(request) == "DescribeSecret")
        .map(|request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            body["SecretId"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(names, ["db", "key", "token", "db"]);
}

#[tokio::test]
async fn a_question_without_an_answer_holds_up_one_secret_of_a_batch_at_most() {
    for forbidden in [&[][..], &["BatchGetSecretValue"]] {
        let scene = scene();
        scene.store.put("key", b"two");
        scene.store.put("token", b"three");
        scene.store.state().forbidden.extend(forbidden);
        scene.script(|request| (operation(request) == "DescribeSecret").then(Answer::hang));
        let requests = ["db", "absent", "key", "token"].map(Request::new);
        let mut batch = Batch::new(4);
        let (backend, cx) = (&scene.backend, scene.cx());
        let call = backend.fetch_many(&cx, &requests, &mut batch);
        let dropped = tokio::time::timeout(Duration::from_secs(1), call).await;
        assert!(dropped.is_err(), "the question was answered");
        assert!(batch.open().count() <= 1);
        let fine = batch.into_answers().into_iter().filter(Result::is_ok);
        assert!(fine.count() >= 2);
        assert_eq!(asked(&scene), 1);
    }
}

#[tokio::test]
async fn nobody_asks_where_it_is_switched_off() {
    let scene = Scene::start();
    scene.store.put("db", b"one");
    scene.fetch(&Request::new("db")).await.unwrap();
    assert_eq!(asked(&scene), 0);
}
