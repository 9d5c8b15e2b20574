//! Which line of which zone a text is, told by where its digits and letters stand.

/// A line's place in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Role {
    /// Characters of each line.
    pub(super) length: usize,
    /// Lines of the zone.
    pub(super) lines: usize,
    /// Which of them this is.
    pub(super) index: usize,
}

/// Lengths of the formats' lines, and how many lines they have.
const SHAPES: [(usize, usize); 3] = [(30, 3), (36, 2), (44, 2)];
/// Of the twelve characters of two dates at least so many are digits, or look like one.
const MIN_DATE_DIGITS: usize = 10;
/// Lines may be this much shorter or longer than a format's and be looked at again.
const MAX_MISSING: usize = 4;

/// The length that a line of so many characters should have; `None` where no format is near.
pub(super) fn nearest_length(count: usize) -> Option<usize> {
    SHAPES
        .iter()
        .map(|(length, _)| *length)
        .filter(|length| length.abs_diff(count) <= MAX_MISSING)
        .min_by_key(|length| length.abs_diff(count))
}

/// What a line is; `None` for any other text.
pub(super) fn role(line: &str) -> Option<Role> {
    let characters: Vec<char> = line.chars().collect();
    let (length, lines) = *SHAPES.iter().find(|shape| shape.0 == characters.len())?;
    let index = if lines == 3 {
        card_line(&characters)?
    } else if has_dates(&characters, [13, 21]) {
        1
    } else if begins_with_codes(&characters, "PVIAC") && has_names(&characters[5..]) {
        0
    } else {
        return None;
    };
    Some(Role {
        length,
        lines,
        index,
    })
}

fn card_line(characters: &[char]) -> Option<usize> {
    if has_dates(characters, [0, 8]) {
        Some(1)
    } else if begins_with_codes(characters, "IAC") && digits(&characters[5..]) >= 2 {
        Some(0)
    } else if has_names(characters) {
        Some(2)
    } else {
        None
    }
}

fn looks_like_digit(character: char) -> bool {
    character.is_ascii_digit() || "OISBZG".contains(character)
}

fn digits(characters: &[char]) -> usize {
    characters.iter().filter(|c| c.is_ascii_digit()).count()
}

fn has_dates(characters: &[char], starts: [usize; 2]) -> bool {
    let dates = starts
        .iter()
        .flat_map(|start| &characters[*start..*start + 6]);
    let (mut alike, mut real) = (0, 0);
    for character in dates {
        alike += usize::from(looks_like_digit(*character));
        real += usize::from(character.is_ascii_digit());
    }
    alike >= MIN_DATE_DIGITS && real >= MIN_DATE_DIGITS / 2
}

/// A kind of document, then a state of three letters, or of one and fillers.
fn begins_with_codes(characters: &[char], kinds: &str) -> bool {
    let letter = |character: char| character.is_ascii_uppercase() || "015826".contains(character);
    let state = &characters[2..5];
    // `I` is taken for `1` like any other.
    let kind = if characters[0] == '1' {
        'I'
    } else {
        characters[0]
    };
    kinds.contains(kind)
        && letter(state[0])
        && (state.iter().all(|c| letter(*c)) || state[1..] == ['<', '<'])
}

/// Fillers, and next to no digits.
fn has_names(characters: &[char]) -> bool {
    let fillers = characters.windows(2).any(|pair| pair == ['<', '<']);
    fillers && digits(characters) <= characters.len() / 6 && characters[0] != '<'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_every_format_are_told_apart() {
        for (line, expected) in [
            ("I<UTOD231458907<<<<<<<<<<<<<<<", (30, 3, 0)),
            ("7408122F1204159UTO<<<<<<<<<<<6", (30, 3, 1)),
            ("ERIKSSON<<ANNA<MARIA<<<<<<<<<<", (30, 3, 2)),
            ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", (36, 2, 0)),
            ("D231458907UTO7408122F1204159<<<<<<<6", (36, 2, 1)),
            ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", (44, 2, 0)),
            ("L898902C36UTO74O8I22F1204159ZE184226B<<<<<10", (44, 2, 1)),
            ("V<D<<ERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", (44, 2, 0)),
        ] {
            let Role {
                length,
                lines,
                index,
            } = role(line).unwrap();
            assert_eq!((length, lines, index), expected, "{line}");
        }
    }

    #[test]
    fn other_text_is_no_line_of_a_zone() {
        for line in [
            "06MISTONAROZENIPLACEOFBIRTHLIEUDEMAISSANCE",
            "REPUBLICOFCHINAREPUBLICOFCHINA",
            "PASSPORTSPECIMENPASSPORTSPECIMENPASSPORTSPEC",
            "",
            "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<",
        ] {
            assert_eq!(role(line), None, "{line}");
        }
    }

    #[test]
    fn a_line_that_lacks_a_few_characters_has_a_length_to_come_to() {
        assert_eq!(
            [25, 26, 30, 33, 34, 36, 41, 44, 48, 49].map(nearest_length),
            [
                None,
                Some(30),
                Some(30),
                Some(30),
                Some(36),
                Some(36),
                Some(44),
                Some(44),
                Some(44),
                None
            ]
        );
    }
}
