//! Fields of a change, where absent, null and a value mean three things.

use serde::de::{Deserialize, Deserializer};
use time::OffsetDateTime;

/// A field that is there: null is `Some(None)`. Absent, it is left to its default, `None`.
///
/// # Errors
/// Where the value is of another type.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The same for an instant in RFC 3339.
///
/// # Errors
/// Where the value is not one.
pub fn time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<OffsetDateTime>>, D::Error> {
    time::serde::rfc3339::option::deserialize(deserializer).map(Some)
}

/// A field that cannot be cleared: null is refused.
///
/// # Errors
/// Where the value is null or of another type.
pub fn never_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
