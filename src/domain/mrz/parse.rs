//! From lines of text to fields, check digits and issues.

use super::check::{CheckDigit, CheckDigitName};
use super::date::{CivilDate, DateField, DateState, Window};
use super::layout::Format;
use super::names::Names;
use super::repair::{fits, repair};
use super::states::{StateKind, state_kind};
use super::{Field, Fields, Issue, IssueCode, Mrz, MrzError, Sex};

impl Mrz {
    /// Reads the lines of a zone. Spaces within them are left out, small letters count as capitals, and any line end will
    /// do. `today` decides the century of two-digit years and whether the document has expired.
    ///
    /// # Errors
    /// [`MrzError`] where the lines are none of a zone. A zone that does not hold together is read: it says so in
    /// [`Mrz::issues`].
    pub fn parse(text: &str, today: CivilDate) -> Result<Self, MrzError> {
        let mut lines = alphabet_only(text)?;
        let texts: Vec<&str> = lines.iter().map(String::as_str).collect();
        let format = Format::of_lines(&texts).ok_or(MrzError::NoFormat)?;
        let repairs = repair(format, &mut lines);
        let parts = Parts::of(format, &lines);
        let fields = parts.fields(today);
        let check_digits = parts.check_digits();
        let issues = issues(&Zone {
            format,
            lines: &lines,
            fields: &fields,
            check_digits: &check_digits,
            today,
        });
        Ok(Self {
            format,
            lines,
            fields,
            check_digits,
            repairs,
            issues,
        })
    }
}

/// The lines that are not empty, in capitals and without spaces.
fn alphabet_only(text: &str) -> Result<Vec<String>, MrzError> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.split(['\r', '\n']) {
        let squeezed = line.chars().filter(|c| !c.is_whitespace());
        let capitals: String = squeezed.map(|c| c.to_ascii_uppercase()).collect();
        if capitals.is_empty() {
            continue;
        }
        let foreign = |c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '<');
        if let Some(position) = capitals.chars().position(foreign) {
            let line = lines.len();
            return Err(MrzError::ForeignCharacter { line, position });
        }
        lines.push(capitals);
    }
    Ok(lines)
}

/// The stretches that fields are made of, by their names.
struct Parts<'a> {
    format: Format,
    first: &'a str,
    second: &'a str,
    names: &'a str,
    number: Number<'a>,
    nationality: &'a str,
    birth: &'a str,
    birth_digit: char,
    sex: char,
    expiry: &'a str,
    expiry_digit: char,
}

/// A document number, wherever it ends, and what is left of the optional data.
struct Number<'a> {
    /// Without fillers.
    value: String,
    /// What its check digit is over.
    checked: String,
    digit: char,
    optional: &'a str,
}

impl<'a> Number<'a> {
    /// A filler in place of the check digit says that the number goes on in the optional data, where its check digit is
    /// the last character before the next filler.
    fn read(places: &'a str, digit: char, optional: &'a str) -> Self {
        let end = optional.find('<').unwrap_or(optional.len());
        let (rest, left) = optional.split_at(end);
        if digit == '<' && !rest.is_empty() {
            let (rest, digit) = rest.split_at(end - 1);
            let checked = format!("{places}{rest}");
            return Self {
                value: without_fillers(&checked),
                checked,
                digit: first_char(digit),
                optional: left,
            };
        }
        Self {
            value: without_fillers(places),
            checked: places.to_owned(),
            digit,
            optional,
        }
    }

    /// One that has to fit in its places.
    fn short(places: &'a str, digit: char, optional: &'a str) -> Self {
        Self {
            value: without_fillers(places),
            checked: places.to_owned(),
            digit,
            optional,
        }
    }
}

fn first_char(text: &str) -> char {
    text.chars().next().unwrap_or('<')
}

fn without_fillers(text: &str) -> String {
    text.replace('<', "")
}

/// Fillers as spaces, none at the ends.
fn spaced(text: &str) -> String {
    text.replace('<', " ").trim().to_owned()
}

impl<'a> Parts<'a> {
    /// Only to be called with lines of the format's size.
    fn of(format: Format, lines: &'a [String]) -> Self {
        let (first, second) = (lines[0].as_str(), lines[1].as_str());
        let at = |line: &'a str, index: usize| first_char(&line[index..]);
        if format == Format::Td1 {
            return Self {
                format,
                first,
                second,
                names: &lines[2],
                number: Number::read(&first[5..14], at(first, 14), &first[15..]),
                nationality: &second[15..18],
                birth: &second[..6],
                birth_digit: at(second, 6),
                sex: at(second, 7),
                expiry: &second[8..14],
                expiry_digit: at(second, 14),
            };
        }
        let (places, digit) = (&second[..9], at(second, 9));
        let number = match format {
            Format::Td2 => Number::read(places, digit, &second[28..35]),
            Format::Td3 => Number::short(places, digit, &second[28..42]),
            Format::Td1 | Format::MrvA | Format::MrvB => {
                Number::short(places, digit, &second[28..])
            }
        };
        Self {
            format,
            first,
            second,
            names: &first[5..],
            number,
            nationality: &second[10..13],
            birth: &second[13..19],
            birth_digit: at(second, 19),
            sex: at(second, 20),
            expiry: &second[21..27],
            expiry_digit: at(second, 27),
        }
    }

    fn fields(&self, today: CivilDate) -> Fields {
        let optional_data_2 = (self.format == Format::Td1).then(|| spaced(&self.second[18..29]));
        Fields {
            document_code: without_fillers(&self.first[..2]),
            issuing_state: without_fillers(&self.first[2..5]),
            names: Names::read(self.names),
            document_number: self.number.value.clone(),
            nationality: without_fillers(self.nationality),
            date_of_birth: DateField::read(self.birth, Window::Birth, today),
            sex: match self.sex {
                'M' => Some(Sex::Male),
                'F' => Some(Sex::Female),
                '<' | 'X' => Some(Sex::Unspecified),
                _ => None,
            },
            expiry_date: DateField::read(self.expiry, Window::Expiry, today),
            optional_data: spaced(self.number.optional),
            optional_data_2,
        }
    }

    fn check_digits(&self) -> Vec<CheckDigit> {
        use CheckDigitName as Name;
        let second = self.second;
        let mut digits = vec![
            CheckDigit::of(
                Name::DocumentNumber,
                self.number.digit,
                &self.number.checked,
            ),
            CheckDigit::of(Name::DateOfBirth, self.birth_digit, self.birth),
            CheckDigit::of(Name::ExpiryDate, self.expiry_digit, self.expiry),
        ];
        let composite = match self.format {
            Format::Td1 => {
                let parts = [
                    &self.first[5..],
                    &second[..7],
                    &second[8..15],
                    &second[18..29],
                ];
                Some((29, parts.concat()))
            }
            Format::Td2 => Some((
                35,
                [&second[..10], &second[13..20], &second[21..35]].concat(),
            )),
            Format::Td3 => {
                let printed = first_char(&second[42..]);
                digits.push(CheckDigit::of_optional(
                    Name::OptionalData,
                    printed,
                    &second[28..42],
                ));
                Some((
                    43,
                    [&second[..10], &second[13..20], &second[21..43]].concat(),
                ))
            }
            Format::MrvA | Format::MrvB => None,
        };
        if let Some((position, checked)) = composite {
            let printed = first_char(&second[position..]);
            digits.push(CheckDigit::of(Name::Composite, printed, &checked));
        }
        digits
    }
}

/// What issues are looked for in.
struct Zone<'a> {
    format: Format,
    lines: &'a [String],
    fields: &'a Fields,
    check_digits: &'a [CheckDigit],
    today: CivilDate,
}

/// Everything that does not hold together, each thing once.
fn issues(zone: &Zone<'_>) -> Vec<Issue> {
    let mut issues: Vec<Issue> = Vec::new();
    let mut note = |code, field| {
        let issue = Issue { code, field };
        if !issues.contains(&issue) {
            issues.push(issue);
        }
    };
    for stretch in zone.format.stretches() {
        let mut characters = zone.lines[stretch.line][stretch.range.clone()].chars();
        if !characters.all(|character| fits(character, stretch.class)) {
            note(IssueCode::UnexpectedCharacter, stretch.field);
        }
    }
    for digit in zone.check_digits.iter().filter(|digit| !digit.holds) {
        note(IssueCode::CheckDigitWrong, checked_field(digit.name));
    }
    let fields = zone.fields;
    if !zone
        .format
        .document_codes()
        .contains(first_char(&zone.lines[0]))
    {
        note(IssueCode::UnknownDocumentCode, Field::DocumentCode);
    }
    for (state, field) in [
        (&fields.issuing_state, Field::IssuingState),
        (&fields.nationality, Field::Nationality),
    ] {
        match state_kind(state) {
            Some(StateKind::Specimen) => note(IssueCode::SpecimenState, field),
            None => note(IssueCode::UnknownState, field),
            Some(StateKind::Iso | StateKind::Icao) => {}
        }
    }
    for (date, field) in [
        (&fields.date_of_birth, Field::DateOfBirth),
        (&fields.expiry_date, Field::ExpiryDate),
    ] {
        if date.state == DateState::Impossible {
            note(IssueCode::ImpossibleDate, field);
        }
    }
    if fields
        .expiry_date
        .date
        .is_some_and(|last| last < zone.today)
    {
        note(IssueCode::DocumentExpired, Field::ExpiryDate);
    }
    if fields.names.primary.is_empty() {
        note(IssueCode::NoName, Field::Names);
    }
    issues
}

fn checked_field(name: CheckDigitName) -> Field {
    match name {
        CheckDigitName::DocumentNumber => Field::DocumentNumber,
        CheckDigitName::DateOfBirth => Field::DateOfBirth,
        CheckDigitName::ExpiryDate => Field::ExpiryDate,
        CheckDigitName::OptionalData => Field::OptionalData,
        CheckDigitName::Composite => Field::CheckDigit,
    }
}
