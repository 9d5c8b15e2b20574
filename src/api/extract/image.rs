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

use crate::error::{ApiError, ErrorCode};
use crate::state::Limits;

/// The bytes of a JPEG, PNG or WebP file: a multipart part as it is, or a base64 string in JSON.
pub struct Image(Vec<u8>);

impl Image {
    /// The encoded picture, where it is not too large.
    ///
    /// # Errors
    /// `image_too_large`, naming the part.
    pub fn within(self, limits: &Limits, part: &'static str) -> Result<Vec<u8>, ApiError> {
        let (bytes, most) = (self.0.len(), limits.max_image_bytes);
        if bytes > most {
            return Err(ApiError::of_field(
                ErrorCode::ImageTooLarge,
                part,
                "image_too_large",
                format!("has {bytes} bytes; at most {most} are taken"),
            ));
        }
        Ok(self.0)
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

/// A picture that need not be there. An empty part is none: that is how pages send a file that nobody chose.
pub fn picture_or_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Image>, D::Error> {
    let picture = Option::<Image>::deserialize(deserializer)?;
    Ok(picture.filter(|picture| !picture.0.is_empty()))
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
