//! One deserializer for both encodings of a request: multipart parts and JSON members.
//!
//! A form is a plain `Deserialize` struct. A multipart part is bytes until its field says what it wants: an
//! [`super::Image`] takes the bytes as they are, a string takes them as UTF-8, anything else reads them as JSON.
//! Faults carry the path of the field and never the value that was sent.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::value::SeqDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, Unexpected, Visitor};
use serde_json::Value;

use super::json::Unambiguous;
use crate::error::{ApiError, ErrorCode, FieldFault};

/// Longest name that a fault repeats.
const MAX_NAME_CHARS: usize = 64;

/// One named value of a request.
#[derive(Debug)]
pub(super) enum Part {
    /// The bytes of a multipart part.
    Bytes(Vec<u8>),
    /// A member of a JSON body.
    Json(Value),
    /// Multipart parts of the same name, in order.
    Repeated(Vec<Part>),
}

/// What is wrong with a request, and where.
#[derive(Debug)]
pub(super) struct PartError {
    /// Outermost name first.
    path: Vec<String>,
    fault: Cow<'static, str>,
    message: String,
}

impl PartError {
    fn new(fault: &'static str, message: impl Into<String>) -> Self {
        Self {
            path: Vec::new(),
            fault: fault.into(),
            message: message.into(),
        }
    }

    /// The caller chose the name, so no more of it comes back than names of ours have.
    fn inside(mut self, name: &str) -> Self {
        self.path
            .insert(0, name.chars().take(MAX_NAME_CHARS).collect());
        self
    }
}

impl From<PartError> for ApiError {
    fn from(error: PartError) -> Self {
        let code = match error.fault.as_ref() {
            "required" => ErrorCode::MissingPart,
            _ => ErrorCode::ValidationFailed,
        };
        let field = error.path.join(".");
        let fault = FieldFault {
            field,
            code: error.fault,
            message: error.message,
        };
        Self::of_fields(code, vec![fault])
    }
}

impl fmt::Display for PartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PartError {}

impl de::Error for PartError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new("invalid", message.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new("invalid", format!("expected {expected}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new("invalid", format!("expected {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(
            "invalid",
            format!("expected one of {}", expected.join(", ")),
        )
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(
            "unknown",
            format!("is not known here; known are {}", expected.join(", ")),
        )
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new("required", "is required").inside(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new("duplicate", "is given more than once").inside(field)
    }
}

/// The members of one object, and the path of the one in work.
pub(super) struct Parts {
    entries: std::vec::IntoIter<(String, Part)>,
    current: Option<(String, Part)>,
}

impl Parts {
    pub(super) fn new(entries: Vec<(String, Part)>) -> Self {
        Self {
            entries: entries.into_iter(),
            current: None,
        }
    }
}

impl<'de> Deserializer<'de> for Parts {
    type Error = PartError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PartError> {
        visitor.visit_map(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Parts {
    type Error = PartError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, PartError> {
        self.current = self.entries.next();
        let Some((name, _)) = &self.current else {
            return Ok(None);
        };
        let key = seed.deserialize(name.as_str().into_deserializer());
        key.map(Some).map_err(|error: PartError| error.inside(name))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, PartError> {
        let (name, part) = self
            .current
            .take()
            .ok_or_else(|| PartError::new("invalid", "a value without a name"))?;
        seed.deserialize(part).map_err(|error| error.inside(&name))
    }
}

impl Part {
    /// The JSON that a part's bytes spell.
    fn parse_json(bytes: &[u8]) -> Result<Self, PartError> {
        serde_json::from_slice(bytes)
            .map(|Unambiguous(value)| Part::Json(value))
            .map_err(|_| PartError::new("invalid", "is not JSON, or gives a name twice"))
    }

    fn into_text(bytes: Vec<u8>) -> Result<String, PartError> {
        String::from_utf8(bytes).map_err(|_| PartError::new("invalid", "is not UTF-8 text"))
    }
}

impl IntoDeserializer<'_, PartError> for Part {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Integers, which all read alike.
macro_rules! deserialize_whole {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PartError> {
            self.read_json()?.whole().deserialize_any(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Part {
    type Error = PartError;

    /// The value as it was written: bytes are text.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PartError> {
        match self {
            Part::Bytes(bytes) => visitor.visit_string(Part::into_text(bytes)?),
            Part::Repeated(_) => Err(PartError::new("duplicate", "is given more than once")),
            Part::Json(Value::Null) => visitor.visit_unit(),
            Part::Json(Value::Bool(value)) => visitor.visit_bool(value),
            Part::Json(Value::Number(number)) => visit_number(&number, visitor),
            Part::Json(Value::String(text)) => visitor.visit_string(text),
            Part::Json(Value::Array(items)) => {
                visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Part::Json)))
            }
            Part::Json(Value::Object(members)) => visitor.visit_map(Parts::new(
                members
                    .into_iter()
                    .map(|(name, value)| (name, Part::Json(value)))
                    .collect(),
            )),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PartError> {
        match self {
            Part::Json(Value::Null) => visitor.visit_none(),
            part @ (Part::Bytes(_) | Part::Json(_) | Part::Repeated(_)) => visitor.visit_some(part),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PartError> {
        match self {
            Part::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            part @ (Part::Json(_) | Part::Repeated(_)) => part.deserialize_any(visitor),
        }
    }

    /// Repeated parts are a list, and so is a single part that is not a JSON array itself.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PartError> {
        match self {
            Part::Repeated(parts) => visitor.visit_seq(SeqDeserializer::new(parts.into_iter())),
            Part::Bytes(bytes) if bytes.first() == Some(&b'[') => {
                Part::parse_json(&bytes)?.deserialize_any(visitor)
            }
            single @ (Part::Bytes(_) | Part::Json(Value::String(_))) => {
                visitor.visit_seq(SeqDeserializer::new(std::iter::once(single)))
            }
            part @ Part::Json(_) => part.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, PartError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PartError> {
        match self {
            Part::Bytes(bytes) => visitor.visit_enum(Part::into_text(bytes)?.into_deserializer()),
            Part::Json(Value::String(text)) => visitor.visit_enum(text.into_deserializer()),
            Part::Json(_) | Part::Repeated(_) => Err(PartError::new("invalid", "expected a text")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PartError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PartError> {
        self.read_json()?.deserialize_any(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PartError> {
        self.read_json()?.deserialize_any(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PartError> {
        self.read_json()?.deserialize_any(visitor)
    }

    deserialize_whole! { deserialize_u16 deserialize_u32 deserialize_u64 }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u128 f32 char str string bytes unit unit_struct tuple tuple_struct
        identifier ignored_any
    }
}

impl Part {
    /// Bytes as the JSON that they spell; anything else as it is.
    fn read_json(self) -> Result<Self, PartError> {
        match self {
            Part::Bytes(bytes) => Part::parse_json(&bytes),
            part @ (Part::Json(_) | Part::Repeated(_)) => Ok(part),
        }
    }

    /// A number without a fraction is whole however it is written: `7.0` is an integer to a JSON schema.
    fn whole(self) -> Self {
        match self {
            Part::Json(Value::Number(number)) => {
                let whole = number.as_f64().filter(|value| value.fract() == 0.0);
                let whole = whole.filter(|value| (0.0..=f64::from(u32::MAX)).contains(value));
                Part::Json(whole.map_or(Value::Number(number), |value| Value::from(value as u64)))
            }
            part @ (Part::Json(_) | Part::Bytes(_) | Part::Repeated(_)) => part,
        }
    }
}

fn visit_number<'de, V: Visitor<'de>>(
    number: &serde_json::Number,
    visitor: V,
) -> Result<V::Value, PartError> {
    if let Some(value) = number.as_u64() {
        visitor.visit_u64(value)
    } else if let Some(value) = number.as_i64() {
        visitor.visit_i64(value)
    } else {
        visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN))
    }
}
