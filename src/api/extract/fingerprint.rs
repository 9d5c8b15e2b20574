//! What was sent, as a hash: whether two requests with one key are the same.
//!
//! Not of the body's bytes, since the boundary of a multipart form is another one at each attempt: of the parts by their
//! names, in one order for everybody. Parts of one name keep the order that they were sent in. The media type counts, so
//! a form and a JSON object of the same content are two payloads. Names of files and types of parts do not count.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::parts::Part;

/// Hash of what was sent.
pub(super) type Fingerprint = [u8; 32];

/// The fingerprint of a form that was read.
pub(super) fn of_entries(media_type: &str, entries: &[(String, Part)]) -> Fingerprint {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut canonical = Canonical::of(media_type);
    for (name, part) in entries {
        canonical.add(b'n', name.as_bytes());
        canonical.add_part(part);
    }
    canonical.finish()
}

/// The fingerprint of parts that were hashed while they passed, in a fixed order.
pub(super) fn of_streams(media_type: &str, parts: &[(&str, Option<Sha256>)]) -> Fingerprint {
    let mut canonical = Canonical::of(media_type);
    for (name, hash) in parts {
        if let Some(hash) = hash {
            canonical.add(b'n', name.as_bytes());
            canonical.add(b'h', &hash.clone().finalize());
        }
    }
    canonical.finish()
}

/// Pieces one after the other, each with its kind and length, so that no two sequences of pieces look alike.
struct Canonical(Sha256);

impl Canonical {
    fn of(media_type: &str) -> Self {
        let mut canonical = Self(Sha256::new());
        canonical.add(b'm', media_type.as_bytes());
        canonical
    }

    fn begin(&mut self, kind: u8, length: usize) {
        self.0.update([kind]);
        self.0.update((length as u64).to_le_bytes());
    }

    fn add(&mut self, kind: u8, bytes: &[u8]) {
        self.begin(kind, bytes.len());
        self.0.update(bytes);
    }

    fn add_part(&mut self, part: &Part) {
        match part {
            Part::Bytes(bytes) => self.add(b'b', bytes),
            Part::Json(value) => self.add_json(value),
            Part::Repeated(parts) => {
                self.begin(b'r', parts.len());
                parts.iter().for_each(|part| self.add_part(part));
            }
        }
    }

    fn add_json(&mut self, value: &Value) {
        match value {
            Value::Null => self.begin(b'0', 0),
            Value::Bool(value) => self.add(b'?', &[u8::from(*value)]),
            Value::Number(number) => self.add(b'#', number.to_string().as_bytes()),
            Value::String(text) => self.add(b's', text.as_bytes()),
            Value::Array(items) => {
                self.begin(b'[', items.len());
                items.iter().for_each(|item| self.add_json(item));
            }
            Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(name, _)| *name);
                self.begin(b'{', members.len());
                for (name, value) in members {
                    self.add(b'n', name.as_bytes());
                    self.add_json(value);
                }
            }
        }
    }

    fn finish(self) -> Fingerprint {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bytes(text: &str) -> Part {
        Part::Bytes(text.into())
    }

    fn form(entries: Vec<(&str, Part)>) -> Fingerprint {
        let named = |(name, part): (&str, Part)| (name.to_owned(), part);
        let entries: Vec<_> = entries.into_iter().map(named).collect();
        of_entries("multipart/form-data", &entries)
    }

    #[test]
    fn the_order_of_names_does_not_count_and_that_of_one_name_does() {
        assert_eq!(
            form(vec![("a", bytes("1")), ("b", bytes("2"))]),
            form(vec![("b", bytes("2")), ("a", bytes("1"))])
        );
        let two = |first, second| {
            form(vec![(
                "a",
                Part::Repeated(vec![bytes(first), bytes(second)]),
            )])
        };
        assert_ne!(two("1", "2"), two("2", "1"));
        let object =
            |text: &str| form(vec![("a", Part::Json(serde_json::from_str(text).unwrap()))]);
        assert_eq!(
            object(r#"{"x":[1,null],"y":"z"}"#),
            object(r#"{"y": "z", "x": [1, null]}"#)
        );
    }

    #[test]
    fn whatever_differs_makes_another_fingerprint() {
        let different = [
            form(vec![]),
            form(vec![("a", bytes(""))]),
            form(vec![("a", bytes("1"))]),
            form(vec![("a", bytes("2"))]),
            form(vec![("b", bytes("1"))]),
            form(vec![("a", bytes("1")), ("b", bytes(""))]),
            form(vec![("a", Part::Repeated(vec![bytes("1")]))]),
            form(vec![("a", Part::Repeated(vec![bytes("1"), bytes("")]))]),
            form(vec![("a", Part::Json(json!("1")))]),
            form(vec![("a", Part::Json(json!(1)))]),
            form(vec![("a", Part::Json(json!([1])))]),
            form(vec![("a", Part::Json(json!([[1]])))]),
            form(vec![("a", Part::Json(json!({"1": null})))]),
            form(vec![("a", Part::Json(json!(null)))]),
            form(vec![("a", Part::Json(json!(false)))]),
            of_entries("application/json", &[]),
        ];
        for (index, one) in different.iter().enumerate() {
            assert!(!different[..index].contains(one), "{index}");
        }
    }
}
