//! When the date of the next rotation is asked for, and that no read depends on it.

use std::time::Duration;

use perennial_backend::{Backend, Batch, Purpose, Request, Secret, Selector};
use perennial_testkit::http::Answer;

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
async fn where_it_is_denied_reads_go_on_and_nobody_asks_again() {
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
async fn nobody_asks_where_it_is_switched_off() {
    let scene = Scene::start();
    scene.store.put("db", b"one");
    scene.fetch(&Request::new("db")).await.unwrap();
    assert_eq!(asked(&scene), 0);
}
