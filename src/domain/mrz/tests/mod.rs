//! Zones as the standard prints them, and every way to get one character of them wrong.

mod expected;
mod random;
mod substitutions;

use super::*;

/// The specimens of Doc 9303 (parts 4 to 7).
const SPECIMENS: [(Format, &str); 5] = [
    (
        Format::Td1,
        "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    ),
    (
        Format::Td2,
        "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6",
    ),
    (
        Format::Td3,
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10",
    ),
    (
        Format::MrvA,
        "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL8988901C4XXX4009078F96121096ZE184226B<<<<<<",
    ),
    (
        Format::MrvB,
        "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nL8988901C4XXX4009078F9612109<<<<<<<<",
    ),
];

fn day(text: &str) -> CivilDate {
    text.parse().unwrap()
}

/// A day on which the specimens with an expiry in 2012 are valid.
fn then() -> CivilDate {
    day("2010-01-01")
}

fn parse(text: &str) -> Mrz {
    Mrz::parse(text, then()).unwrap()
}

fn specimen(format: Format) -> &'static str {
    SPECIMENS.iter().find(|(of, _)| *of == format).unwrap().1
}

#[test]
fn the_specimen_of_every_format_is_read_field_by_field() {
    for (format, text) in SPECIMENS {
        let mrz = parse(text);
        assert_eq!(mrz.format, format);
        assert!(
            mrz.check_digits_hold(),
            "{format:?}: {:?}",
            mrz.check_digits
        );
        assert_eq!(mrz.repairs, [], "{format:?}");
        assert_eq!(mrz.lines.join("\n"), text, "{format:?}");
        let fields = &mrz.fields;
        assert_eq!(fields.names.primary, "ERIKSSON", "{format:?}");
        assert_eq!(fields.names.secondary, "ANNA MARIA", "{format:?}");
        assert!(!fields.names.truncated);
        assert_eq!(fields.issuing_state, "UTO");
        assert_eq!(fields.sex, Some(Sex::Female));
    }
    let td1 = parse(specimen(Format::Td1));
    assert_eq!(td1.check_digits.len(), 4);
    assert_eq!(
        (
            td1.fields.document_code.as_str(),
            td1.fields.document_number.as_str()
        ),
        ("I", "D23145890")
    );
    assert_eq!(td1.fields.optional_data_2.as_deref(), Some(""));
    let td3 = parse(specimen(Format::Td3)).fields;
    assert_eq!(td3.date_of_birth.date, Some(day("1974-08-12")));
    assert_eq!(td3.expiry_date.date, Some(day("2012-04-15")));
    assert_eq!(
        (td3.document_number.as_str(), td3.optional_data.as_str()),
        ("L898902C3", "ZE184226B")
    );
    let visa = parse(specimen(Format::MrvA));
    assert_eq!(visa.check_digits.len(), 3);
    assert_eq!(
        (
            visa.fields.nationality.as_str(),
            visa.fields.optional_data.as_str()
        ),
        ("XXX", "6ZE184226B")
    );
    assert_eq!(visa.fields.date_of_birth.date, Some(day("1940-09-07")));
}

#[test]
fn a_specimen_has_the_issues_of_a_specimen_alone() {
    let mrz = parse(specimen(Format::Td3));
    let of = |field| Issue {
        code: IssueCode::SpecimenState,
        field,
    };
    assert_eq!(
        mrz.issues,
        [of(Field::IssuingState), of(Field::Nationality)]
    );
    let later = Mrz::parse(specimen(Format::Td3), day("2012-04-16")).unwrap();
    assert!(later.has(IssueCode::DocumentExpired));
    let last_day = Mrz::parse(specimen(Format::Td3), day("2012-04-15")).unwrap();
    assert!(!last_day.has(IssueCode::DocumentExpired));
}

#[test]
fn line_ends_spaces_and_small_letters_make_no_difference() {
    for (format, text) in SPECIMENS {
        let expected = parse(text);
        for variant in [
            text.replace('\n', "\r\n"),
            text.replace('\n', "\r"),
            format!("\n\n  {}  \n", text.replace('\n', "\n\n")),
            text.to_lowercase(),
            text.chars()
                .map(|c| {
                    if c == '\n' {
                        "\n".to_owned()
                    } else {
                        format!("{c} ")
                    }
                })
                .collect(),
            text.replace('<', "\u{a0}<\t"),
        ] {
            assert_eq!(parse(&variant), expected, "{format:?}: {variant:?}");
        }
    }
}

#[test]
fn what_is_no_zone_is_told() {
    let td3 = specimen(Format::Td3);
    for text in [
        "",
        "\n",
        "P<UTO",
        &td3[1..],
        &td3[..44],
        &format!("{td3}\n{td3}"),
        &td3.replace('\n', ""),
    ] {
        assert_eq!(
            Mrz::parse(text, then()),
            Err(MrzError::NoFormat),
            "{text:?}"
        );
    }
    for foreign in ["-", "«", "Ö", "ſ", "İ", "\u{0}", ">"] {
        let text = td3.replacen("C3", foreign, 1);
        let expected = MrzError::ForeignCharacter {
            line: 1,
            position: 7,
        };
        assert_eq!(Mrz::parse(&text, then()), Err(expected), "{foreign}");
    }
}

#[test]
fn a_character_is_put_right_where_the_format_says_which_it_must_be() {
    let td3 = specimen(Format::Td3);
    let misread = td3
        .replace("UTO7408122F1204159", "UT074O8I22F12O4I59")
        .replace("ERIKSSON", "ER1K55ON");
    let mrz = parse(&misread);
    assert_eq!(mrz.lines.join("\n"), td3);
    let told: Vec<(usize, usize, char, char)> = mrz
        .repairs
        .iter()
        .map(|r| (r.line, r.position, r.from, r.to))
        .collect();
    assert_eq!(
        told,
        [
            (0, 7, '1', 'I'),
            (0, 9, '5', 'S'),
            (0, 10, '5', 'S'),
            (1, 12, '0', 'O'),
            (1, 15, 'O', '0'),
            (1, 17, 'I', '1'),
            (1, 23, 'O', '0'),
            (1, 25, 'I', '1'),
        ]
    );
    assert_eq!(mrz.repairs[3].field, Field::Nationality);
}

#[test]
fn no_check_digit_is_bent_to_fit() {
    // O for 0 in a document number: both may stand there, and the digit says that something is wrong. So it is told.
    let mrz = parse(&specimen(Format::Td3).replace("L898902C3", "L8989O2C3"));
    assert_eq!(mrz.repairs, []);
    assert_eq!(mrz.fields.document_number, "L8989O2C3");
    let wrong: Vec<CheckDigitName> = mrz
        .check_digits
        .iter()
        .filter(|d| !d.holds)
        .map(|d| d.name)
        .collect();
    assert_eq!(
        wrong,
        [CheckDigitName::DocumentNumber, CheckDigitName::Composite]
    );
    // A document whose own digit is wrong keeps it.
    let mrz = parse(&specimen(Format::Td3).replace("7408122F", "7408123F"));
    assert_eq!(mrz.repairs, []);
    let birth = mrz.check_digits[1];
    assert_eq!(
        (birth.printed, birth.computed, birth.holds),
        ('3', '2', false)
    );
    assert!(mrz.issues.contains(&Issue {
        code: IssueCode::CheckDigitWrong,
        field: Field::DateOfBirth
    }));
}

/// A TD1 with a number of any length, its digits made by the rules.
fn card(number: &str) -> String {
    let digit = check_digit(number);
    let upper = if number.len() <= 9 {
        format!(
            "I<FRA{number:<<9}{}{:<<15}",
            check_digit(&format!("{number:<<9}")),
            ""
        )
    } else {
        let rest = format!("{}{digit}<REST", &number[9..]);
        format!("I<FRA{}<{rest:<<15}", &number[..9])
    };
    let middle = "9001011M3001019FRA<<<<<<<<<<<";
    let composite =
        check_digit(&[&upper[5..], &middle[..7], &middle[8..15], &middle[18..29]].concat());
    format!("{upper}\n{middle}{composite}\nDUPONT<<JEAN<<<<<<<<<<<<<<<<<<")
}

#[test]
fn a_long_document_number_goes_on_in_the_optional_data() {
    for number in [
        "1",
        "AB12",
        "123456789",
        "1234567890",
        "12345678901",
        "A2345678B012",
        "A2345678B01234",
        "12345678901234567",
    ] {
        let mrz = parse(&card(number));
        assert_eq!(mrz.fields.document_number, number);
        assert!(mrz.check_digits_hold(), "{number}: {:?}", mrz.check_digits);
        let rest = if number.len() > 9 { "REST" } else { "" };
        assert_eq!(mrz.fields.optional_data, rest, "{number}");
        assert_eq!(mrz.check_digits[0].printed, mrz.check_digits[0].computed);
    }
    // The one printed on Belgian cards, where three characters follow.
    let belgian = "IDBEL590330101<8512<<<<<<<<<<<";
    let mrz = parse(&card("1").replace(&card("1")[..30], belgian));
    assert_eq!(mrz.fields.document_number, "590330101851");
    // No digit anywhere is not a digit that holds.
    let none = parse(&card("123456789").replace("1234567897", "123456789<"));
    assert!(!none.check_digits[0].holds);
    assert_eq!(none.fields.document_number, "123456789");
}

#[test]
fn impossible_dates_unknown_states_and_strange_characters_are_told() {
    let td3 = specimen(Format::Td3);
    for (right, wrong, code, field) in [
        (
            "UTO740812",
            "UTO741332",
            IssueCode::ImpossibleDate,
            Field::DateOfBirth,
        ),
        (
            "F120415",
            "F120431",
            IssueCode::ImpossibleDate,
            Field::ExpiryDate,
        ),
        ("6UTO", "6QQQ", IssueCode::UnknownState, Field::Nationality),
        (
            "P<UTO",
            "P<GER",
            IssueCode::UnknownState,
            Field::IssuingState,
        ),
        ("2F1", "2K1", IssueCode::UnexpectedCharacter, Field::Sex),
        (
            "740812",
            "74X812",
            IssueCode::UnexpectedCharacter,
            Field::DateOfBirth,
        ),
        ("ANNA", "AN7A", IssueCode::UnexpectedCharacter, Field::Names),
        (
            "P<UTO",
            "I<UTO",
            IssueCode::UnknownDocumentCode,
            Field::DocumentCode,
        ),
    ] {
        let mrz = parse(&td3.replacen(right, wrong, 1));
        assert!(
            mrz.issues.contains(&Issue { code, field }),
            "{wrong}: {:?}",
            mrz.issues
        );
    }
    let german = parse(&td3.replace("P<UTO", "P<D<<").replace("6UTO", "6D<<"));
    assert_eq!(
        (
            german.fields.issuing_state.as_str(),
            german.fields.nationality.as_str()
        ),
        ("D", "D")
    );
    assert!(!german.has(IssueCode::UnknownState) && !german.has(IssueCode::SpecimenState));
    let nobody = parse(&td3.replace("ERIKSSON<<ANNA<MARIA", "<<<<<<<<<<<<<<<<<<<<"));
    assert!(nobody.has(IssueCode::NoName));
}
