//! Check digits: weights 7, 3 and 1, modulo 10 (Doc 9303 part 3, 4.9).

use serde::{Deserialize, Serialize};

/// The check digits that a format may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckDigitName {
    /// Over the document number.
    DocumentNumber,
    /// Over the date of birth.
    DateOfBirth,
    /// Over the expiry date.
    ExpiryDate,
    /// Over the optional data of a passport.
    OptionalData,
    /// Over most of the fields and their digits.
    Composite,
}

/// One check digit: as it is printed, and as its fields give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckDigit {
    /// What it checks.
    pub name: CheckDigitName,
    /// What stands there.
    pub printed: char,
    /// What its fields give.
    pub computed: char,
    /// Whether the two agree.
    pub holds: bool,
}

impl CheckDigit {
    /// Compares a printed digit with what its fields give.
    pub(super) fn of(name: CheckDigitName, printed: char, checked: &str) -> Self {
        let computed = check_digit(checked);
        Self {
            name,
            printed,
            computed,
            holds: printed == computed,
        }
    }

    /// The same for a field that may be empty: its digit may then be left out.
    pub(super) fn of_optional(name: CheckDigitName, printed: char, checked: &str) -> Self {
        let digit = Self::of(name, printed, checked);
        let left_out = printed == '<' && checked.bytes().all(|byte| byte == b'<');
        Self {
            holds: digit.holds || left_out,
            ..digit
        }
    }
}

/// The check digit of characters of the zone: `0` to `9` count as they are, `A` to `Z` as 10 to 35, `<` as 0.
#[must_use]
pub fn check_digit(checked: &str) -> char {
    let weights = [7, 3, 1].into_iter().cycle();
    let sum: u32 = checked
        .chars()
        .zip(weights)
        .map(|(c, weight)| c.to_digit(36).unwrap_or(0) * weight)
        .sum();
    char::from_digit(sum % 10, 10).unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard_come_out() {
        // Doc 9303 part 3, 4.9 and appendix A.
        assert_eq!(check_digit("520727"), '3');
        assert_eq!(check_digit("AB2134<<<"), '5');
        assert_eq!(check_digit("HA672242<658022549601086<<<<<<<<<<<<<<0"), '8');
        assert_eq!(
            check_digit("D231458907<<<<<<<<<<<<<<<34071279507122<<<<<<<<<<"),
            '2'
        );
        assert_eq!(check_digit("HA672242<658022549601086<<<<<<<"), '8');
    }

    #[test]
    fn an_empty_field_may_leave_its_digit_out_and_no_other_may() {
        let name = CheckDigitName::OptionalData;
        assert!(CheckDigit::of_optional(name, '<', "<<<").holds);
        assert!(CheckDigit::of_optional(name, '0', "<<<").holds);
        assert!(!CheckDigit::of_optional(name, '1', "<<<").holds);
        assert!(!CheckDigit::of_optional(name, '<', "0<<").holds);
        assert!(!CheckDigit::of(name, '<', "<<<").holds);
    }
}
