//! Whether the two sides of a document say the same.
//!
//! What a zone leaves open contradicts nothing, and of a name that was cut off what is there has to agree. The kind of
//! document and the optional data are each zone's own.

use super::{DateField, DateState, Field, Fields, Names, Sex};

/// The fields that two zones of one document give differently.
#[must_use]
pub fn differing(a: &Fields, b: &Fields) -> Vec<Field> {
    [
        (Field::IssuingState, a.issuing_state != b.issuing_state),
        (Field::Names, !names_agree(&a.names, &b.names)),
        (
            Field::DocumentNumber,
            a.document_number != b.document_number,
        ),
        (Field::Nationality, a.nationality != b.nationality),
        (
            Field::DateOfBirth,
            !dates_agree(&a.date_of_birth, &b.date_of_birth),
        ),
        (Field::Sex, !sexes_agree(a.sex, b.sex)),
        (
            Field::ExpiryDate,
            !dates_agree(&a.expiry_date, &b.expiry_date),
        ),
    ]
    .into_iter()
    .filter_map(|(field, differs)| differs.then_some(field))
    .collect()
}

fn dates_agree(a: &DateField, b: &DateField) -> bool {
    let open = |date: &DateField| date.state == DateState::Unknown;
    a.raw == b.raw || open(a) || open(b)
}

fn sexes_agree(a: Option<Sex>, b: Option<Sex>) -> bool {
    let open = |sex: Option<Sex>| sex == Some(Sex::Unspecified);
    a == b || open(a) || open(b)
}

fn names_agree(a: &Names, b: &Names) -> bool {
    let joined = |names: &Names| format!("{} {}", names.primary, names.secondary);
    let (whole_a, whole_b) = (joined(a), joined(b));
    whole_a == whole_b
        || (a.truncated && whole_b.starts_with(whole_a.trim_end()))
        || (b.truncated && whole_a.starts_with(whole_b.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::super::Mrz;
    use super::*;

    const FRONT: &str = "P<FRAERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36FRA7408122F3404159ZE184226B<<<<<16";

    fn fields(text: &str) -> Fields {
        Mrz::parse(text, "2026-01-01".parse().unwrap())
            .unwrap()
            .fields
    }

    #[test]
    fn each_field_that_is_not_the_same_is_named_and_no_other() {
        let front = fields(FRONT);
        for (from, to, expected) in [
            ("ANNA", "ANNA", vec![]),
            ("P<FRA", "P<DZA", vec![Field::IssuingState]),
            ("<MARIA", "<MARIE", vec![Field::Names]),
            ("L898902C3", "L898902C4", vec![Field::DocumentNumber]),
            ("6FRA", "6DZA", vec![Field::Nationality]),
            ("740812", "740813", vec![Field::DateOfBirth]),
            ("2F3404", "2M3404", vec![Field::Sex]),
            ("340415", "350415", vec![Field::ExpiryDate]),
            ("ZE184226B", "ZE184226C", vec![]),
            // What is left open contradicts nothing.
            ("2F3404", "2<3404", vec![]),
            ("740812", "7408<<", vec![]),
        ] {
            let back = fields(&FRONT.replace(from, to));
            assert_eq!(differing(&front, &back), expected, "{to}");
            assert_eq!(differing(&back, &front), expected, "{to}");
        }
    }

    #[test]
    fn a_card_may_cut_off_a_name_that_a_wider_zone_has_in_full() {
        let wide = fields(&FRONT.replace("MARIA<<<<<<<<<<<<<<<<", "MARIAMAGDALENEXAVERIA"));
        assert!(!wide.names.truncated, "{wide:?}");
        let card = |names: &str| {
            fields(&format!(
                "I<FRAL898902C36<<<<<<<<<<<<<<<\n7408122F3404159FRA<<<<<<<<<<<6\n{names}"
            ))
        };
        let cut = card("ERIKSSON<<ANNA<MARIAMAGDALENEX");
        assert!(cut.names.truncated, "{cut:?}");
        assert_eq!(differing(&wide, &cut), []);
        assert_eq!(differing(&cut, &wide), []);
        let shorter = card("ERIKSSON<<ANNA<MARIA<<<<<<<<<<");
        assert_eq!(differing(&wide, &shorter), [Field::Names]);
    }
}
