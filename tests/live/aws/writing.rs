//! A whole rotation by the writer: create, put as pending, promote, retire.

use perennial_backend::{
    Backend, Batch, ErrorKind, Expected, Promote, Put, Request, Secret, Selector, Version,
    VersionState, VersionedWriter,
};

use super::moto::{Moto, cx, read, text};

#[tokio::test]
#[ignore = "needs moto: cargo xtask live aws"]
async fn a_secret_lives_through_a_whole_rotation() {
    let moto = Moto::start().await;
    let backend = moto.backend();
    let writer: &dyn VersionedWriter = &backend;
    let make = Put::new("db", Secret::from("one")).with_expected(Expected::Nothing);
    let first = writer.put(&cx(), &make).await.unwrap();
    assert_eq!(read(&backend, "db").await.unwrap(), "one");

    let next = Put::new("db", Secret::from("two"))
        .with_expected(Expected::Version(first.clone()))
        .with_token("rotation-1");
    let second = writer.put(&cx(), &next).await.unwrap();
    assert_eq!(writer.put(&cx(), &next).await.unwrap(), second);
    let ask = async |selector: Selector| {
        let request = Request::new("db").with_selector(selector);
        let fetched = backend.fetch(&cx(), &request).await;
        fetched
            .map(|fetched| text(&fetched))
            .map_err(|error| error.kind())
    };
    assert_eq!(ask(Selector::Current).await.unwrap(), "one");
    assert_eq!(ask(Selector::Pending).await.unwrap(), "two");

    let stranger = Expected::Version(Version::new("00000000-0000-4000-8000-000000000000"));
    let promote = Promote::new("db", second.clone());
    let wrong = promote.clone().with_expected(stranger);
    assert!(writer.promote(&cx(), &wrong).await.is_err());
    assert_eq!(ask(Selector::Current).await.unwrap(), "one");
    let right = promote.with_expected(Expected::Version(first.clone()));
    writer.promote(&cx(), &right).await.unwrap();
    assert_eq!(ask(Selector::Current).await.unwrap(), "two");
    assert_eq!(ask(Selector::Previous).await.unwrap(), "one");
    assert_eq!(ask(Selector::Pending).await, Err(ErrorKind::NotFound));

    // A batch of this emulator still brings the version before, which is not believed.
    let other = Put::new("key", Secret::from("key")).with_expected(Expected::Nothing);
    writer.put(&cx(), &other).await.unwrap();
    let requests = ["db", "key"].map(Request::new);
    let mut batch = Batch::new(2);
    backend.fetch_many(&cx(), &requests, &mut batch).await;
    let came: Vec<_> = batch
        .into_answers()
        .into_iter()
        .map(|answer| text(&answer.unwrap()))
        .collect();
    assert_eq!(came, ["two", "key"]);

    let listed = writer.versions(&cx(), "db").await.unwrap();
    let states: Vec<_> = listed
        .iter()
        .map(|(version, state)| (version.id(), *state))
        .collect();
    assert!(
        states.contains(&(second.id(), VersionState::Current)),
        "{states:?}"
    );
    assert!(
        states.contains(&(first.id(), VersionState::Previous)),
        "{states:?}"
    );
    writer.retire(&cx(), "db", &first).await.unwrap();
    assert_eq!(ask(Selector::Previous).await, Err(ErrorKind::NotFound));
    let error = writer.retire(&cx(), "db", &second).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidReference);
    assert_eq!(ask(Selector::Current).await.unwrap(), "two");
}
