//! Dates as the server writes them and as AWS wants them: text in, time out, and the other way.

use std::time::Duration;

use perennial_backend::UnixTime;

/// Reads a date of RFC 3339; an empty text, or a date before 1970, is none.
pub(crate) fn parse(text: &str) -> Option<UnixTime> {
    let (date, rest) = text.split_once(['T', 't'])?;
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (
        number(parts.next()?, 4)?,
        number(parts.next()?, 2)?,
        number(parts.next()?, 2)?,
    );
    let zone = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = rest.split_at_checked(zone)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.splitn(3, ':');
    let (hour, minute, second) = (
        number(parts.next()?, 2)?,
        number(parts.next()?, 2)?,
        number(parts.next()?, 2)?,
    );
    let fits = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !fits {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let seconds = u64::try_from(seconds - offset(zone)?).ok()?;
    let whole = Duration::from_secs(seconds);
    Some(UnixTime::from_epoch(whole + nanos(fraction)?))
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// Returns how many seconds a zone is ahead.
fn offset(zone: &str) -> Option<i64> {
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => return Some(0),
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    Some(sign * (number(hours, 2)? * 3600 + number(minutes, 2)? * 60))
}

fn nanos(fraction: &str) -> Option<Duration> {
    let plain = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !plain {
        return None;
    }
    let nanos = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Some(Duration::from_nanos(nanos))
}

/// Returns the days since 1970-01-01 (Howard Hinnant's `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Writes a time as AWS wants it: `20150830T123600Z`.
pub(crate) fn basic(at: UnixTime) -> String {
    let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    let (day, clock) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The other way round (Howard Hinnant's `civil_from_days`).
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year + i64::from(month <= 2);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_of_the_server_are_read() {
        let check = |text: &str, expected: Option<(u64, u32)>| {
            let expected =
                expected.map(|(secs, nanos)| UnixTime::from_epoch(Duration::new(secs, nanos)));
            assert_eq!(parse(text), expected, "{text}");
        };
        check("1970-01-01T00:00:00Z", Some((0, 0)));
        check(
            "2018-03-22T02:24:06.945319214Z",
            Some((1_521_685_446, 945_319_214)),
        );
        check("2018-03-22T02:24:06.9Z", Some((1_521_685_446, 900_000_000)));
        check("2018-03-22T04:24:06+02:00", Some((1_521_685_446, 0)));
        check("2018-03-21T21:54:06-04:30", Some((1_521_685_446, 0)));
        check("2024-02-29T00:00:00Z", Some((1_709_164_800, 0)));
        check("2000-12-31T23:59:60Z", Some((978_307_200, 0)));
        for none in [
            "",
            "0001-01-01T00:00:00Z",
            "2018-03-22",
            "2018-03-22T02:24:06",
            "2018-13-22T02:24:06Z",
            "2018-3-22T02:24:06Z",
            "2018-03-22T02:24:06.Z",
            "2018-03-22T02:24:06.1x2Z",
            "2018-03-22T2:24:06Z",
            "ä018-03-22T02:24:06Z",
            "2018-03-22T02:24:06ä",
        ] {
            check(none, None);
        }
    }

    #[test]
    fn a_time_is_written_as_aws_wants_it() {
        let check = |secs, text: &str| assert_eq!(basic(UnixTime::from_secs(secs)), text);
        check(0, "19700101T000000Z");
        check(1_440_938_160, "20150830T123600Z");
        check(1_709_164_799, "20240228T235959Z");
        check(1_709_164_800, "20240229T000000Z");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[0-9TZ:.+-]{0,40}|.{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_written_is_read_again(secs in 0_u64..253_402_300_799) {
            let text = basic(UnixTime::from_secs(secs));
            let mut written = text.clone();
            for (place, sign) in [(13, ":"), (11, ":"), (6, "-"), (4, "-")] {
                written.insert_str(place, sign);
            }
            prop_assert_eq!(parse(&written), Some(UnixTime::from_secs(secs)));
        }
    }
}
