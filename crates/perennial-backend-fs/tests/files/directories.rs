//! A directory: its files are members, each read under the same rules.

use std::fs;

use perennial_backend::{Payload, Request};
use perennial_backend_fs::Files;

use crate::fetch::{check, fetch};
use crate::stage::Stage;

#[test]
fn the_files_of_a_directory_are_its_members() {
    let stage = Stage::new();
    stage.write("db/user", "alice\n");
    stage.write("db/password.txt", "pa55\r\n");
    stage.write("db/empty", "");
    stage.write("db/.pgpass", "hidden");
    stage.write("db/sub/file", "canary");
    stage.write("db/..tmp", "canary");
    stage.link("db/alias", "user");
    stage.link("db/elsewhere", "../other/file");
    stage.link("db/folder", "sub");
    stage.write("other/file", "shared");
    fs::create_dir(stage.below("none")).unwrap();
    let files = stage.files();
    check(
        &files,
        "db",
        ".pgpass=hidden\nalias=alice\nelsewhere=shared\nempty=\npassword.txt=pa55\nuser=alice\n",
    );
    check(&files, "db/sub", "file=canary\n");
    check(&files, "none", "");
}

#[test]
fn a_member_that_cannot_be_read_holds_its_error_and_spoils_no_other() {
    let stage = Stage::new();
    stage.write("db/fine", "12345");
    stage.write("db/large", "canary");
    stage.link("db/dangling", "nowhere");
    stage.link("db/loop", "loop");
    stage.link("db/out", "../../outside");
    fs::write(stage.beside("outside"), "canary").unwrap();
    drop(std::os::unix::net::UnixListener::bind(stage.below("db/socket")).unwrap());
    let files = Files::new(stage.config().with_max_size(5)).unwrap();
    check(
        &files,
        "db",
        "dangling: not_found: `db/dangling` is behind a link to something that does not exist \
         (ENOENT)\n\
         fine=12345\n\
         large: invalid_reference: `db/large` has more than 5 bytes\n\
         loop: invalid_reference: `db/loop` lies behind too many links or directories\n\
         out: invalid_reference: `db/out` leads out of the vault's prefix through a link\n\
         socket: invalid_reference: `db/socket` is neither a file nor a directory\n",
    );
}

#[test]
fn a_directory_has_limits() {
    let stage = Stage::new();
    for name in ["a", "b", "c"] {
        stage.write(&format!("db/{name}"), "12345");
    }
    stage.write("db/sub/file", "not counted");
    let config = || stage.config();
    let three = Files::new(config().with_max_files(3).with_max_total(15)).unwrap();
    check(&three, "db", "a=12345\nb=12345\nc=12345\n");
    check(
        &Files::new(config().with_max_files(2)).unwrap(),
        "db",
        "invalid_reference: `db` has more than 2 files",
    );
    check(
        &Files::new(config().with_max_total(14)).unwrap(),
        "db",
        "invalid_reference: `db` has files of more than 14 bytes together",
    );
}

#[test]
fn a_directory_of_a_thousand_files_comes_whole() {
    let stage = Stage::new();
    for number in 0..1000 {
        stage.write(&format!("many/file{number}"), format!("value {number}"));
    }
    let fetched = fetch(&stage.files(), &Request::new("many")).unwrap();
    let Payload::Members(members) = fetched.payload() else {
        panic!("members were expected");
    };
    assert_eq!(members.len(), 1000);
    for number in 0..1000 {
        let member = members.member(&format!("file{number}")).unwrap().unwrap();
        assert_eq!(member.expose(), format!("value {number}").as_bytes());
    }
    stage.write("many/one-more", "");
    check(
        &stage.files(),
        "many",
        "invalid_reference: `many` has more than 1000 files",
    );
}
