//! Whole numbers as JSON has them: `5.0` is one, and some clients write large ones so.

use std::fmt;

use serde::de::{Deserializer, Error, Unexpected, Visitor};

/// A whole number that is not below zero.
///
/// # Errors
/// Where the value is none.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    deserializer.deserialize_u64(Whole)
}

struct Whole;

impl Visitor<'_> for Whole {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("u64")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<u64, E> {
        Ok(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<u64, E> {
        let refused = |_| E::invalid_type(Unexpected::Signed(value), &self);
        u64::try_from(value).map_err(refused)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<u64, E> {
        let is_whole = value.fract() == 0.0 && (0.0..u64::MAX as f64).contains(&value);
        if is_whole {
            Ok(value as u64)
        } else {
            Err(E::invalid_type(Unexpected::Float(value), &self))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Field {
        #[serde(deserialize_with = "whole")]
        value: u64,
    }

    fn read(text: &str) -> Option<u64> {
        let field = serde_json::from_str::<Field>(&format!(r#"{{"value": {text}}}"#));
        field.ok().map(|field| field.value)
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_fraction_of_zero() {
        let large = 1 << 53;
        for (text, value) in [
            ("5", 5),
            ("5.0", 5),
            ("0e3", 0),
            ("9007199254740992.0", large),
        ] {
            assert_eq!(read(text), Some(value), "{text}");
        }
        for text in ["5.5", "-1", "-1.0", "1e30", r#""5""#, "null"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
