//! From a resolved tree to the type that it is for. Secrets leave wiped memory only into the fields
//! of that type, and no message repeats what a leaf holds.

use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::tree::Tree;

/// Why a resolved tree does not fit the type that it is for.
///
/// What serde says about a value would repeat the value, so where one of serde's messages could
/// come from a secret it is replaced by what was expected and where.
#[derive(Debug)]
pub(crate) struct Misfit {
    place: Vec<String>,
    message: String,
}

impl Misfit {
    fn at(mut self, name: impl Into<String>) -> Self {
        self.place.push(name.into());
        self
    }

    /// Returns the place, from the root down.
    pub(crate) fn place(&self) -> String {
        self.place
            .iter()
            .rev()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(".")
    }

    /// Returns what is wrong there.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(_: T) -> Self {
        // Whoever made the message may have put the value into it.
        Self {
            place: Vec::new(),
            message: "the type of the configuration refuses it".to_owned(),
        }
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match unexpected {
            Unexpected::Bool(_) => "a boolean",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
            Unexpected::Str(_) | Unexpected::Char(_) => "a text",
            Unexpected::Bytes(_) => "bytes",
            Unexpected::Seq => "a list",
            Unexpected::Map => "a map",
            Unexpected::Unit | Unexpected::Option => "nothing",
            _ => "something else",
        };
        Self {
            place: Vec::new(),
            message: format!("expected {expected}, found {found}"),
        }
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self {
            place: Vec::new(),
            message: format!("expected {expected}, found another value"),
        }
    }

    fn invalid_length(len: usize, expected: &dyn de::Expected) -> Self {
        Self {
            place: Vec::new(),
            message: format!("expected {expected}, found {len} elements"),
        }
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self {
            place: Vec::new(),
            message: format!("expected one of {}", expected.join(", ")),
        }
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        // Where a value chooses among fields, its text is the field. Whoever reads a map adds the
        // key, which is no value.
        let expected = expected.join(", ");
        Self {
            place: Vec::new(),
            message: format!("unknown field, expected {expected}"),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            place: vec![field.to_owned()],
            message: "missing field".to_owned(),
        }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self {
            place: vec![field.to_owned()],
            message: "duplicate field".to_owned(),
        }
    }
}

impl<'de> Deserializer<'de> for Tree {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self {
            Self::Unit => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Signed(value) => visitor.visit_i64(value),
            Self::Unsigned(value) => visitor.visit_u64(value),
            Self::Float(value) => visitor.visit_f64(value),
            Self::Text(text) => visitor.visit_string(text),
            Self::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            Self::Secret(secret) => match secret.expose_str() {
                Ok(text) => visitor.visit_str(text),
                Err(_) => visitor.visit_bytes(secret.expose()),
            },
            Self::List(items) => visitor.visit_seq(ListAccess {
                items: items.into_iter(),
                index: 0,
            }),
            Self::Map(entries) => visitor.visit_map(EntryAccess {
                entries: entries.into_iter(),
                value: None,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self {
            Self::Unit => visitor.visit_none(),
            some => visitor.visit_some(some),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self {
            Self::Map(entries) => {
                let mut entries = entries.into_iter();
                match (entries.next(), entries.next()) {
                    (Some((name, content)), None) => visitor.visit_enum(Variant {
                        name,
                        content: Some(content),
                    }),
                    _ => Err(de::Error::invalid_type(
                        Unexpected::Map,
                        &"a map of one entry",
                    )),
                }
            }
            name => visitor.visit_enum(Variant {
                name,
                content: None,
            }),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.secret_as("a boolean", |text| text.parse::<bool>().ok())? {
            Ok(value) => visitor.visit_bool(value),
            Err(other) => other.deserialize_any(visitor),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.secret_as("a whole number", |text| text.parse::<i64>().ok())? {
            Ok(value) => visitor.visit_i64(value),
            Err(other) => other.deserialize_any(visitor),
        }
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.secret_as("a whole number", |text| text.parse::<u64>().ok())? {
            Ok(value) => visitor.visit_u64(value),
            Err(other) => other.deserialize_any(visitor),
        }
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.secret_as("a number", |text| text.parse::<f64>().ok())? {
            Ok(value) => visitor.visit_f64(value),
            Err(other) => other.deserialize_any(visitor),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_f64(visitor)
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

impl Tree {
    /// Reads the text of a secret leaf as another type; any other leaf is given back.
    fn secret_as<T>(
        self,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Result<T, Self>, Misfit> {
        let Self::Secret(secret) = &self else {
            return Ok(Err(self));
        };
        match secret.expose_str().ok().and_then(read) {
            Some(value) => Ok(Ok(value)),
            None => Err(de::Error::invalid_value(Unexpected::Str(""), &expected)),
        }
    }
}

impl IntoDeserializer<'_, Misfit> for Tree {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct ListAccess {
    items: std::vec::IntoIter<Tree>,
    index: usize,
}

impl<'de> SeqAccess<'de> for ListAccess {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Misfit> {
        let Some(item) = self.items.next() else {
            return Ok(None);
        };
        let index = self.index;
        self.index += 1;
        seed.deserialize(item)
            .map(Some)
            .map_err(|misfit| misfit.at(index.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct EntryAccess {
    entries: std::vec::IntoIter<(Tree, Tree)>,
    value: Option<(String, Tree)>,
}

impl<'de> MapAccess<'de> for EntryAccess {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misfit> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        let name = match &key {
            Tree::Text(name) => name.clone(),
            _ => "?".to_owned(),
        };
        let read = seed.deserialize(key).map_err(|misfit| misfit.at(&*name));
        self.value = Some((name, value));
        read.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let Some((name, value)) = self.value.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        seed.deserialize(value).map_err(|misfit| misfit.at(name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

struct Variant {
    name: Tree,
    content: Option<Tree>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Misfit;
    type Variant = Content;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content), Misfit> {
        Ok((seed.deserialize(self.name)?, Content(self.content)))
    }
}

struct Content(Option<Tree>);

impl<'de> VariantAccess<'de> for Content {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        match self.0 {
            None | Some(Tree::Unit) => Ok(()),
            Some(_) => Err(de::Error::invalid_type(
                Unexpected::Map,
                &"a variant without content",
            )),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misfit> {
        seed.deserialize(self.0.unwrap_or(Tree::Unit))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.0.unwrap_or(Tree::Unit).deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.0.unwrap_or(Tree::Unit).deserialize_any(visitor)
    }
}
