//! A configuration as a tree, in whose leaves references are replaced. How a tree becomes a type
//! stands elsewhere.

use std::fmt;

use perennial_backend::Secret;
use serde::de::{
    self, Deserialize, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// Any value of serde's data model that configurations consist of.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Unit,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Secret(Secret),
}

impl Tree {
    /// Visits every text that is a value, with the place at which it stands; keys are no values.
    pub(crate) fn visit_texts<'t>(&'t mut self, place: &str, visit: &mut Visit<'_, 't>) {
        match self {
            Self::Text(_) => visit(place, self),
            Self::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    item.visit_texts(&join(place, &index.to_string()), visit);
                }
            }
            Self::Map(entries) => {
                for (key, value) in entries {
                    let name = match key {
                        Self::Text(name) => name.clone(),
                        _ => "?".to_owned(),
                    };
                    value.visit_texts(&join(place, &name), visit);
                }
            }
            _ => {}
        }
    }
}

/// What is done with each text: its place, and the leaf, which may be replaced.
pub(crate) type Visit<'v, 't> = dyn FnMut(&str, &'t mut Tree) + 'v;

fn join(place: &str, name: &str) -> String {
    if place.is_empty() {
        name.to_owned()
    } else {
        format!("{place}.{name}")
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a configuration")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Tree, E> {
        Ok(Tree::Unit)
    }

    fn visit_none<E: de::Error>(self) -> Result<Tree, E> {
        Ok(Tree::Unit)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Signed(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Unsigned(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Float(value))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Tree, E> {
        Ok(Tree::Bytes(bytes.to_vec()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Tree::Map(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Tree, A::Error> {
        let (name, variant): (String, _) = data.variant()?;
        // Self-describing formats write a variant as a text or as a map of one entry.
        match variant.newtype_variant::<Tree>() {
            Ok(content) => Ok(Tree::Map(vec![(Tree::Text(name), content)])),
            Err(error) => Err(error),
        }
    }
}
