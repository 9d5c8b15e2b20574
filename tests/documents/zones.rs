//! Zones of people who do not exist, in every format.

use likeness::domain::mrz::{Format, check_digit};
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

const STATES: [&str; 8] = ["UTO", "FRA", "D<<", "CHE", "USA", "IND", "BRA", "KEN"];
const NAMES: [&str; 12] = [
    "ERIKSSON",
    "OBOLENSKY",
    "VAN<DER<BERG",
    "QUISPE",
    "ZHANG",
    "IBISOGLU",
    "SMITH<JONES",
    "OKAFOR",
    "LI",
    "BUZZATI",
    "GOMEZ",
    "WAXY",
];
const DIGITS: &str = "0123456789";
const LETTERS_AND_DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

fn text(rng: &mut StdRng, alphabet: &str, length: usize) -> String {
    let characters: Vec<char> = alphabet.chars().collect();
    (0..length)
        .map(|_| *characters.choose(rng).unwrap())
        .collect()
}

fn pick<'a>(rng: &mut StdRng, from: &[&'a str]) -> &'a str {
    from.choose(rng).unwrap()
}

fn date(rng: &mut StdRng, years: std::ops::Range<u32>) -> String {
    let (year, month, day) = (
        rng.random_range(years) % 100,
        rng.random_range(1..13),
        rng.random_range(1..29),
    );
    let date = format!("{year:02}{month:02}{day:02}");
    format!("{date}{}", check_digit(&date))
}

fn names(rng: &mut StdRng, length: usize) -> String {
    let full = format!(
        "{}<<{}<{}",
        pick(rng, &NAMES),
        pick(rng, &NAMES),
        pick(rng, &NAMES)
    );
    format!("{full:<<length$.length$}")
}

/// Lines whose check digits all hold.
pub fn zone(format: Format, rng: &mut StdRng) -> Vec<String> {
    let (state, nation) = (pick(rng, &STATES), pick(rng, &STATES));
    let places = rng.random_range(7..10);
    let number = format!("{:<<9}", text(rng, LETTERS_AND_DIGITS, places));
    let number = format!("{number}{}", check_digit(&number));
    let (birth, expiry) = (date(rng, 40..105), date(rng, 27..36));
    let sex = pick(rng, &["M", "F", "<"]);
    let with_digit = |text: String| {
        let digit = check_digit(&text);
        format!("{text}{digit}")
    };
    match format {
        Format::Td1 => {
            let kept = rng.random_range(0..15);
            let upper = format!("{number}{:<<15}", text(rng, DIGITS, kept));
            let composite = check_digit(&format!("{upper}{birth}{expiry}{:<<11}", ""));
            vec![
                format!("I<{state}{upper}"),
                format!("{birth}{sex}{expiry}{nation}{:<<11}{composite}", ""),
                names(rng, 30),
            ]
        }
        Format::Td2 => {
            let composite = check_digit(&format!("{number}{birth}{expiry}{:<<7}", ""));
            vec![
                format!("I<{state}{}", names(rng, 31)),
                format!("{number}{nation}{birth}{sex}{expiry}{:<<7}{composite}", ""),
            ]
        }
        Format::Td3 => {
            let kept = rng.random_range(0..14);
            let personal = with_digit(format!("{:<<14}", text(rng, DIGITS, kept)));
            let composite = check_digit(&format!("{number}{birth}{expiry}{personal}"));
            vec![
                format!("P<{state}{}", names(rng, 39)),
                format!("{number}{nation}{birth}{sex}{expiry}{personal}{composite}"),
            ]
        }
        Format::MrvA | Format::MrvB => {
            let length = format.size().1;
            let optional = text(rng, LETTERS_AND_DIGITS, 6);
            vec![
                format!("V<{state}{}", names(rng, length - 5)),
                format!(
                    "{:<<length$}",
                    format!("{number}{nation}{birth}{sex}{expiry}{optional}")
                ),
            ]
        }
    }
}
