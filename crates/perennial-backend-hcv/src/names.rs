//! Names of secrets, mounts and namespaces: none of them can climb out of its place.
//!
//! Escaping is the client's; what it would drop or decode is refused here.

/// Returns what is wrong with a path of the store, if anything is.
///
/// A path is made of parts between single slashes. Invariant: what passes has the same number of
/// parts, none of which is empty or climbs, however often somebody in between decodes it.
pub(crate) fn flaw(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("is empty");
    }
    path.split('/').find_map(flaw_of_part)
}

fn flaw_of_part(part: &str) -> Option<&'static str> {
    if part.is_empty() {
        return Some("has an empty part");
    }
    if part.chars().any(char::is_control) {
        return Some("has a control character");
    }
    if part.trim() != part {
        return Some("has a part that begins or ends with a blank");
    }
    let mut decoded = part.as_bytes().to_vec();
    loop {
        if decoded.iter().any(|byte| matches!(byte, b'/' | b'\\')) {
            return Some("has an escaped slash or a backslash");
        }
        if decoded == b"." || decoded == b".." {
            return Some("has `.` or `..` among its parts");
        }
        let next = decode_once(&decoded);
        if next == decoded {
            return None;
        }
        if next.iter().any(|byte| byte.is_ascii_control()) {
            return Some("has an escaped control character");
        }
        decoded = next;
    }
}

/// Decodes `%41` and the like; what is no such escape stays.
fn decode_once(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let pair = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match (pair, after) {
            (Some((high, low)), [_, _, tail @ ..]) => {
                decoded.push(high << 4 | low);
                rest = tail;
            }
            _ => decoded.push(*first),
        }
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// Takes slashes off both ends, as the original does with mounts.
pub(crate) fn trimmed(path: &str) -> &str {
    path.trim_matches('/')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_that_could_mean_another_place_are_refused() {
        let check = |path: &str, expected: Option<&str>| {
            let found = flaw(path);
            assert_eq!(
                found.is_some(),
                expected.is_some(),
                "{path:?} gave {found:?}"
            );
            if let (Some(found), Some(expected)) = (found, expected) {
                assert!(found.contains(expected), "{path:?} gave {found:?}");
            }
        };
        for fine in [
            "db", "app/db", "=outside", "a b", "ä/ö", "a?b", "a#b", "100%", "%zz", "...", "a..b",
            ".hidden", "%41",
        ] {
            check(fine, None);
        }
        check("", Some("empty"));
        check("/db", Some("empty part"));
        check("db/", Some("empty part"));
        check("a//b", Some("empty part"));
        check("..", Some("`..`"));
        check(".", Some("`..`"));
        check("a/../b", Some("`..`"));
        check("%2e%2e/outside", Some("`..`"));
        check("%2E.", Some("`..`"));
        check("%252e%252e", Some("`..`"));
        check("%25252e", Some("`..`"));
        check("a%2fb", Some("slash"));
        check("a%252Fb", Some("slash"));
        check("..\\outside", Some("backslash"));
        check("a%5cb", Some("backslash"));
        check("a\tb", Some("control"));
        check("a%0ab", Some("control"));
        check("a%2500", Some("control"));
        check(" a", Some("blank"));
        check("a /b", Some("blank"));
    }

    proptest! {
        #[test]
        fn what_passes_has_no_climbing_part_at_any_depth_of_decoding(path in ".{0,24}") {
            if flaw(&path).is_none() {
                let parts = path.split('/').count();
                let mut bytes = path.into_bytes();
                for _ in 0..8 {
                    prop_assert_eq!(bytes.split(|byte| *byte == b'/').count(), parts);
                    for part in bytes.split(|byte| *byte == b'/') {
                        prop_assert!(!part.is_empty() && part != b"." && part != b"..");
                    }
                    bytes = decode_once(&bytes);
                }
            }
        }

        #[test]
        fn dots_are_found_however_they_are_escaped(depth in 0_usize..6, both in any::<bool>()) {
            let mut dots = if both { "..".to_owned() } else { "%2e.".to_owned() };
            for _ in 0..depth {
                dots = dots.replace('%', "%25");
            }
            let path = format!("a/{dots}/b");
            prop_assert!(flaw(&path).is_some());
        }
    }
}
