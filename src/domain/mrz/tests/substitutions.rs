//! Every way to get one character wrong.

use super::*;

const ALPHABET: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<";

/// What a character counts in a check digit.
fn value(character: char) -> u32 {
    character.to_digit(36).unwrap_or(0)
}

/// Whether a position is under a check digit.
fn is_checked(format: Format, line: usize, position: usize) -> bool {
    match (format, line) {
        (Format::Td1, 0) => position >= 5,
        (Format::Td1, 1) => position != 7 && !(15..18).contains(&position),
        (Format::Td1, _) | (_, 0) => false,
        (Format::Td2 | Format::Td3, _) => !(10..13).contains(&position) && position != 20,
        (Format::MrvA | Format::MrvB, _) => {
            !(10..13).contains(&position) && position != 20 && position < 28
        }
    }
}

#[test]
fn every_substitution_with_another_residue_is_flagged_and_the_rest_are_the_named_blind_spots() {
    let (mut flagged, mut blind) = (0, 0);
    for (format, text) in SPECIMENS {
        let original = parse(text);
        for (line, characters) in original.lines.iter().enumerate() {
            for (position, printed) in characters.char_indices() {
                for other in ALPHABET.chars().filter(|other| *other != printed) {
                    let mut lines = original.lines.clone();
                    lines[line].replace_range(position..=position, &other.to_string());
                    let read = parse(&lines.join("\n"));
                    // What it is after repair: `O` for `0` in a date is put right, `O` for `1` is not.
                    let Some(kept) = read.lines[line][position..].chars().next() else {
                        continue;
                    };
                    if kept == printed || !is_checked(format, line, position) {
                        continue;
                    }
                    let seen =
                        !read.check_digits_hold() || read.has(IssueCode::UnexpectedCharacter);
                    if value(kept) % 10 == value(printed) % 10 {
                        blind += usize::from(!seen);
                        continue;
                    }
                    assert!(
                        seen,
                        "{format:?} line {line} position {position}: {printed} to {other}"
                    );
                    flagged += 1;
                }
            }
        }
    }
    assert!(flagged > 5_500, "{flagged}");
    // They exist, and a check digit cannot do anything about them.
    assert!(blind > 100, "{blind}");
}

#[test]
fn the_blind_spots_are_those_that_the_module_names() {
    let td3 = specimen(Format::Td3);
    for (right, taken_for) in [
        ("L898902C3", "V898902C3"),
        ("L898902C3", "LI98902C3"),
        ("L898902C3", "L8989A2C3"),
        ("L898902C3", "L8989<2C3"),
        ("ERIKSSON", "ERIKSSEN"),
        ("UTO7408122F", "UTO7408122M"),
    ] {
        let text = td3.replace(right, taken_for);
        assert_ne!(text, td3);
        let mrz = parse(&text);
        assert!(
            mrz.check_digits_hold() && !mrz.has(IssueCode::UnexpectedCharacter),
            "{taken_for}"
        );
    }
    // Neighbours whose values differ by five: 2 and 7 of the date of birth, say.
    assert_eq!(check_digit("720101"), check_digit("270101"));
}
