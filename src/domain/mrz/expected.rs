//! What a caller expects the document to say, compared with what it says.
//!
//! Names are compared as the zone can spell them: capitals without accents. Doc 9303 part 3, section 6 allows several
//! spellings of some letters (Ü is UE, UXX or U), so a name agrees where one of them does. A hyphen, an apostrophe and a
//! space make no difference. A given name may stand for all of them (`Anna` for `ANNA MARIA`), and where the zone may
//! have cut a name off, what it holds has to be how the expected one begins.

use serde::{Deserialize, Serialize};

use super::{CivilDate, DateField, Fields, Sex};

/// What the document is expected to say; what is not set is not compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// Number of the document.
    pub document_number: Option<String>,
    /// When the holder was born.
    pub date_of_birth: Option<CivilDate>,
    /// Until when it is valid.
    pub expiry_date: Option<CivilDate>,
    /// Given names.
    pub first_names: Option<String>,
    /// Surname.
    pub last_names: Option<String>,
    /// Citizenship, as three letters.
    pub nationality: Option<String>,
    /// The holder's sex.
    pub sex: Option<Sex>,
    /// Who issued it, as three letters.
    pub issuing_state: Option<String>,
}

/// A field that can be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpectedField {
    /// Number of the document.
    DocumentNumber,
    /// When the holder was born.
    DateOfBirth,
    /// Until when it is valid.
    ExpiryDate,
    /// Given names.
    FirstNames,
    /// Surname.
    LastNames,
    /// Citizenship.
    Nationality,
    /// The holder's sex.
    Sex,
    /// Who issued it.
    IssuingState,
}

/// Whether a field says what is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// It does.
    Match,
    /// It does not.
    Mismatch,
    /// The expected text is in letters that the zone cannot spell, or the zone leaves the field open.
    NotEvaluated,
}

impl Expected {
    /// Whether nothing is expected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Compares every field that is expected, in the order of [`Expected`].
#[must_use]
pub fn compare(expected: &Expected, read: &Fields) -> Vec<(ExpectedField, Agreement)> {
    use ExpectedField as F;
    let number = expected
        .document_number
        .as_deref()
        .map(|number| text(number, &read.document_number));
    let first = expected
        .first_names
        .as_deref()
        .map(|names| given_names(names, read));
    let last = expected
        .last_names
        .as_deref()
        .map(|names| surname(names, read));
    let nationality = expected
        .nationality
        .as_deref()
        .map(|code| state(code, &read.nationality));
    let issuer = expected
        .issuing_state
        .as_deref()
        .map(|code| state(code, &read.issuing_state));
    [
        (F::DocumentNumber, number),
        (
            F::DateOfBirth,
            expected
                .date_of_birth
                .map(|day| date(day, &read.date_of_birth)),
        ),
        (
            F::ExpiryDate,
            expected.expiry_date.map(|day| date(day, &read.expiry_date)),
        ),
        (F::FirstNames, first),
        (F::LastNames, last),
        (F::Nationality, nationality),
        (
            F::Sex,
            expected.sex.map(|sex| agreement(read.sex == Some(sex))),
        ),
        (F::IssuingState, issuer),
    ]
    .into_iter()
    .filter_map(|(field, agreement)| Some((field, agreement?)))
    .collect()
}

fn agreement(agree: bool) -> Agreement {
    if agree {
        Agreement::Match
    } else {
        Agreement::Mismatch
    }
}

fn date(expected: CivilDate, read: &DateField) -> Agreement {
    match read.date {
        Some(date) => agreement(date == expected),
        None if read.state == super::DateState::Unknown => Agreement::NotEvaluated,
        None => Agreement::Mismatch,
    }
}

/// Letters and digits alone count.
fn text(expected: &str, read: &str) -> Agreement {
    let significant = |text: &str| -> String {
        let kept = text.chars().filter(char::is_ascii_alphanumeric);
        kept.map(|c| c.to_ascii_uppercase()).collect()
    };
    agreement(significant(expected) == significant(read))
}

/// Germany is `D` in the zone and may be expected as `DEU`.
fn state(expected: &str, read: &str) -> Agreement {
    let code = |code: &str| match code.to_ascii_uppercase().as_str() {
        "D" | "DEU" => "DEU".to_owned(),
        other => other.to_owned(),
    };
    agreement(code(expected) == code(read))
}

fn given_names(expected: &str, read: &Fields) -> Agreement {
    let held: Vec<&str> = read.names.secondary.split(' ').collect();
    any_spelling(expected, |words| {
        let joined = words.concat();
        let mut begun = String::new();
        let leading = held.iter().any(|word| {
            begun.push_str(word);
            begun == joined
        });
        leading || (read.names.truncated && begins(&joined, &held.concat()))
    })
}

fn surname(expected: &str, read: &Fields) -> Agreement {
    let held = read.names.primary.replace(' ', "");
    // Only a name that reaches the end of its room can have been cut off there.
    let cut = read.names.truncated && read.names.secondary.is_empty();
    any_spelling(expected, |words| {
        let joined = words.concat();
        joined == held || (cut && begins(&joined, &held))
    })
}

fn begins(whole: &str, beginning: &str) -> bool {
    !beginning.is_empty() && whole.starts_with(beginning)
}

/// Tries the spellings that the standard allows.
fn any_spelling(expected: &str, agrees: impl Fn(&[String]) -> bool) -> Agreement {
    let spelt = |spelling| -> Option<bool> {
        let words: Option<Vec<String>> = expected
            .split([' ', '-', '\u{2010}', '\u{2011}'])
            .map(|word| spell(word, spelling))
            .collect();
        words.map(|words| agrees(&words))
    };
    match [Spelling::Expanded, Spelling::Plain, Spelling::Marked].map(spelt) {
        [None, ..] | [_, None, _] | [.., None] => Agreement::NotEvaluated,
        tried => agreement(tried.contains(&Some(true))),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// Ü as UE.
    Expanded,
    /// Ü as U.
    Plain,
    /// Ü as UXX.
    Marked,
}

/// A word as the zone spells it; `None` where it cannot.
fn spell(word: &str, spelling: Spelling) -> Option<String> {
    let mut spelt = String::new();
    for letter in word.chars().flat_map(char::to_uppercase) {
        match letter {
            'A'..='Z' => spelt.push(letter),
            '\'' | '\u{2019}' | '.' | ',' => {}
            // A combining mark belongs to the letter before it.
            '\u{300}'..='\u{36f}' => {}
            _ => spelt.push_str(transliterate(letter, spelling)?),
        }
    }
    Some(spelt)
}

/// Latin letters of the standard's table A that are not in the zone's alphabet.
fn transliterate(letter: char, spelling: Spelling) -> Option<&'static str> {
    let pick = |expanded, plain, marked| match spelling {
        Spelling::Expanded => expanded,
        Spelling::Plain => plain,
        Spelling::Marked => marked,
    };
    Some(match letter {
        'Ä' => pick("AE", "A", "AXX"),
        'Ö' => pick("OE", "O", "OXX"),
        'Ü' => pick("UE", "U", "UXX"),
        'Å' => pick("AA", "A", "AA"),
        'Ñ' => pick("N", "N", "NXX"),
        'Ø' => pick("OE", "O", "OE"),
        'Æ' => "AE",
        'Œ' => "OE",
        'Þ' => "TH",
        'Ĳ' => "IJ",
        'ẞ' => "SS",
        'À' | 'Á' | 'Â' | 'Ã' | 'Ā' | 'Ă' | 'Ą' => "A",
        'Ç' | 'Ć' | 'Ĉ' | 'Ċ' | 'Č' => "C",
        'Ď' | 'Đ' | 'Ð' => "D",
        'È' | 'É' | 'Ê' | 'Ë' | 'Ē' | 'Ĕ' | 'Ė' | 'Ę' | 'Ě' => "E",
        'Ĝ' | 'Ğ' | 'Ġ' | 'Ģ' => "G",
        'Ĥ' | 'Ħ' => "H",
        'Ì' | 'Í' | 'Î' | 'Ï' | 'Ĩ' | 'Ī' | 'Ĭ' | 'Į' | 'İ' => "I",
        'Ĵ' => "J",
        'Ķ' => "K",
        'Ĺ' | 'Ļ' | 'Ľ' | 'Ŀ' | 'Ł' => "L",
        'Ń' | 'Ņ' | 'Ň' => "N",
        'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ō' | 'Ŏ' | 'Ő' => "O",
        'Ŕ' | 'Ŗ' | 'Ř' => "R",
        'Ś' | 'Ŝ' | 'Ş' | 'Š' | 'Ș' => "S",
        'Ţ' | 'Ť' | 'Ŧ' | 'Ț' => "T",
        'Ù' | 'Ú' | 'Û' | 'Ũ' | 'Ū' | 'Ŭ' | 'Ů' | 'Ű' | 'Ų' => "U",
        'Ŵ' => "W",
        'Ý' | 'Ŷ' | 'Ÿ' => "Y",
        'Ź' | 'Ż' | 'Ž' => "Z",
        _ => return None,
    })
}
