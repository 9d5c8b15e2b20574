//! An encoded picture as it was sent.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The bytes of a JPEG, PNG or WebP file: a multipart part as it is, or a base64 string in JSON.
pub struct Image(Vec<u8>);

impl Image {
    /// The encoded picture.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Size of the encoded picture.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True where nothing was sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Only the size: a picture is personal.
impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({} bytes)", self.0.len())
    }
}

/// Only the size again: validation keeps a copy of what it looks at.
impl Serialize for Image {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0.len() as u64)
    }
}

impl<'de> Deserialize<'de> for Image {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ImageVisitor;

        impl Visitor<'_> for ImageVisitor {
            type Value = Image;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a picture: a file part, or a base64 string")
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Image, E> {
                Ok(Image(bytes))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Image, E> {
                let bytes = STANDARD.decode(text);
                bytes
                    .map(Image)
                    .map_err(|_| E::custom("is not base64 (RFC 4648, with padding)"))
            }
        }

        deserializer.deserialize_byte_buf(ImageVisitor)
    }
}

impl PartialSchema for Image {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .description(Some("A JPEG, PNG or WebP: a file part, or base64 in JSON"))
            .into()
    }
}

impl ToSchema for Image {
    fn name() -> Cow<'static, str> {
        "Image".into()
    }
}
