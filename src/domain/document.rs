//! What a document says of itself, and whether it holds together.

use serde::{Deserialize, Serialize};

use super::cues::Cue;
use super::decision::{Check, CheckResult, Reason, ReasonCode, Severity};
use super::face::Point;
use super::mrz::{Agreement, Expected, ExpectedField, Field, IssueCode, Mrz, compare, differing};

/// A side of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The one with the portrait, sent as `document`.
    Document,
    /// The other one, sent as `document_back`.
    DocumentBack,
}

/// A zone, where it was found, and what it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZoneReading {
    /// On which side.
    pub side: Side,
    /// Its corners in that picture: top left, top right, bottom right, bottom left of the text.
    pub corners: [Point; 4],
    /// How far its lines are turned, clockwise.
    pub turn_degrees: f32,
    /// Mean probability of the characters, by the reader's own account.
    pub confidence: f32,
    /// What it says.
    pub mrz: Mrz,
    /// Signs that something was put into it; none where it is too short to tell, or was read before they were looked for.
    #[serde(default)]
    pub cues: Vec<Cue>,
}

impl ZoneReading {
    /// Whether it holds together by itself.
    #[must_use]
    pub fn result(&self) -> CheckResult {
        if self.mrz.issues.iter().any(|issue| is_fault(issue.code)) {
            CheckResult::Review
        } else {
            CheckResult::Pass
        }
    }
}

/// What looking for a zone on one side came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneSearch {
    /// It was read.
    Read(Box<ZoneReading>),
    /// None was found.
    NotFound,
    /// This service is set not to look.
    SwitchedOff,
    /// There was no such picture.
    NotSent,
}

impl ZoneSearch {
    /// The zone, where it was read.
    #[must_use]
    pub fn reading(&self) -> Option<&ZoneReading> {
        match self {
            Self::Read(reading) => Some(reading),
            Self::NotFound | Self::SwitchedOff | Self::NotSent => None,
        }
    }
}

/// Both sides of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sides {
    /// The one with the portrait.
    pub front: ZoneSearch,
    /// The other one.
    pub back: ZoneSearch,
}

impl Sides {
    /// The zone that counts: that of the front, as on passports, or else that of the back, as on cards.
    #[must_use]
    pub fn zone(&self) -> Option<&ZoneReading> {
        self.front.reading().or_else(|| self.back.reading())
    }

    /// Every zone that was read.
    fn zones(&self) -> impl Iterator<Item = &ZoneReading> {
        [&self.front, &self.back]
            .into_iter()
            .filter_map(ZoneSearch::reading)
    }

    /// The fields that the two sides give differently; none where one of them has no zone.
    fn differing(&self) -> Vec<Field> {
        let both = self.front.reading().zip(self.back.reading());
        both.map_or_else(Vec::new, |(front, back)| {
            differing(&front.mrz.fields, &back.mrz.fields)
        })
    }
}

/// One field that was expected, and whether the document agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedOutcome {
    /// Which.
    pub field: ExpectedField,
    /// Whether it agrees.
    pub agreement: Agreement,
}

/// Whether the document holds together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DocumentCheck {
    /// What it came to.
    pub result: CheckResult,
    /// What was read on its sides.
    pub sides: Sides,
    /// The fields that its sides give differently. Records of earlier versions lack them.
    #[serde(default)]
    pub differing: Vec<Field>,
    /// True where fields were expected.
    pub anything_expected: bool,
    /// The fields that were expected; empty where there is no zone to compare them with.
    pub expected: Vec<ExpectedOutcome>,
}

/// Judges a document by the zones of both sides, and compares what is expected with the one that counts.
///
/// Nothing here declines: a reader makes mistakes, and a human has to look at what it takes for a fault. That the zone
/// is a specimen's is told, and changes nothing else.
#[must_use]
pub fn judge(sides: Sides, expected: &Expected, reasons: &mut Vec<Reason>) -> DocumentCheck {
    let mut outcomes = Vec::new();
    let mut found: Vec<(ReasonCode, Severity)> = Vec::new();
    for issue in sides.zones().flat_map(|zone| &zone.mrz.issues) {
        note(&mut found, reason_of(issue.code));
    }
    let differing = sides.differing();
    if !differing.is_empty() {
        note(
            &mut found,
            (ReasonCode::DocumentSidesDiffer, Severity::Review),
        );
    }
    if let Some(zone) = sides.zone() {
        let compared = compare(expected, &zone.mrz.fields);
        outcomes = compared
            .into_iter()
            .map(|(field, agreement)| ExpectedOutcome { field, agreement })
            .collect();
        if outcomes
            .iter()
            .any(|outcome| outcome.agreement == Agreement::Mismatch)
        {
            note(&mut found, (ReasonCode::ExpectedMismatch, Severity::Review));
        }
    }
    let result = if sides.zone().is_none() {
        CheckResult::NotEvaluated
    } else if found
        .iter()
        .any(|(_, severity)| *severity != Severity::Info)
    {
        CheckResult::Review
    } else {
        CheckResult::Pass
    };
    reasons.extend(found.into_iter().map(|(code, severity)| Reason {
        code,
        check: Check::Document,
        severity,
    }));
    DocumentCheck {
        result,
        sides,
        differing,
        anything_expected: !expected.is_empty(),
        expected: outcomes,
    }
}

fn note(found: &mut Vec<(ReasonCode, Severity)>, reason: (ReasonCode, Severity)) {
    if !found.contains(&reason) {
        found.push(reason);
    }
}

/// Whether an issue counts against the document; any other is only told.
fn is_fault(issue: IssueCode) -> bool {
    reason_of(issue).1 != Severity::Info
}

fn reason_of(issue: IssueCode) -> (ReasonCode, Severity) {
    match issue {
        IssueCode::CheckDigitWrong
        | IssueCode::UnexpectedCharacter
        | IssueCode::UnknownDocumentCode
        | IssueCode::NoName => (ReasonCode::DocumentMrzInconsistent, Severity::Review),
        IssueCode::ImpossibleDate => (ReasonCode::DocumentDateImpossible, Severity::Review),
        IssueCode::DocumentExpired => (ReasonCode::DocumentExpired, Severity::Review),
        IssueCode::UnknownState => (ReasonCode::DocumentStateUnknown, Severity::Review),
        IssueCode::SpecimenState => (ReasonCode::DocumentSpecimen, Severity::Info),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSPORT: &str = "P<FRAERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36FRA7408122F3404159ZE184226B<<<<<16";

    fn sides(text: &str, side: Side) -> Sides {
        let point = Point { x: 0.0, y: 0.0 };
        let read = ZoneSearch::Read(Box::new(ZoneReading {
            side,
            corners: [point; 4],
            turn_degrees: 0.0,
            confidence: 1.0,
            mrz: Mrz::parse(text, "2026-01-01".parse().unwrap()).unwrap(),
            cues: Vec::new(),
        }));
        match side {
            Side::Document => Sides {
                front: read,
                back: ZoneSearch::NotSent,
            },
            Side::DocumentBack => Sides {
                front: ZoneSearch::NotFound,
                back: read,
            },
        }
    }

    fn judged(text: &str, expected: &Expected) -> (CheckResult, Vec<(ReasonCode, Severity)>) {
        let mut reasons = Vec::new();
        let check = judge(sides(text, Side::Document), expected, &mut reasons);
        (
            check.result,
            reasons.iter().map(|r| (r.code, r.severity)).collect(),
        )
    }

    #[test]
    fn each_fault_is_a_reason_of_its_own_and_none_of_them_declines() {
        use ReasonCode as C;
        use Severity::{Info, Review};
        let nothing = Expected::default();
        assert_eq!(judged(PASSPORT, &nothing), (CheckResult::Pass, vec![]));
        for (right, wrong, reasons) in [
            (
                "L898902C3",
                "L898902C4",
                vec![(C::DocumentMrzInconsistent, Review)],
            ),
            (
                "3404159",
                "2404158",
                vec![
                    (C::DocumentMrzInconsistent, Review),
                    (C::DocumentExpired, Review),
                ],
            ),
            ("6FRA", "6QQQ", vec![(C::DocumentStateUnknown, Review)]),
            ("6FRA", "6UTO", vec![(C::DocumentSpecimen, Info)]),
            (
                "740812",
                "741312",
                vec![
                    (C::DocumentMrzInconsistent, Review),
                    (C::DocumentDateImpossible, Review),
                ],
            ),
        ] {
            let (result, told) = judged(&PASSPORT.replace(right, wrong), &nothing);
            assert_eq!(told, reasons, "{wrong}");
            let expected = if reasons[0].1 == Info {
                CheckResult::Pass
            } else {
                CheckResult::Review
            };
            assert_eq!(result, expected, "{wrong}");
        }
    }

    #[test]
    fn a_mismatch_with_what_is_expected_asks_for_a_human_and_names_the_field() {
        let expected = Expected {
            document_number: Some("L898902C3".to_owned()),
            last_names: Some("Erikson".to_owned()),
            ..Expected::default()
        };
        let mut reasons = Vec::new();
        let check = judge(sides(PASSPORT, Side::DocumentBack), &expected, &mut reasons);
        assert_eq!(reasons[0].code, ReasonCode::ExpectedMismatch);
        let told: Vec<_> = check
            .expected
            .iter()
            .map(|o| (o.field, o.agreement))
            .collect();
        assert_eq!(
            told,
            [
                (ExpectedField::DocumentNumber, Agreement::Match),
                (ExpectedField::LastNames, Agreement::Mismatch),
            ]
        );
        assert_eq!(
            check.sides.zone().map(|zone| zone.side),
            Some(Side::DocumentBack)
        );
    }

    #[test]
    fn both_sides_are_judged_and_have_to_agree() {
        let judged_both = |back: &str| {
            let both = Sides {
                back: sides(back, Side::DocumentBack).back,
                ..sides(PASSPORT, Side::Document)
            };
            let mut reasons = Vec::new();
            let check = judge(both, &Expected::default(), &mut reasons);
            let codes: Vec<_> = reasons.iter().map(|r| (r.code, r.severity)).collect();
            (check.result, check.differing, codes)
        };
        use ReasonCode as C;
        use Severity::Review;
        assert_eq!(judged_both(PASSPORT), (CheckResult::Pass, vec![], vec![]));
        let wrong_digit = PASSPORT.replace("7408122F", "7408123F");
        assert_eq!(
            judged_both(&wrong_digit),
            (
                CheckResult::Review,
                vec![],
                vec![(C::DocumentMrzInconsistent, Review)]
            )
        );
        let other_name = PASSPORT.replace("<ANNA<", "<ANNE<");
        assert_eq!(
            judged_both(&other_name),
            (
                CheckResult::Review,
                vec![Field::Names],
                vec![(C::DocumentSidesDiffer, Review)]
            )
        );
    }

    #[test]
    fn without_a_zone_nothing_is_evaluated_and_nothing_is_held_against_the_document() {
        let none = Sides {
            front: ZoneSearch::NotFound,
            back: ZoneSearch::NotSent,
        };
        let expected = Expected {
            sex: Some(super::super::mrz::Sex::Female),
            ..Expected::default()
        };
        let mut reasons = Vec::new();
        let check = judge(none, &expected, &mut reasons);
        assert_eq!(
            (check.result, reasons.len(), check.expected.len()),
            (CheckResult::NotEvaluated, 0, 0)
        );
        assert!(check.anything_expected);
    }
}
