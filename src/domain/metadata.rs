//! The caller's own data: kept and handed back as it is, within bounds.

use serde_json::{Map, Value};

/// The caller's own data, a JSON object.
pub type Metadata = Map<String, Value>;

/// Most bytes that it takes as JSON.
const MAX_BYTES: usize = 16 * 1024;
/// How deep arrays and objects in it may be nested, itself included.
const MAX_DEPTH: usize = 16;

/// Why data is not taken, said without a word of what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MetadataFault {
    /// It takes more than 16 KiB.
    #[error("must not exceed 16 KiB of JSON")]
    TooLarge,
    /// Its arrays and objects are nested deeper than 16 levels.
    #[error("must not be nested deeper than 16 levels")]
    TooDeep,
    /// One of its texts holds the character U+0000, which a database cannot keep.
    #[error("must not hold U+0000")]
    HoldsNul,
}

/// Holds data to its bounds.
///
/// # Errors
/// The first bound that it breaks.
pub fn check_metadata(metadata: &Metadata) -> Result<(), MetadataFault> {
    let size = serde_json::to_vec(metadata).map_or(usize::MAX, |json| json.len());
    if size > MAX_BYTES {
        return Err(MetadataFault::TooLarge);
    }
    if !metadata.values().all(|value| fits(value, MAX_DEPTH - 1)) {
        return Err(MetadataFault::TooDeep);
    }
    if holds_nul(metadata) {
        return Err(MetadataFault::HoldsNul);
    }
    Ok(())
}

/// Whether arrays and objects are nested at most that deep.
fn fits(value: &Value, depth: usize) -> bool {
    let below = |value: &Value| fits(value, depth.saturating_sub(1));
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(below),
        Value::Object(members) => depth > 0 && members.values().all(below),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn holds_nul(members: &Metadata) -> bool {
    fn of(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::Array(items) => items.iter().any(of),
            Value::Object(members) => holds_nul(members),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    members
        .iter()
        .any(|(name, value)| name.contains('\0') || of(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(value: Value) -> Result<(), MetadataFault> {
        check_metadata(value.as_object().unwrap())
    }

    /// An object in which so many levels are nested, itself included.
    fn nested(levels: usize) -> Value {
        (1..levels).fold(json!({}), |value, level| {
            if level % 2 == 0 {
                json!({ "k": value })
            } else {
                json!([value])
            }
        })
    }

    #[test]
    fn each_bound_is_held_where_it_lies() {
        let text = |bytes: usize| json!({"k": "x".repeat(bytes - r#"{"k":""}"#.len())});
        assert_eq!(check(text(MAX_BYTES)), Ok(()));
        assert_eq!(check(text(MAX_BYTES + 1)), Err(MetadataFault::TooLarge));
        let of_depth = |levels| json!({ "k": nested(levels - 1) });
        assert_eq!(check(of_depth(MAX_DEPTH)), Ok(()));
        assert_eq!(check(of_depth(MAX_DEPTH + 1)), Err(MetadataFault::TooDeep));
    }

    #[test]
    fn the_character_zero_is_found_in_names_and_values_at_any_depth() {
        for holding in [
            json!({"\0": 1}),
            json!({"k": "a\0"}),
            json!({"k": [{"a\0": 1}]}),
        ] {
            assert_eq!(check(holding), Err(MetadataFault::HoldsNul));
        }
        assert_eq!(check(json!({"k": ["\u{1}", null, 1.5, true]})), Ok(()));
    }
}
