//! Dates with two-digit years.
//!
//! The century is not in the zone, so it follows from the day that the zone is read on. A **birth** is the latest such
//! day that is not in the future: nobody is told older than 99. An **expiry** is the one from 50 years back to 49 years
//! ahead of that day's year: documents are valid for a decade or two, and expired ones are told as such.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Years that an expiry may lie back.
const EXPIRY_YEARS_BACK: i32 = 50;

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CivilDate {
    year: i32,
    month: u8,
    day: u8,
}

impl CivilDate {
    /// The first day of the year 1.
    pub const EARLIEST: Self = Self {
        year: 1,
        month: 1,
        day: 1,
    };

    /// The day, where the calendar has it; years 1 to 9999.
    #[must_use]
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        let exists = (1..=9999).contains(&year) && (1..=days).contains(&day);
        exists.then_some(Self { year, month, day })
    }
}

impl fmt::Display for CivilDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A text that is not a day like `1974-08-12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotADate;

impl fmt::Display for NotADate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a day of the calendar, such as 1974-08-12")
    }
}

impl std::error::Error for NotADate {}

impl FromStr for CivilDate {
    type Err = NotADate;

    fn from_str(text: &str) -> Result<Self, NotADate> {
        let bytes = text.as_bytes();
        let shaped = bytes.len() == 10
            && bytes.iter().enumerate().all(|(index, byte)| match index {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !shaped {
            return Err(NotADate);
        }
        let part = |range: std::ops::Range<usize>| text[range].parse::<u16>();
        match (part(0..4), part(5..7), part(8..10)) {
            (Ok(year), Ok(month), Ok(day)) => {
                Self::new(year.into(), month as u8, day as u8).ok_or(NotADate)
            }
            _ => Err(NotADate),
        }
    }
}

impl Serialize for CivilDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CivilDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a date's six characters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateState {
    /// A day.
    Known,
    /// Fillers stand for the month, the day, or all of it: the issuer does not say.
    Unknown,
    /// Neither.
    Impossible,
}

/// A date as it stands in the zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateField {
    /// The six characters.
    pub raw: String,
    /// What they are.
    pub state: DateState,
    /// The day, where they are one.
    pub date: Option<CivilDate>,
}

/// Which century a two-digit year belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Window {
    Birth,
    Expiry,
}

impl DateField {
    /// Reads `YYMMDD`; `today` decides the century.
    pub(super) fn read(raw: &str, window: Window, today: CivilDate) -> Self {
        let (state, date) = match pairs(raw) {
            None => (DateState::Impossible, None),
            Some([Some(year), Some(month), Some(day)]) => {
                match in_window(year, month, day, window, today) {
                    Some(date) => (DateState::Known, Some(date)),
                    None => (DateState::Impossible, None),
                }
            }
            // A day is of a month, and a month of a year: only the end may be left open.
            Some([_, None, None]) => (DateState::Unknown, None),
            Some([Some(_), Some(month), None]) if (1..=12).contains(&month) => {
                (DateState::Unknown, None)
            }
            Some(_) => (DateState::Impossible, None),
        };
        Self {
            raw: raw.to_owned(),
            state,
            date,
        }
    }
}

/// Year, month and day; `None` inside stands for two fillers, outside for anything but digits and fillers.
fn pairs(raw: &str) -> Option<[Option<u8>; 3]> {
    let pair = |index: usize| match raw.get(2 * index..2 * index + 2)? {
        "<<" => Some(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok().map(Some),
        _ => None,
    };
    Some([pair(0)?, pair(1)?, pair(2)?])
}

fn in_window(year: u8, month: u8, day: u8, window: Window, today: CivilDate) -> Option<CivilDate> {
    let year = i32::from(year);
    let latest_year = match window {
        Window::Birth => today.year,
        Window::Expiry => today.year - EXPIRY_YEARS_BACK + 99,
    };
    let candidate = latest_year - (latest_year - year).rem_euclid(100);
    let date = CivilDate::new(candidate, month, day);
    if window == Window::Expiry {
        return date;
    }
    // 29 February may be in one century only, and what is later this year was a hundred years ago.
    date.filter(|date| *date <= today)
        .or_else(|| CivilDate::new(candidate - 100, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> CivilDate {
        text.parse().unwrap()
    }

    fn read(raw: &str, window: Window) -> (DateState, Option<String>) {
        let field = DateField::read(raw, window, date("2026-03-15"));
        (field.state, field.date.map(|date| date.to_string()))
    }

    #[test]
    fn a_birth_is_the_latest_such_day_that_is_not_in_the_future() {
        for (raw, expected) in [
            ("740812", "1974-08-12"),
            ("260315", "2026-03-15"),
            ("260316", "1926-03-16"),
            ("270101", "1927-01-01"),
            ("000229", "2000-02-29"),
            ("991231", "1999-12-31"),
        ] {
            let expected = (DateState::Known, Some(expected.to_owned()));
            assert_eq!(read(raw, Window::Birth), expected, "{raw}");
        }
    }

    #[test]
    fn an_expiry_is_from_fifty_years_back_to_forty_nine_ahead() {
        for (raw, expected) in [
            ("760101", "1976-01-01"),
            ("751231", "2075-12-31"),
            ("120415", "2012-04-15"),
            ("340630", "2034-06-30"),
        ] {
            let expected = (DateState::Known, Some(expected.to_owned()));
            assert_eq!(read(raw, Window::Expiry), expected, "{raw}");
        }
    }

    #[test]
    fn what_the_calendar_does_not_have_is_impossible_and_fillers_are_unknown() {
        for raw in [
            "741332", "740231", "990229", "740800", "74O812", "74<<12", "7408<1", "<<0812",
            "7413<<", "é4081",
        ] {
            assert_eq!(read(raw, Window::Birth).0, DateState::Impossible, "{raw}");
        }
        for raw in ["74<<<<", "7408<<", "<<<<<<"] {
            assert_eq!(
                read(raw, Window::Birth),
                (DateState::Unknown, None),
                "{raw}"
            );
        }
    }

    #[test]
    fn only_days_of_the_calendar_are_dates() {
        assert_eq!(date("2024-02-29").to_string(), "2024-02-29");
        for text in [
            "2023-02-29",
            "1900-02-29",
            "2024-13-01",
            "2024-1-01",
            "0000-01-01",
            "2024-01-01x",
            "+024-01-01",
        ] {
            assert_eq!(text.parse::<CivilDate>(), Err(NotADate), "{text}");
        }
    }
}
