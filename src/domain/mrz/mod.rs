//! Machine-readable zones of travel documents: TD1, TD2, TD3, MRV-A and MRV-B of ICAO Doc 9303.
//!
//! Recognised lines become fields, and each field and each check digit is told by itself. What a reader takes for
//! another character is put right only where the format fixes whether a digit or a letter stands there, whatever the
//! check digits say: a document whose own digits are wrong is told as such, and nothing is bent until it fits.
//!
//! Some mistakes nothing here can see. A check digit is a sum modulo ten with the weights 7, 3 and 1, so characters whose
//! values differ by ten (`0`, `A`, `K`, `U`; `1`, `B`, `L`, `V`; and so on), and the filler and `0`, stand for each other
//! unnoticed wherever both are allowed. Two neighbours that differ by five may change places. Names, the sex, the issuing
//! state and the nationality are under no check digit at all, nor is anything of a visa but its number and two dates.

mod check;
mod date;
mod expected;
mod layout;
mod names;
mod parse;
mod repair;
mod sides;
mod states;
#[cfg(test)]
mod tests;

pub use check::{CheckDigit, CheckDigitName, check_digit};
pub use date::{CivilDate, DateField, DateState};
pub use expected::{Agreement, Expected, ExpectedField, compare};
pub use layout::Format;
pub use names::Names;
pub use repair::Repair;
pub use sides::differing;
pub use states::{StateKind, state_kind};

use std::fmt;

use serde::{Deserialize, Serialize};

/// The fields that issues and repairs can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Kind of document, such as `P<`.
    DocumentCode,
    /// Who issued it.
    IssuingState,
    /// Names of the holder.
    Names,
    /// Number of the document.
    DocumentNumber,
    /// Citizenship of the holder.
    Nationality,
    /// When the holder was born.
    DateOfBirth,
    /// The holder's sex.
    Sex,
    /// Until when the document is valid.
    ExpiryDate,
    /// What the issuer put where the format leaves room.
    OptionalData,
    /// A digit that checks others.
    CheckDigit,
}

/// What does not hold together in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssueCode {
    /// A check digit is not the one that its fields give.
    CheckDigitWrong,
    /// A character stands where the format does not allow it.
    UnexpectedCharacter,
    /// The date is not in the calendar.
    ImpossibleDate,
    /// The document was valid until a day that is over.
    DocumentExpired,
    /// The code is neither in ISO 3166-1 nor among those of ICAO.
    UnknownState,
    /// The code is Utopia's, which specimens bear: nobody's document.
    SpecimenState,
    /// The kind of document is none that this format is for.
    UnknownDocumentCode,
    /// There is no name.
    NoName,
}

/// One thing that does not hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// What.
    pub code: IssueCode,
    /// Where.
    pub field: Field,
}

/// The holder's sex as the document states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sex {
    /// `M`.
    #[serde(rename = "M")]
    Male,
    /// `F`.
    #[serde(rename = "F")]
    Female,
    /// `<` or `X`.
    #[serde(rename = "X")]
    Unspecified,
}

/// What the zone says, field by field, without fillers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fields {
    /// Kind of document, such as `P` or `ID`.
    pub document_code: String,
    /// Who issued it, as it stands there: `D` is Germany.
    pub issuing_state: String,
    /// Names of the holder.
    pub names: Names,
    /// Number of the document, in full where it is longer than its nine places.
    pub document_number: String,
    /// Citizenship of the holder.
    pub nationality: String,
    /// When the holder was born.
    pub date_of_birth: DateField,
    /// The holder's sex, unless another character stands there.
    pub sex: Option<Sex>,
    /// Until when the document is valid.
    pub expiry_date: DateField,
    /// What the issuer put where the format leaves room; on a passport often a personal number.
    pub optional_data: String,
    /// The second such room, which only TD1 has.
    pub optional_data_2: Option<String>,
}

/// A zone that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mrz {
    /// Its format.
    pub format: Format,
    /// The lines after repair.
    pub lines: Vec<String>,
    /// What it says.
    pub fields: Fields,
    /// Every check digit of the format.
    pub check_digits: Vec<CheckDigit>,
    /// Characters that were put right.
    pub repairs: Vec<Repair>,
    /// What does not hold together.
    pub issues: Vec<Issue>,
}

impl Mrz {
    /// Whether every check digit is the one that its fields give.
    #[must_use]
    pub fn check_digits_hold(&self) -> bool {
        self.check_digits.iter().all(|digit| digit.holds)
    }

    /// Whether something of this kind was found.
    #[must_use]
    pub fn has(&self, code: IssueCode) -> bool {
        self.issues.iter().any(|issue| issue.code == code)
    }
}

/// Why lines are no machine-readable zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MrzError {
    /// Their number and lengths are those of no format.
    NoFormat,
    /// A character is none of `A` to `Z`, `0` to `9` and `<`.
    ForeignCharacter {
        /// Which line, from 0.
        line: usize,
        /// Which character of it, from 0.
        position: usize,
    },
}

impl fmt::Display for MrzError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFormat => f.write_str("the lines have the lengths of no format"),
            Self::ForeignCharacter { line, position } => {
                write!(
                    f,
                    "character {position} of line {line} is not of the zone's alphabet"
                )
            }
        }
    }
}

impl std::error::Error for MrzError {}
