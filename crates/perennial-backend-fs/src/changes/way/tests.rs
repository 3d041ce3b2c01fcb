//! Which places a way has, and that it ends at the edge of the ground.

use std::os::unix::fs::symlink;

use super::*;

struct Scene {
    dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        for folder in ["p/a/b", "p/db/..1", "outside"] {
            fs::create_dir_all(scene.path(folder)).unwrap();
        }
        for file in [
            "p/a/b/c",
            "p/db/..1/user",
            "p/db/..1/key",
            "p/db/stray",
            "outside/file",
        ] {
            fs::write(scene.path(file), "canary").unwrap();
        }
        let links = [
            ("p/db/..data", "..1"),
            ("p/db/user", "..data/user"),
            ("p/up", "a/../a/b/c"),
            ("p/loop", "loop"),
            ("p/out", "../outside/file"),
            ("p/parent", ".."),
        ];
        for (link, target) in links {
            symlink(target, scene.path(link)).unwrap();
        }
        symlink(scene.path("p/a"), scene.path("p/absolute")).unwrap();
        symlink(scene.path("outside"), scene.path("p/absolute-out")).unwrap();
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn explore(&self, resource: &str) -> Way {
        let ground = Ground::find(&self.path("p")).unwrap();
        Way::explore(&ground, resource, 9)
    }

    /// Compares the places of which any change counts, and the directories whose files do.
    #[track_caller]
    fn check(&self, resource: &str, points: &str, folders: &str) {
        let ground = Ground::find(&self.path("p")).unwrap();
        let told = |paths: &mut dyn Iterator<Item = &PathBuf>| {
            let below = paths.map(|path| path.strip_prefix(ground.path()).unwrap().to_str());
            let mut below: Vec<_> = below.map(|path| path.unwrap().to_owned()).collect();
            below.retain(|path| !path.is_empty());
            below.join(" ")
        };
        let way = self.explore(resource);
        assert_eq!(told(&mut way.points()), points, "{resource}");
        assert_eq!(told(&mut way.folders()), folders, "{resource}");
    }
}

#[test]
fn each_step_and_each_link_is_on_the_way() {
    let scene = Scene::new();
    scene.check("a/b/c", "a a/b a/b/c", "");
    scene.check("a/b", "a a/b a/b/..data", "a/b");
    scene.check("a/b/c/d", "a a/b a/b/c", "");
    scene.check("a/x/y", "a a/x", "");
    scene.check("db/user", "db db/..1 db/..1/user db/..data db/user", "");
    scene.check("db", "db db/..1 db/..data", "db/..1");
    scene.check("up", "a a/b a/b/c up", "");
    scene.check("absolute/b/c", "a a/b a/b/c absolute", "");
    scene.check("loop", "loop", "");
}

#[test]
fn a_way_ends_where_it_leaves_the_ground() {
    let scene = Scene::new();
    scene.check("out", "out", "");
    scene.check("parent/outside/file", "parent", "");
    scene.check("absolute-out/file", "absolute-out", "");
    for none in ["", "..", "../outside", "a/../../outside", "/etc", "a//b"] {
        scene.check(none, "", "");
        assert_eq!(scene.explore(none).passed().count(), 0);
    }
}

#[test]
fn a_way_looks_different_if_and_only_if_something_changed() {
    let scene = Scene::new();
    for resource in ["a/b/c", "a/b", "db", "db/user", "up", "nothing"] {
        let before = scene.explore(resource);
        assert!(scene.explore(resource).looks_like(&before), "{resource}");
    }
    let before = ["a/b/c", "a/b", "db"].map(|resource| scene.explore(resource));
    fs::write(scene.path("p/a/b/c"), "canary 2").unwrap();
    fs::write(scene.path("p/db/..1/user"), "canary 2").unwrap();
    for way in before {
        let resource = way.sights.first().unwrap().0.clone();
        let again = ["a/b/c", "a/b", "db"].map(|resource| scene.explore(resource));
        assert!(
            !again.iter().any(|other| other.looks_like(&way)),
            "{resource:?}"
        );
    }
}

#[test]
fn a_ground_that_is_no_directory_is_none() {
    let scene = Scene::new();
    assert_eq!(Ground::find(&scene.path("nowhere")), None);
    assert_eq!(Ground::find(&scene.path("outside/file")), None);
    let before = Ground::find(&scene.path("p"));
    assert!(before.is_some());
    assert_eq!(Ground::find(&scene.path("p")), before);
}
