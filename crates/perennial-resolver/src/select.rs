//! From what a store answered to the value of one view. No message here repeats any content.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use perennial_backend::{ContextKey, Error, ErrorKind, Fetched, Members, Payload, Secret};
use perennial_reference::Coerce;
use serde::Deserializer;
use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::resource::{Part, View};

/// Takes a view's value out of what was fetched.
pub(crate) fn select(fetched: &Fetched, resource: &str, view: &View) -> Result<Secret, Error> {
    let found = match fetched.payload() {
        Payload::Secret(secret) => from_secret(secret, resource, view),
        Payload::Members(members) => from_members(members, resource, view),
        _ => Err(Error::new(
            ErrorKind::Unexpected,
            "the backend gave no value",
        )),
    };
    let secret = found.map_err(|error| error.with_context(ContextKey::Resource, resource))?;
    if view.base64_decode {
        decode(&secret, resource)
    } else {
        Ok(secret)
    }
}

fn from_secret(secret: &Secret, resource: &str, view: &View) -> Result<Secret, Error> {
    match &view.part {
        Part::Whole => Ok(secret.clone()),
        Part::Member(name) => {
            let found = member(document(secret, resource)?, name, || {
                format!("`{resource}` has no member `{name}`")
            });
            scalar(
                found?,
                view.coerce,
                &format_args!("member `{name}` of `{resource}`"),
            )
        }
        Part::Pointer(pointer) => {
            let found = follow(document(secret, resource)?, pointer, resource)?;
            scalar(
                found,
                view.coerce,
                &format_args!("`{pointer}` in `{resource}`"),
            )
        }
    }
}

fn from_members(members: &Members, resource: &str, view: &View) -> Result<Secret, Error> {
    let named = |name: &str| match members.member(name) {
        Some(Ok(secret)) => Ok(secret.clone()),
        Some(Err(error)) => Err(error.clone()),
        None => Err(no_member(
            format!("`{resource}` has no member `{name}`"),
            name,
        )),
    };
    match &view.part {
        Part::Whole => object(members, resource),
        Part::Member(name) => named(name),
        Part::Pointer(pointer) => {
            let mut tokens = pointer.splitn(3, '/').skip(1);
            let name = unescape(tokens.next().unwrap_or_default());
            let secret = named(&name)?;
            match tokens.next() {
                None => Ok(secret),
                Some(rest) => {
                    let place = format!("{resource}/{name}");
                    let part = Part::Pointer(format!("/{rest}").into());
                    from_secret(
                        &secret,
                        &place,
                        &View {
                            part,
                            ..view.clone()
                        },
                    )
                }
            }
        }
    }
}

/// Writes several named values as one JSON object.
fn object(members: &Members, resource: &str) -> Result<Secret, Error> {
    let mut texts = Vec::new();
    for (name, member) in members.iter() {
        let text = member.map_err(Clone::clone)?.expose_str().map_err(|_| {
            let message = format!("member `{name}` of `{resource}` is not text");
            wrong_kind(message).with_help("ask for a single member with a key")
        })?;
        texts.push((name, text));
    }
    // Escaping makes a byte six at the most, so the buffer never moves and leaves no copy behind.
    let room: usize = texts
        .iter()
        .map(|(name, text)| 6 * (name.len() + text.len()) + 6)
        .sum();
    let mut json = Vec::with_capacity(room + 2);
    json.push(b'{');
    for (index, (name, text)) in texts.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        write_text(&mut json, name)?;
        json.push(b':');
        write_text(&mut json, text)?;
    }
    json.push(b'}');
    Ok(Secret::new(json))
}

fn write_text(json: &mut Vec<u8>, text: &str) -> Result<(), Error> {
    serde_json::to_writer(json, text).map_err(|_| {
        Error::new(
            ErrorKind::Unexpected,
            "a member could not be written as JSON",
        )
    })
}

fn document<'a>(secret: &'a Secret, resource: &str) -> Result<&'a RawValue, Error> {
    serde_json::from_slice(secret.expose()).map_err(|_| {
        wrong_kind(format!(
            "`{resource}` is not JSON, so nothing can be looked up in it"
        ))
        .with_help("leave out the key (end the path with a slash) to get the whole value")
    })
}

/// Looks up a member of a JSON object; the last one of its name counts.
fn member<'a>(
    json: &'a RawValue,
    name: &str,
    absent: impl FnOnce() -> String,
) -> Result<&'a RawValue, Error> {
    let mut reader = serde_json::Deserializer::from_str(json.get());
    match reader.deserialize_map(LastMember(name)) {
        Ok(Some(found)) => Ok(found),
        _ => Err(no_member(absent(), name)),
    }
}

/// Follows a JSON pointer (RFC 6901).
fn follow<'a>(json: &'a RawValue, pointer: &str, resource: &str) -> Result<&'a RawValue, Error> {
    let absent = || format!("`{resource}` has nothing at `{pointer}`");
    let mut place = json;
    for token in pointer.split('/').skip(1) {
        let token = unescape(token);
        place = match place.get().as_bytes().first() {
            Some(b'[') => {
                let mut reader = serde_json::Deserializer::from_str(place.get());
                let index = array_index(&token);
                let found = index.and_then(|index| reader.deserialize_seq(Element(index)).ok());
                found.flatten().ok_or_else(|| no_member(absent(), &token))?
            }
            _ => member(place, &token, absent)?,
        };
    }
    Ok(place)
}

fn array_index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with(['0', '+']);
    canonical.then(|| token.parse().ok()).flatten()
}

fn unescape(token: &str) -> Cow<'_, str> {
    if token.contains('~') {
        Cow::Owned(token.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(token)
    }
}

/// Takes the text of a JSON string, or of another scalar where that is asked for.
fn scalar(
    json: &RawValue,
    coerce: Option<Coerce>,
    place: &dyn fmt::Display,
) -> Result<Secret, Error> {
    let raw = json.get();
    let kind = match raw.as_bytes().first() {
        Some(b'"') => {
            return serde_json::from_str::<String>(raw)
                .map(Secret::from)
                .map_err(|_| wrong_kind(format!("{place} is not valid text")));
        }
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'n') => "null",
        Some(b't' | b'f') => "a boolean",
        _ => "a number",
    };
    match (coerce, kind) {
        (Some(Coerce::Scalar), "a boolean" | "a number") => Ok(Secret::new(raw)),
        (None, "a boolean" | "a number") => {
            Err(wrong_kind(format!("{place} is {kind}, not a string"))
                .with_help("add `?coerce=scalar` to take it as text"))
        }
        _ => Err(wrong_kind(format!("{place} is {kind}, not a string"))),
    }
}

/// Decodes base64: standard or URL-safe, padded or not, ASCII white space ignored.
fn decode(secret: &Secret, resource: &str) -> Result<Secret, Error> {
    let mut text = Zeroizing::new(Vec::with_capacity(secret.expose().len()));
    text.extend(
        secret
            .expose()
            .iter()
            .filter(|byte| !byte.is_ascii_whitespace()),
    );
    let url_safe = text.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let engine = if url_safe { BASE64_URL } else { BASE64 };
    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let len = engine.decode_slice(&*text, &mut bytes).map_err(|_| {
        wrong_kind(format!("`{resource}` is not base64"))
            .with_context(ContextKey::Resource, resource)
            .with_help("remove `base64_decode`, or store the value as base64")
    })?;
    bytes.truncate(len);
    Ok(Secret::new(std::mem::take(&mut *bytes)))
}

const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, ANY_PADDING);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, ANY_PADDING);

fn no_member(message: String, name: &str) -> Error {
    Error::new(ErrorKind::NotFound, message).with_context(ContextKey::Key, name)
}

fn wrong_kind(message: String) -> Error {
    Error::new(ErrorKind::InvalidReference, message)
}

struct LastMember<'n>(&'n str);

impl<'de> Visitor<'de> for LastMember<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(IsName(self.0))? {
            if is_it {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

struct IsName<'n>(&'n str);

impl<'de> de::DeserializeSeed<'de> for IsName<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IsName<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

struct Element(usize);

impl<'de> Visitor<'de> for Element {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        for _ in 0..self.0 {
            if seq.next_element::<IgnoredAny>()?.is_none() {
                return Ok(None);
            }
        }
        let found = seq.next_element()?;
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
