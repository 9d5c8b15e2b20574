//! What is expected, and how the zone spells it.

use super::*;

#[test]
fn expected_fields_are_compared_as_the_zone_spells_them() {
    let read = parse(specimen(Format::Td3)).fields;
    let told = |expected: Expected| compare(&expected, &read);
    let names = |first: &str, last: &str| {
        let agreed = told(Expected {
            first_names: Some(first.to_owned()),
            last_names: Some(last.to_owned()),
            ..Expected::default()
        });
        (agreed[0].1, agreed[1].1)
    };
    use Agreement::{Match, Mismatch, NotEvaluated};
    assert_eq!(names("Anna Maria", "Eriksson"), (Match, Match));
    assert_eq!(names("anna", "ÉRIKSSON"), (Match, Match));
    assert_eq!(names("Anna-Maria", "Erik's son"), (Match, Match));
    assert_eq!(names("Maria", "Erikson"), (Mismatch, Mismatch));
    assert_eq!(names("Ann", "Erik"), (Mismatch, Mismatch));
    assert_eq!(names("Анна", "Ericsson"), (NotEvaluated, Mismatch));
    let all = Expected {
        document_number: Some("l898902c3".to_owned()),
        date_of_birth: Some(day("1974-08-12")),
        expiry_date: Some(day("2012-04-16")),
        nationality: Some("uto".to_owned()),
        sex: Some(Sex::Male),
        issuing_state: Some("DEU".to_owned()),
        ..Expected::default()
    };
    use ExpectedField as F;
    assert_eq!(
        told(all),
        [
            (F::DocumentNumber, Match),
            (F::DateOfBirth, Match),
            (F::ExpiryDate, Mismatch),
            (F::Nationality, Match),
            (F::Sex, Mismatch),
            (F::IssuingState, Mismatch),
        ]
    );
    assert!(told(Expected::default()).is_empty());
}

#[test]
fn every_spelling_of_the_standard_agrees_and_a_name_that_was_cut_off_needs_its_beginning_alone() {
    let named = |primary: &str, secondary: &str| {
        let names = format!("{primary}<<{secondary}");
        parse(&specimen(Format::Td3).replace(
            "ERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
            &format!("{names:<<39.39}"),
        ))
        .fields
    };
    let surname = |expected: &str, read: &Fields| {
        let expected = Expected {
            last_names: Some(expected.to_owned()),
            ..Expected::default()
        };
        compare(&expected, read)[0].1
    };
    for spelt in ["MUELLER", "MULLER", "MUXXLLER"] {
        assert_eq!(
            surname("Müller", &named(spelt, "JAN")),
            Agreement::Match,
            "{spelt}"
        );
        assert_eq!(
            surname("Mu\u{308}ller", &named("MULLER", "JAN")),
            Agreement::Match
        );
    }
    assert_eq!(
        surname("Strauß", &named("STRAUSS", "JAN")),
        Agreement::Match
    );
    assert_eq!(
        surname("Øre Åberg", &named("OERE<AABERG", "JAN")),
        Agreement::Match
    );
    let long = named("NILAVADHANANANDA", "CHAYAPA<DEJTHAMRONG<KRASUANG");
    assert!(long.names.truncated);
    let first = |expected: &str| {
        let expected = Expected {
            first_names: Some(expected.to_owned()),
            ..Expected::default()
        };
        compare(&expected, &long)[0].1
    };
    assert_eq!(first("Chayapa Dejthamrong Krasuang"), Agreement::Match);
    assert_eq!(first("Chayapa Krasuang"), Agreement::Mismatch);
}
