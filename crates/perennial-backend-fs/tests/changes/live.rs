//! As the driver does it: on a runtime of one thread, with others that block.

use std::time::Duration;

use perennial_backend::{Backend, Hint};
use perennial_backend_fs::Watch;
use perennial_testkit::LiveRuntime;

use crate::stage::Stage;

#[tokio::test]
async fn changes_are_told_on_a_real_runtime() {
    for watch in [Watch::Auto, Watch::Poll] {
        let stage = Stage::new();
        stage.write("a", "canary");
        let files = perennial_backend_fs::Files::new(stage.config().with_watch(watch)).unwrap();
        let cx = LiveRuntime::new().context(Duration::from_secs(20));
        let changes = files.facets().changes().unwrap();
        changes.watch("a");
        let mut hints = changes.subscribe(&cx).await.unwrap();
        let story = async {
            assert_eq!(hints.next().await, Some(Hint::Resource("a".into())));
            for length in 10..12 {
                stage.write("a", "c".repeat(length));
                assert_eq!(hints.next().await, Some(Hint::Resource("a".into())));
            }
        };
        tokio::time::timeout(cx.remaining(), story).await.unwrap();
    }
}
