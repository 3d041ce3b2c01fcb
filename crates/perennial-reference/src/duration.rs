//! Spans of time as options write them: seconds, or a whole number with a unit.

use core::fmt;
use core::time::Duration;

/// The longest span that an option may ask for, as in the original: about three years.
pub(crate) const LONGEST: Duration = Duration::from_secs(100_000_000);

/// What [`parse`] takes, for messages.
pub(crate) const EXPECTED: &str = "seconds such as `600` or `0.5`, or a whole number and a unit \
    such as `30s`, `5m`, `6h` or `1d`, at most 100000000 seconds";

/// `1*DIGIT [ "." 1*9DIGIT ]` seconds, or `1*DIGIT ( "s" / "m" / "h" / "d" )`.
///
/// Nothing else: no sign, exponent, blank, `inf` or `nan`, and no more than [`LONGEST`].
#[inline]
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let (whole, rest) = leading_number(text.as_bytes())?;
    let span = match rest {
        [] | [b's'] => Duration::from_secs(whole),
        [b'm'] => Duration::from_secs(whole.checked_mul(60)?),
        [b'h'] => Duration::from_secs(whole.checked_mul(60 * 60)?),
        [b'd'] => Duration::from_secs(whole.checked_mul(24 * 60 * 60)?),
        [b'.', fraction @ ..] => Duration::new(whole, nanoseconds(fraction)?),
        _ => return None,
    };
    (span <= LONGEST).then_some(span)
}

/// Reads a span as the cache options write it: bare seconds, with a fraction if need be, or a whole
/// number with `s`, `m`, `h` or `d`; `None` for anything else and for more than 100,000,000 seconds.
///
/// ```
/// use core::time::Duration;
/// use perennial_reference::parse_duration;
///
/// assert_eq!(parse_duration("6h"), Some(Duration::from_secs(21_600)));
/// assert_eq!(parse_duration("0.5"), Some(Duration::from_millis(500)));
/// assert_eq!(parse_duration("-1"), None);
/// ```
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    parse(text)
}

/// `1*DIGIT`, as far as it fits.
pub(crate) fn number(digits: &str) -> Option<u64> {
    leading_number(digits.as_bytes())
        .filter(|(_, rest)| rest.is_empty())
        .map(|(number, _)| number)
}

/// The number that a text begins with, and what follows its digits.
#[inline]
fn leading_number(text: &[u8]) -> Option<(u64, &[u8])> {
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    let (mut number, mut rest) = (0_u64, text);
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        number = number
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
        rest = after;
    }
    Some((number, rest))
}

/// The digits after the point.
fn nanoseconds(fraction: &[u8]) -> Option<u32> {
    if fraction.is_empty() || fraction.len() > NANO_DIGITS {
        return None;
    }
    let padded = fraction
        .iter()
        .chain(core::iter::repeat(&b'0'))
        .take(NANO_DIGITS);
    padded.copied().try_fold(0_u32, |sum, b| {
        b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0'))
    })
}

/// Prints a span as bare seconds, with a fraction only where there is one.
pub(crate) struct Seconds(pub(crate) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_secs())?;
        let (mut fraction, mut width) = (self.0.subsec_nanos(), NANO_DIGITS);
        if fraction == 0 {
            return Ok(());
        }
        while fraction % 10 == 0 {
            fraction /= 10;
            width -= 1;
        }
        write!(f, ".{fraction:0width$}")
    }
}

const NANO_DIGITS: usize = 9;

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString};

    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, printed: Option<&str>) {
        let found = parse(text).map(|span| Seconds(span).to_string());
        assert_eq!(found.as_deref(), printed, "{text:?}");
    }

    #[test]
    fn seconds_and_units_are_taken() {
        check("0", Some("0"));
        check("600", Some("600"));
        check("0600", Some("600"));
        check("30s", Some("30"));
        check("5m", Some("300"));
        check("6h", Some("21600"));
        check("1d", Some("86400"));
        check("0.5", Some("0.5"));
        check("1.50", Some("1.5"));
        check("1.000000001", Some("1.000000001"));
        check("2.0", Some("2"));
        check("100000000", Some("100000000"));
        check("100000000.0", Some("100000000"));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            " ",
            "5 ",
            " 5",
            "-1",
            "+1",
            "1e3",
            "0x10",
            "inf",
            "nan",
            "abc",
            "s",
            "1.",
            ".5",
            "1.5m",
            "1.0s",
            "1ms",
            "1d12h",
            "5M",
            "1.0000000001",
            "100000000.000000001",
            "100000001",
            "1158d",
            "99999999999999999999",
            "99999999999999999d",
            "٣",
            "1,5",
            "1.٣",
        ] {
            check(text, None);
        }
    }

    /// Reads the same texts in a slow and obvious way.
    fn model(text: &str) -> Option<String> {
        let units = [('s', 1_u128), ('m', 60), ('h', 3_600), ('d', 86_400)];
        let unit = units
            .iter()
            .find_map(|(c, unit)| Some((text.strip_suffix(*c)?, *unit)));
        let (amount, unit) = unit.unwrap_or((text, 0));
        let (whole, fraction) = match amount.split_once('.') {
            Some((whole, fraction)) if unit == 0 && (1..=9).contains(&fraction.len()) => {
                (whole, format!("{fraction:0<9}"))
            }
            Some(_) => return None,
            None => (amount, "000000000".into()),
        };
        if whole.is_empty()
            || !whole
                .chars()
                .chain(fraction.chars())
                .all(|c| c.is_ascii_digit())
        {
            return None;
        }
        let whole: u128 = whole.parse().ok()?;
        let nanoseconds = whole.checked_mul(unit.max(1) * 1_000_000_000)?;
        let nanoseconds = nanoseconds.checked_add(fraction.parse().unwrap())?;
        if nanoseconds > 100_000_000 * 1_000_000_000 {
            return None;
        }
        let printed = format!(
            "{}.{:09}",
            nanoseconds / 1_000_000_000,
            nanoseconds % 1_000_000_000
        );
        Some(printed.trim_end_matches('0').trim_end_matches('.').into())
    }

    proptest! {
        #[test]
        fn the_parser_agrees_with_a_naive_model(text in "[0-9]{0,22}(\\.[0-9]{0,11})?[smhdx -]?") {
            prop_assert_eq!(parse(&text).map(|span| Seconds(span).to_string()), model(&text));
        }

        #[test]
        fn what_is_printed_is_read_back(whole in 0_u64..100_000_000, nanos in 0_u32..1_000_000_000) {
            let span = Duration::new(whole, nanos);
            prop_assert_eq!(parse(&Seconds(span).to_string()), Some(span));
        }
    }
}
