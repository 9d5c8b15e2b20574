//! Characters that readers take for each other, put right where the format says which of the two it must be.

use serde::{Deserialize, Serialize};

use super::Field;
use super::layout::{Class, Format};

/// Letters and the digits that they are taken for.
const ALIKE: [(char, char); 6] = [
    ('O', '0'),
    ('I', '1'),
    ('S', '5'),
    ('B', '8'),
    ('Z', '2'),
    ('G', '6'),
];

/// A character that was put right. Positions count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// Which line.
    pub line: usize,
    /// Which character of it.
    pub position: usize,
    /// The field that it is in.
    pub field: Field,
    /// What was read.
    pub from: char,
    /// What it must be.
    pub to: char,
}

/// Puts right what the format allows no doubt about, and notes each repair. No check digit is looked at.
pub(super) fn repair(format: Format, lines: &mut [String]) -> Vec<Repair> {
    let mut repairs = Vec::new();
    for stretch in format.stretches() {
        let line = &mut lines[stretch.line];
        for position in stretch.range.clone() {
            let Some(from) = line.as_bytes().get(position).map(|byte| char::from(*byte)) else {
                continue;
            };
            let Some(to) = must_be(from, stretch.class) else {
                continue;
            };
            line.replace_range(position..=position, to.encode_utf8(&mut [0; 4]));
            repairs.push(Repair {
                line: stretch.line,
                position,
                field: stretch.field,
                from,
                to,
            });
        }
    }
    repairs
}

/// The other character of a pair, where only that one may stand there.
fn must_be(read: char, class: Class) -> Option<char> {
    match class {
        Class::Letters => ALIKE.iter().find(|pair| pair.1 == read).map(|pair| pair.0),
        Class::Digits | Class::DigitsOrFillers | Class::OptionalDigit => {
            ALIKE.iter().find(|pair| pair.0 == read).map(|pair| pair.1)
        }
        Class::Sex | Class::Any => None,
    }
}

/// Whether a character may stand at a place of this class.
pub(super) fn fits(character: char, class: Class) -> bool {
    match class {
        Class::Letters => character.is_ascii_uppercase() || character == '<',
        Class::Digits => character.is_ascii_digit(),
        Class::DigitsOrFillers | Class::OptionalDigit => {
            character.is_ascii_digit() || character == '<'
        }
        Class::Sex => "MFX<".contains(character),
        Class::Any => true,
    }
}
