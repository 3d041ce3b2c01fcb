//! The exact words of every failure.

use super::*;

const FILE: Site<'_> = Site {
    resource: "db/password",
    member: None,
};
const MEMBER: Site<'_> = Site {
    resource: "db",
    member: Some("user"),
};

#[track_caller]
fn check(error: &Error, expected: &str) {
    let help = error.help().unwrap_or("-");
    let code = error.cause().and_then(Cause::code).unwrap_or("-");
    assert_eq!(
        format!("{}: {error} | {help} | {code}", error.kind()),
        expected
    );
}

#[cfg(unix)]
fn errno(errno: Errno) -> Obstacle {
    Obstacle::System(errno.into())
}

#[cfg(unix)]
#[test]
fn what_the_system_says_has_a_kind_and_keeps_its_name() {
    check(
        &FILE.obstacle(&errno(Errno::NOENT), false),
        "not_found: `db/password` does not exist | files are looked for below the vault's prefix | \
         ENOENT",
    );
    check(
        &FILE.obstacle(&errno(Errno::NOTDIR), false),
        "not_found: `db/password` does not exist | files are looked for below the vault's prefix | \
         ENOTDIR",
    );
    check(
        &MEMBER.obstacle(&errno(Errno::NOENT), true),
        "not_found: `db/user` is behind a link to something that does not exist | - | ENOENT",
    );
    check(
        &MEMBER.obstacle(&errno(Errno::ACCESS), false),
        "permission_denied: `db/user` may not be read by this process | let the user of this \
         process read it, and enter every directory on the way | EACCES",
    );
    check(
        &FILE.obstacle(&errno(Errno::STALE), true),
        "unavailable: `db/password` cannot be read now | - | ESTALE",
    );
    check(
        &FILE.obstacle(&errno(Errno::NAMETOOLONG), false),
        "invalid_reference: `db/password` cannot be the name of a file here | - | ENAMETOOLONG",
    );
    check(
        &FILE.system(&Errno::DEADLK.into()),
        &format!(
            "unexpected: `db/password` cannot be read | - | errno {}",
            Errno::DEADLK.raw_os_error()
        ),
    );
    check(
        &FILE.system(&io::ErrorKind::UnexpectedEof.into()),
        "unexpected: `db/password` cannot be read | - | UnexpectedEof",
    );
}

#[test]
fn our_own_rules_say_what_they_ask() {
    check(
        &Site {
            resource: "../x",
            member: None,
        }
        .not_plain(),
        "invalid_reference: `../x` is no name of a file below the prefix | use names parted by \
         single slashes, none of them `.` or `..`, for example `db/password` | -",
    );
    check(
        &FILE.obstacle(&Obstacle::Outside, true),
        "invalid_reference: `db/password` leads out of the vault's prefix through a link | links \
         are followed only as long as they stay below the prefix | -",
    );
    check(
        &FILE.obstacle(&Obstacle::Endless, true),
        "invalid_reference: `db/password` lies behind too many links or directories | see whether \
         a link leads back to itself | -",
    );
    check(
        &FILE.obstacle(&Obstacle::Special, false),
        "invalid_reference: `db/password` is neither a file nor a directory | pipes, sockets and \
         devices are not read | -",
    );
    check(
        &MEMBER.failure(&read::Failure::TooLarge, 9),
        "invalid_reference: `db/user` has more than 9 bytes | raise `max_size` if it has to be that \
         much | -",
    );
    check(
        &MEMBER.failure(&read::Failure::Restless, 9),
        "unavailable: `db/user` is written faster than it can be read | write to another name and \
         rename it into place | -",
    );
    check(
        &FILE.too_many(3),
        "invalid_reference: `db/password` has more than 3 files | raise `max_files` if it has to be \
         that much | -",
    );
    check(
        &FILE.too_much(3),
        "invalid_reference: `db/password` has files of more than 3 bytes together | raise \
         `max_total` if it has to be that much | -",
    );
}

#[cfg(unix)]
#[test]
fn a_prefix_that_is_not_there_is_unavailable() {
    let check = |errno: Errno, expected: &str| {
        check(&prefix(Path::new("/run/secrets"), &errno.into()), expected);
    };
    check(
        Errno::NOENT,
        "unavailable: the vault's prefix `/run/secrets` does not exist | mount the volume, or \
         correct the setting `prefix` | ENOENT",
    );
    check(
        Errno::NOTDIR,
        "invalid_config: the vault's prefix `/run/secrets` is not a directory | set `prefix` to a \
         directory, for example `/run/secrets` | ENOTDIR",
    );
    check(
        Errno::ACCESS,
        "permission_denied: the vault's prefix `/run/secrets` may not be entered by this process | \
         let the user of this process enter every directory on the way | EACCES",
    );
    check(
        Errno::LOOP,
        "invalid_config: the vault's prefix `/run/secrets` cannot be a directory here | set \
         `prefix` to a directory, for example `/run/secrets` | ELOOP",
    );
    check(
        Errno::IO,
        "unavailable: the vault's prefix `/run/secrets` cannot be entered now | see whether the \
         volume is in order | EIO",
    );
}

#[test]
fn context_names_the_file_the_member_and_the_limit() {
    let error = MEMBER.failure(&read::Failure::TooLarge, 9);
    assert_eq!(error.operation(), Some(Operation::Fetch));
    let context: Vec<_> = error.context().collect();
    assert_eq!(
        context,
        [
            (ContextKey::Resource, "db"),
            (ContextKey::File, "db/user"),
            (ContextKey::Key, "user"),
            (ContextKey::Limit, "max_size=9"),
        ]
    );
}

#[test]
fn control_characters_of_a_name_are_spelled_out() {
    let odd = Site {
        resource: "db",
        member: Some("a\n\u{1b}[1m'ä"),
    };
    assert_eq!(odd.file(), "db/a\\n\\u{1b}[1m'ä");
}

#[cfg(unix)]
#[test]
fn the_table_is_sorted_and_has_each_failure_once() {
    let names: Vec<_> = TABLE.iter().map(|(_, name, _)| *name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
}
