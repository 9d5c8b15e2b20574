//! Where each field of each format stands, and which characters may stand there.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Field;

/// The formats of Doc 9303.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Card, three lines of 30 characters (part 5).
    #[serde(rename = "TD1")]
    Td1,
    /// Larger card, two lines of 36 (part 6).
    #[serde(rename = "TD2")]
    Td2,
    /// Passport, two lines of 44 (part 4).
    #[serde(rename = "TD3")]
    Td3,
    /// Visa, two lines of 44 (part 7).
    #[serde(rename = "MRV-A")]
    MrvA,
    /// Smaller visa, two lines of 36 (part 7).
    #[serde(rename = "MRV-B")]
    MrvB,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Td1, Self::Td2, Self::Td3, Self::MrvA, Self::MrvB];

    /// Its name, as it stands in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Td1 => "TD1",
            Self::Td2 => "TD2",
            Self::Td3 => "TD3",
            Self::MrvA => "MRV-A",
            Self::MrvB => "MRV-B",
        }
    }

    /// Number of lines, and characters of each.
    #[must_use]
    pub fn size(self) -> (usize, usize) {
        match self {
            Self::Td1 => (3, 30),
            Self::Td2 | Self::MrvB => (2, 36),
            Self::Td3 | Self::MrvA => (2, 44),
        }
    }

    /// The format of lines of these lengths; a visa is told by its first character.
    pub(super) fn of_lines(lines: &[&str]) -> Option<Self> {
        let lengths: Vec<usize> = lines.iter().map(|line| line.len()).collect();
        let visa = lines.first()?.starts_with('V');
        match (lengths.as_slice(), visa) {
            ([30, 30, 30], _) => Some(Self::Td1),
            ([36, 36], false) => Some(Self::Td2),
            ([36, 36], true) => Some(Self::MrvB),
            ([44, 44], false) => Some(Self::Td3),
            ([44, 44], true) => Some(Self::MrvA),
            _ => None,
        }
    }

    /// First characters of the document codes that it is for.
    pub(super) fn document_codes(self) -> &'static str {
        match self {
            Self::Td1 | Self::Td2 => "ACI",
            Self::Td3 => "P",
            Self::MrvA | Self::MrvB => "V",
        }
    }

    /// Every stretch of the zone, in its order.
    pub(super) fn stretches(self) -> &'static [Stretch] {
        match self {
            Self::Td1 => TD1,
            Self::Td2 => TD2,
            Self::Td3 => TD3,
            Self::MrvA => MRV_A,
            Self::MrvB => MRV_B,
        }
    }
}

/// Which characters may stand at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// `A` to `Z` and the filler.
    Letters,
    /// `0` to `9` and the filler: dates that are not known.
    DigitsOrFillers,
    /// `0` to `9`.
    Digits,
    /// `0` to `9`, or the filler in place of a digit that may be left out.
    OptionalDigit,
    /// `M`, `F`, `X` or the filler.
    Sex,
    /// Anything of the alphabet.
    Any,
}

/// A stretch of one line that belongs to one field.
#[derive(Debug, Clone)]
pub(super) struct Stretch {
    pub(super) line: usize,
    pub(super) range: Range<usize>,
    pub(super) field: Field,
    pub(super) class: Class,
}

const fn stretch(line: usize, range: Range<usize>, field: Field, class: Class) -> Stretch {
    Stretch {
        line,
        range,
        field,
        class,
    }
}

/// The first characters of every format. The second one is a digit on some real cards (`C1`), so it may be anything.
const CODE: Stretch = stretch(0, 0..1, Field::DocumentCode, Class::Letters);
const SECOND_CODE: Stretch = stretch(0, 1..2, Field::DocumentCode, Class::Any);
const STATE: Stretch = stretch(0, 2..5, Field::IssuingState, Class::Letters);

const TD1: &[Stretch] = &[
    CODE,
    SECOND_CODE,
    STATE,
    stretch(0, 5..14, Field::DocumentNumber, Class::Any),
    // A filler says that the number goes on in the optional data.
    stretch(0, 14..15, Field::CheckDigit, Class::OptionalDigit),
    stretch(0, 15..30, Field::OptionalData, Class::Any),
    stretch(1, 0..6, Field::DateOfBirth, Class::DigitsOrFillers),
    stretch(1, 6..7, Field::CheckDigit, Class::Digits),
    stretch(1, 7..8, Field::Sex, Class::Sex),
    stretch(1, 8..14, Field::ExpiryDate, Class::DigitsOrFillers),
    stretch(1, 14..15, Field::CheckDigit, Class::Digits),
    stretch(1, 15..18, Field::Nationality, Class::Letters),
    stretch(1, 18..29, Field::OptionalData, Class::Any),
    stretch(1, 29..30, Field::CheckDigit, Class::Digits),
    stretch(2, 0..30, Field::Names, Class::Letters),
];

/// After a number.
const NUMBER_DIGIT: Stretch = stretch(1, 9..10, Field::CheckDigit, Class::Digits);

/// A format of two lines: how long they are, what may stand after the number, and what follows the expiry.
macro_rules! two_lines {
    ($length:literal, $number_digit:expr, $($rest:expr),+ $(,)?) => {
        &[
            CODE,
            SECOND_CODE,
            STATE,
            stretch(0, 5..$length, Field::Names, Class::Letters),
            stretch(1, 0..9, Field::DocumentNumber, Class::Any),
            $number_digit,
            stretch(1, 10..13, Field::Nationality, Class::Letters),
            stretch(1, 13..19, Field::DateOfBirth, Class::DigitsOrFillers),
            stretch(1, 19..20, Field::CheckDigit, Class::Digits),
            stretch(1, 20..21, Field::Sex, Class::Sex),
            stretch(1, 21..27, Field::ExpiryDate, Class::DigitsOrFillers),
            stretch(1, 27..28, Field::CheckDigit, Class::Digits),
            $($rest),+
        ]
    };
}

const TD2: &[Stretch] = two_lines!(
    36,
    // As on TD1.
    stretch(1, 9..10, Field::CheckDigit, Class::OptionalDigit),
    stretch(1, 28..35, Field::OptionalData, Class::Any),
    stretch(1, 35..36, Field::CheckDigit, Class::Digits),
);

const TD3: &[Stretch] = two_lines!(
    44,
    NUMBER_DIGIT,
    stretch(1, 28..42, Field::OptionalData, Class::Any),
    stretch(1, 42..43, Field::CheckDigit, Class::OptionalDigit),
    stretch(1, 43..44, Field::CheckDigit, Class::Digits),
);

const MRV_A: &[Stretch] = two_lines!(
    44,
    NUMBER_DIGIT,
    stretch(1, 28..44, Field::OptionalData, Class::Any),
);

const MRV_B: &[Stretch] = two_lines!(
    36,
    NUMBER_DIGIT,
    stretch(1, 28..36, Field::OptionalData, Class::Any),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stretches_of_each_format_cover_every_character_once() {
        for format in Format::ALL {
            let (lines, length) = format.size();
            let mut next = (0, 0);
            for stretch in format.stretches() {
                assert_eq!(next, (stretch.line, stretch.range.start), "{format:?}");
                next = (stretch.line, stretch.range.end);
                if next.1 == length {
                    next = (stretch.line + 1, 0);
                }
            }
            assert_eq!(next, (lines, 0), "{format:?}");
        }
    }
}
