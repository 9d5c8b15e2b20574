//! A machine-readable zone, field by field.

use serde::Serialize;
use utoipa::ToSchema;

use super::cue::CueView;
use super::document::ZonePlaceView;
use crate::domain::decision::CheckResult;
use crate::domain::document::{DocumentCheck, Side, ZoneReading, ZoneSearch};
use crate::domain::mrz::{
    CheckDigit, CheckDigitName, DateField, DateState, Field, Fields, Format, Issue, IssueCode, Mrz,
    Repair, Sex,
};

/// A date with a two-digit year.
#[derive(Debug, Serialize, ToSchema)]
pub struct DateView {
    /// The day, or null where the characters are none. A birth is the latest such day that is not in the future; an expiry
    /// lies from 50 years back to 49 ahead.
    #[schema(example = "1974-08-12")]
    pub value: Option<String>,
    /// `known`, `unknown` where fillers leave it open, or `impossible`.
    #[schema(value_type = String, example = "known")]
    pub state: DateState,
    /// The six characters.
    #[schema(example = "740812")]
    pub raw: String,
}

impl From<&DateField> for DateView {
    fn from(field: &DateField) -> Self {
        Self {
            value: field.date.map(|date| date.to_string()),
            state: field.state,
            raw: field.raw.clone(),
        }
    }
}

/// What the zone says, without its fillers.
#[derive(Debug, Serialize, ToSchema)]
pub struct MrzFieldsView {
    /// Kind of document.
    #[schema(example = "P")]
    pub document_code: String,
    /// Who issued it; Germany is `D`.
    #[schema(example = "UTO")]
    pub issuing_state: String,
    /// Mostly the surname: what stands before two fillers.
    #[schema(example = "ERIKSSON")]
    pub last_names: String,
    /// Mostly the given names: what stands after them.
    #[schema(example = "ANNA MARIA")]
    pub first_names: String,
    /// True where the names fill their room, so that more may have been cut off.
    pub names_truncated: bool,
    /// In full, also where it is longer than nine characters.
    #[schema(example = "L898902C3")]
    pub document_number: String,
    /// Citizenship of the holder.
    #[schema(example = "UTO")]
    pub nationality: String,
    /// When the holder was born.
    pub date_of_birth: DateView,
    /// `M`, `F`, `X` where the document leaves it open, or null where another character stands there.
    #[schema(value_type = Option<String>, example = "F")]
    pub sex: Option<Sex>,
    /// Until when the document is valid.
    pub expiry_date: DateView,
    /// What the issuer put where the format leaves room.
    #[schema(example = "ZE184226B")]
    pub optional_data: String,
    /// The second such room of a card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional_data_2: Option<String>,
}

impl From<&Fields> for MrzFieldsView {
    fn from(fields: &Fields) -> Self {
        Self {
            document_code: fields.document_code.clone(),
            issuing_state: fields.issuing_state.clone(),
            last_names: fields.names.primary.clone(),
            first_names: fields.names.secondary.clone(),
            names_truncated: fields.names.truncated,
            document_number: fields.document_number.clone(),
            nationality: fields.nationality.clone(),
            date_of_birth: (&fields.date_of_birth).into(),
            sex: fields.sex,
            expiry_date: (&fields.expiry_date).into(),
            optional_data: fields.optional_data.clone(),
            optional_data_2: fields.optional_data_2.clone(),
        }
    }
}

/// One check digit.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckDigitView {
    /// What stands there.
    #[schema(value_type = String, example = "6")]
    pub printed: char,
    /// What its fields give.
    #[schema(value_type = String, example = "6")]
    pub computed: char,
    /// Whether the two agree. An empty field may leave its digit out.
    pub holds: bool,
}

impl From<&CheckDigit> for CheckDigitView {
    fn from(digit: &CheckDigit) -> Self {
        Self {
            printed: digit.printed,
            computed: digit.computed,
            holds: digit.holds,
        }
    }
}

/// The check digits that the format has.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckDigitsView {
    /// Over the document number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_number: Option<CheckDigitView>,
    /// Over the date of birth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_of_birth: Option<CheckDigitView>,
    /// Over the expiry date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry_date: Option<CheckDigitView>,
    /// Over the optional data; passports only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional_data: Option<CheckDigitView>,
    /// Over the other fields and their digits; not on visas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub composite: Option<CheckDigitView>,
}

impl From<&Mrz> for CheckDigitsView {
    fn from(mrz: &Mrz) -> Self {
        let find = |name: CheckDigitName| {
            let digit = mrz.check_digits.iter().find(|digit| digit.name == name);
            digit.map(Into::into)
        };
        Self {
            document_number: find(CheckDigitName::DocumentNumber),
            date_of_birth: find(CheckDigitName::DateOfBirth),
            expiry_date: find(CheckDigitName::ExpiryDate),
            optional_data: find(CheckDigitName::OptionalData),
            composite: find(CheckDigitName::Composite),
        }
    }
}

/// A character that was put right, because the format leaves no doubt whether a digit or a letter stands there.
#[derive(Debug, Serialize, ToSchema)]
pub struct RepairView {
    /// Which line, from 1.
    #[schema(example = 2)]
    pub line: usize,
    /// Which character of it, from 1.
    #[schema(example = 14)]
    pub position: usize,
    /// The field that it is in.
    #[schema(value_type = String, example = "date_of_birth")]
    pub field: Field,
    /// What was read.
    #[schema(value_type = String, example = "O")]
    pub from: char,
    /// What it must be.
    #[schema(value_type = String, example = "0")]
    pub to: char,
}

impl From<&Repair> for RepairView {
    fn from(repair: &Repair) -> Self {
        Self {
            line: repair.line + 1,
            position: repair.position + 1,
            field: repair.field,
            from: repair.from,
            to: repair.to,
        }
    }
}

/// One thing that does not hold together.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueView {
    /// `check_digit_wrong`, `unexpected_character`, `impossible_date`, `document_expired`, `unknown_state`,
    /// `specimen_state`, `unknown_document_code` or `no_name`.
    #[schema(value_type = String, example = "document_expired")]
    pub code: IssueCode,
    /// Where; `check_digit` for the composite one.
    #[schema(value_type = String, example = "expiry_date")]
    pub field: Field,
}

impl From<&Issue> for IssueView {
    fn from(issue: &Issue) -> Self {
        Self {
            code: issue.code,
            field: issue.field,
        }
    }
}

/// A zone that was read.
#[derive(Debug, Serialize, ToSchema)]
pub struct ZoneView {
    /// `document` or `document_back`.
    #[schema(value_type = String, example = "document")]
    pub side: Side,
    /// Where it lies in that picture.
    pub place: ZonePlaceView,
    /// `TD1`, `TD2`, `TD3`, `MRV-A` or `MRV-B`.
    #[schema(value_type = String, example = "TD3")]
    pub format: Format,
    /// Its lines, after repair.
    #[schema(example = json!(["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"]))]
    pub lines: Vec<String>,
    /// What it says.
    pub fields: MrzFieldsView,
    /// Every check digit of the format.
    pub check_digits: CheckDigitsView,
    /// Characters that were put right.
    pub repairs: Vec<RepairView>,
    /// What does not hold together.
    pub issues: Vec<IssueView>,
    /// Signs that something was put into it; none where too little stands in it to tell.
    pub cues: Vec<CueView>,
}

impl From<&ZoneReading> for ZoneView {
    fn from(reading: &ZoneReading) -> Self {
        let mrz = &reading.mrz;
        Self {
            side: reading.side,
            place: reading.into(),
            format: mrz.format,
            lines: mrz.lines.clone(),
            fields: (&mrz.fields).into(),
            check_digits: mrz.into(),
            repairs: mrz.repairs.iter().map(Into::into).collect(),
            issues: mrz.issues.iter().map(Into::into).collect(),
            cues: reading.cues.iter().map(Into::into).collect(),
        }
    }
}

/// The machine-readable zone of a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct MrzView {
    /// `pass` where it holds together, `review` where it does not, `not_evaluated` where none was read.
    #[schema(value_type = String, example = "pass")]
    pub result: CheckResult,
    /// Why it was not evaluated, where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What was read, where it was.
    #[serde(flatten)]
    pub zone: Option<ZoneView>,
}

impl From<&DocumentCheck> for MrzView {
    fn from(check: &DocumentCheck) -> Self {
        let zone = check.sides.zone();
        let result = zone.map_or(CheckResult::NotEvaluated, ZoneReading::result);
        let reason = match (zone, &check.sides.front) {
            (Some(_), _) => None,
            (None, ZoneSearch::SwitchedOff) => Some("this service is set not to read documents"),
            (None, ZoneSearch::Read(_) | ZoneSearch::NotFound | ZoneSearch::NotSent) => {
                Some("no machine-readable zone was found")
            }
        };
        Self {
            result,
            reason,
            zone: zone.map(Into::into),
        }
    }
}
