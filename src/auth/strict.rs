//! JSON objects that say everything once.

use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::{Map, Value};

/// An object in which no name occurs twice. Of two values one parser takes the first and another the last, and so
/// they would see two different tokens.
#[derive(Debug, PartialEq)]
pub(super) struct StrictObject(pub(super) Map<String, Value>);

impl<'de> Deserialize<'de> for StrictObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = StrictObject;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<StrictObject, A::Error> {
        let mut map = Map::new();
        while let Some((name, value)) = members.next_entry::<String, Value>()? {
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a name occurs twice"));
            }
        }
        Ok(StrictObject(map))
    }
}

/// Seconds since 1970, as RFC 7519 has them: a number, with or without a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NumericDate(pub(super) u64);

/// Far beyond any token, and small enough for every sum.
const LATEST: u64 = 1 << 40;

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Seconds)
    }
}

struct Seconds;

impl Visitor<'_> for Seconds {
    type Value = NumericDate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds since 1970")
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<NumericDate, E> {
        if seconds > LATEST {
            return Err(E::custom("too far away"));
        }
        Ok(NumericDate(seconds))
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<NumericDate, E> {
        if (0.0..=LATEST as f64).contains(&seconds) {
            Ok(NumericDate(seconds as u64))
        } else {
            Err(E::custom("not a time"))
        }
    }
}

/// A member that may be left out but not be `null`.
pub(super) fn unless_absent<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_occurs_twice_is_noticed_in_whatever_spelling() {
        let read = |text: &str| serde_json::from_str::<StrictObject>(text);
        assert!(read(r#"{"exp": 1, "sub": "a"}"#).is_ok());
        for text in [
            r#"{"exp": 1, "exp": 1}"#,
            r#"{"exp": 1, "\u0065xp": 2}"#,
            "[]",
            "1",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_is_a_number_that_a_clock_could_show() {
        let read = |text: &str| serde_json::from_str::<NumericDate>(text).ok();
        assert_eq!(read("1700000000"), Some(NumericDate(1_700_000_000)));
        assert_eq!(read("1700000000.9"), Some(NumericDate(1_700_000_000)));
        for text in [
            "-1",
            "-0.5",
            "1e308",
            "18446744073709551615",
            "null",
            "true",
            "\"1700000000\"",
            "[1700000000]",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
