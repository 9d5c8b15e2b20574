//! Machine-readable zones: any text is read or refused, and what is read stays as it is when it is read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use likeness::domain::mrz::{CivilDate, Expected, Mrz, compare};

fuzz_target!(|text: &str| {
    let today = CivilDate::new(2026, 1, 1).unwrap();
    // As it came, and as the lines of a reader would: cut to the lengths of the formats.
    let characters: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let cut = |length: usize, lines: usize| {
        let lines = characters.chunks(length).take(lines);
        lines.map(|line| line.iter().collect::<String>()).collect::<Vec<_>>().join("\n")
    };
    for zone in [text.to_owned(), cut(30, 3), cut(36, 2), cut(44, 2)] {
        let Ok(read) = Mrz::parse(&zone, today) else {
            continue;
        };
        let again = Mrz::parse(&read.lines.join("\n"), today).unwrap();
        assert_eq!((&again.fields, &again.check_digits, &again.issues), (&read.fields, &read.check_digits, &read.issues));
        assert!(again.repairs.is_empty());
        let expected = Expected {
            document_number: Some(text.to_owned()),
            first_names: Some(text.to_owned()),
            last_names: Some(read.fields.names.primary.clone()),
            nationality: Some(text.to_owned()),
            ..Expected::default()
        };
        let _ = compare(&expected, &read.fields);
    }
});
