//! Limits, growth, changes under way, and newlines, from a source that does what it is told.

use std::cell::Cell;
use std::collections::VecDeque;
use std::time::Duration;

use super::*;

/// What a read brings.
#[derive(Clone, Copy)]
enum Act {
    Bytes(&'static [u8]),
    Fail(io::ErrorKind),
    /// The file is written: its length becomes this.
    Written(u64),
}

struct Script {
    len: Cell<u64>,
    writes: Cell<u64>,
    acts: VecDeque<Act>,
    whole: Vec<Act>,
}

impl Script {
    fn new(len: u64, acts: &[Act]) -> Self {
        Self {
            len: Cell::new(len),
            writes: Cell::new(0),
            acts: acts.iter().copied().collect(),
            whole: acts.to_vec(),
        }
    }
}

impl Source for Script {
    fn state(&self) -> io::Result<State> {
        Ok(State {
            len: self.len.get(),
            modified: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(self.writes.get())),
        })
    }

    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        assert!(
            !room.is_empty(),
            "a read without room looks like the end of the file"
        );
        match self.acts.pop_front() {
            None => Ok(0),
            Some(Act::Bytes(bytes)) => {
                let count = bytes.len().min(room.len());
                room[..count].copy_from_slice(&bytes[..count]);
                if count < bytes.len() {
                    self.acts.push_front(Act::Bytes(&bytes[count..]));
                }
                Ok(count)
            }
            Some(Act::Fail(kind)) => Err(kind.into()),
            Some(Act::Written(len)) => {
                self.len.set(len);
                self.writes.set(self.writes.get() + 1);
                self.read(room)
            }
        }
    }

    fn rewind(&mut self) -> io::Result<()> {
        // What was written is there now; whoever writes all the time goes on.
        let endless = self
            .whole
            .iter()
            .filter(|act| matches!(act, Act::Written(_)))
            .count()
            > 1;
        let acts = self.whole.iter().copied();
        self.acts = acts
            .filter(|act| endless || !matches!(act, Act::Written(_)))
            .collect();
        Ok(())
    }
}

#[track_caller]
fn check(len: u64, limit: u64, acts: &[Act], expected: Result<&[u8], &str>) {
    let found = read(&mut Script::new(len, acts), limit, Trim::None);
    let found = found
        .as_ref()
        .map(Secret::expose)
        .map_err(|failure| match failure {
            Failure::System(error) => format!("{:?}", error.kind()),
            other => format!("{other:?}"),
        });
    assert_eq!(
        found.map_err(|text| text.clone()),
        expected.map_err(str::to_owned)
    );
}

#[test]
fn a_file_is_read_whole_however_it_comes() {
    use Act::{Bytes, Fail};
    check(0, 9, &[], Ok(b""));
    check(3, 9, &[Bytes(b"abc")], Ok(b"abc"));
    check(
        3,
        9,
        &[Bytes(b"a"), Fail(io::ErrorKind::Interrupted), Bytes(b"bc")],
        Ok(b"abc"),
    );
    check(
        3,
        9,
        &[Bytes(b"a"), Fail(io::ErrorKind::Other)],
        Err("Other"),
    );
    check(2, 9, &[Fail(io::ErrorKind::WouldBlock)], Err("WouldBlock"));
}

#[test]
fn the_limit_holds_whatever_the_system_says_of_the_size() {
    use Act::Bytes;
    check(5, 5, &[Bytes(b"abcde")], Ok(b"abcde"));
    check(6, 5, &[Bytes(b"abcdef")], Err("TooLarge"));
    check(0, 5, &[Bytes(b"abcde")], Ok(b"abcde"));
    check(0, 5, &[Bytes(b"abcdef")], Err("TooLarge"));
    check(u64::MAX, 5, &[], Err("TooLarge"));
    check(1, 1, &[Bytes(b"a")], Ok(b"a"));
    const LONG: &[u8] = &[7; 1000];
    check(0, 1000, &[Bytes(LONG)], Ok(LONG));
    check(0, 999, &[Bytes(LONG)], Err("TooLarge"));
}

#[test]
fn a_file_that_is_written_meanwhile_is_read_again() {
    use Act::{Bytes, Written};
    check(4, 9, &[Bytes(b"ol"), Written(4), Bytes(b"w!")], Ok(b"olw!"));
    check(
        2,
        9,
        &[Bytes(b"ol"), Written(6), Bytes(b"grow")],
        Ok(b"olgrow"),
    );
    check(
        2,
        4,
        &[Bytes(b"ol"), Written(6), Bytes(b"grow")],
        Err("TooLarge"),
    );
    check(
        2,
        9,
        &[Bytes(b"a"), Written(2), Written(2), Bytes(b"b")],
        Err("Restless"),
    );
}

#[test]
fn a_buffer_is_as_large_as_the_file_and_one_byte() {
    let secret = read(
        &mut Script::new(3, &[Act::Bytes(b"abc")]),
        1 << 20,
        Trim::None,
    )
    .unwrap();
    assert_eq!(secret.expose(), b"abc");
    let buffer = fill(&mut Script::new(3, &[Act::Bytes(b"abc")]), 3, 1 << 20).unwrap();
    assert_eq!(buffer.capacity(), 4);
}

#[test]
fn one_newline_is_dropped_from_the_end_of_a_text() {
    let check = |text: &[u8], trimmed: &[u8]| {
        let mut bytes = text.to_vec();
        trim_newline(&mut bytes, Trim::Newline);
        assert_eq!(bytes, trimmed, "{text:?}");
        let mut bytes = text.to_vec();
        trim_newline(&mut bytes, Trim::None);
        assert_eq!(bytes, text);
    };
    check(b"", b"");
    check(b"\n", b"");
    check(b"\r\n", b"");
    check(b"pa55", b"pa55");
    check(b"pa55\n", b"pa55");
    check(b"pa55\r\n", b"pa55");
    check(b"pa55\n\n", b"pa55\n");
    check(b"pa55\r\n\r\n", b"pa55\r\n");
    check(b"pa55\r", b"pa55\r");
    check(b"pa55\n ", b"pa55\n ");
    check(b"\npa55", b"\npa55");
    check(b" pa55 \n", b" pa55 ");
    check("pä55\n".as_bytes(), "pä55".as_bytes());
    check(b"\xff\x0a", b"\xff\x0a");
    check(b"\x30\x82\x0d\x0a", b"\x30\x82\x0d\x0a");
}
