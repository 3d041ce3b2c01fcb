//! Which names may be looked for below the prefix; what they lead to is not seen here.

/// Returns whether a name is made of plain parts: it cannot point anywhere but downwards.
pub(crate) fn is_plain(name: &str) -> bool {
    name.len() <= LONGEST && name.split('/').count() <= DEEPEST && name.split('/').all(is_part)
}

/// Returns whether a file of this name is a member of its directory. What begins with two dots
/// belongs to whoever writes the directory: that is how Kubernetes keeps the versions of a volume.
pub(crate) fn is_member(name: &str) -> bool {
    name != "." && !name.starts_with("..")
}

fn is_part(part: &str) -> bool {
    let foreign: &[char] = if cfg!(windows) {
        // Another separator, and what parts drives and streams from names.
        &['\0', '\\', ':']
    } else {
        &['\0']
    };
    !matches!(part, "" | "." | "..") && !part.contains(foreign)
}

/// How long the paths are that systems take.
const LONGEST: usize = 4095;
/// Each directory on the way is held open, and a process has a limited number of those.
const DEEPEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_plain_parts() {
        let check = |name: &str, plain: bool| assert_eq!(is_plain(name), plain, "{name:?}");
        for name in [
            "a", "a/b", ".a", "..a", "...", "a b", "ä", "a./.b", "-", "~", "%2e%2e", "..data/x",
        ] {
            check(name, true);
        }
        for name in [
            "", ".", "..", "/", "/a", "a/", "a//b", "./a", "a/.", "../a", "a/..", "a/../b", "\0",
            "a\0b",
        ] {
            check(name, false);
        }
        check("..\\a", !cfg!(windows));
        check("c:a", !cfg!(windows));
        check(&"a".repeat(4095), true);
        check(&"a".repeat(4096), false);
        check(&vec!["a"; 64].join("/"), true);
        check(&vec!["a"; 65].join("/"), false);
    }

    #[test]
    fn names_with_two_dots_in_front_are_no_members() {
        for (name, member) in [
            ("a", true),
            (".a", true),
            (".dockerconfigjson", true),
            (".", false),
            ("..", false),
            ("..data", false),
            ("..2026_11_26_20_00_00.123", false),
        ] {
            assert_eq!(is_member(name), member, "{name}");
        }
    }
}
