//! Finds bytes, many at a time; what they mean is not known here.
//!
//! Calling `memchr` costs more than looking at the few bytes of a part, so the search is inlined
//! here, eight bytes a step.

/// Returns where the first byte is that is one of `needles`.
#[inline]
pub(crate) fn find<const N: usize>(bytes: &[u8], needles: [u8; N]) -> Option<usize> {
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk() {
        if let Some(at) = find_in_word(word, needles) {
            return Some(bytes.len() - rest.len() + at);
        }
        rest = after;
    }
    match bytes.last_chunk::<WORD>() {
        // Some of these were looked at already, and are none of the needles.
        Some(word) => find_in_word(word, needles).map(|at| bytes.len() - WORD + at),
        None => bytes.iter().position(|byte| needles.contains(byte)),
    }
}

#[inline]
fn find_in_word<const N: usize>(word: &[u8; WORD], needles: [u8; N]) -> Option<usize> {
    let word = u64::from_le_bytes(*word);
    let hits = needles.into_iter().fold(0, |hits, needle| {
        // A byte is zero where the needle is. The lowest zero byte, and none below it, has its
        // high bit set by the subtraction and had it clear before.
        let zero = word ^ (ONES * u64::from(needle));
        hits | (zero.wrapping_sub(ONES) & !zero)
    }) & (ONES << 7);
    (hits != 0).then(|| hits.trailing_zeros() as usize / 8)
}

/// Splits at the first `byte`, which must be ASCII.
#[inline]
pub(crate) fn cut(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = find(text.as_bytes(), [byte])?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

const WORD: usize = 8;

/// A one in each byte of a word.
const ONES: u64 = 0x0101_0101_0101_0101;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_hit_is_found(text in "[ab]{0,50}") {
            prop_assert_eq!(find(text.as_bytes(), [b'b']), text.find('b'));
            prop_assert_eq!(cut(&text, b'b'), text.split_once('b'));
        }

        #[test]
        fn the_first_of_several_is_found(text in "[abc\u{e1}\u{3}]{0,50}") {
            prop_assert_eq!(find(text.as_bytes(), [b'b', b'c']), text.find(['b', 'c']));
        }

        #[test]
        fn a_late_hit_is_found(before in "a{0,50}", after in "[ab]{0,20}") {
            let text = before + "b" + &after;
            prop_assert_eq!(cut(&text, b'b'), text.split_once('b'));
        }
    }
}
