//! Zones that nobody wrote: half of their characters are a specimen's, the rest come by chance.

use super::*;

/// Marsaglia's xorshift: the same zones every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// Reads so many zones, each once more as it was read.
fn read_zones(rounds: usize, seed: u64) {
    let alphabet: Vec<char> = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<<<<".chars().collect();
    let mut chance = Chance(seed);
    for round in 0..rounds {
        let (_, specimen) = SPECIMENS[round % SPECIMENS.len()];
        let zone: String = specimen
            .chars()
            .map(|character| match chance.below(4) {
                0 | 1 if character != '\n' => alphabet[chance.below(alphabet.len())],
                _ => character,
            })
            .collect();
        let read = parse(&zone);
        let again = parse(&read.lines.join("\n"));
        assert_eq!(again.repairs, [], "{zone}");
        assert_eq!(
            (&again.fields, &again.issues),
            (&read.fields, &read.issues),
            "{zone}"
        );
        for digit in &read.check_digits {
            assert!(digit.holds == (digit.printed == digit.computed) || digit.printed == '<');
        }
        let json = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Mrz>(&json).unwrap(), read);
    }
}

/// Gives so many texts that no zone ever was to the parser, of which some have the shape of one.
fn refuse_texts(rounds: usize, seed: u64) -> usize {
    let pieces = [
        "P<UTO", "<<", "\r", "\n", "é", "\u{0}", "ſ", "0", "ERIKSSON", " ", "\u{2028}", "𝟘", "V",
    ];
    let mut chance = Chance(seed);
    let texts = (0..rounds).map(|_| -> String {
        (0..chance.below(40))
            .map(|_| pieces[chance.below(pieces.len())])
            .collect()
    });
    texts
        .filter(|text| Mrz::parse(text, then()).is_err())
        .count()
}

#[test]
fn no_zone_is_too_strange_to_be_read_and_what_was_read_is_read_the_same_again() {
    read_zones(20_000, 9_303);
}

#[test]
fn no_text_is_too_strange_to_be_refused() {
    assert!(refuse_texts(5_000, 2_026) > 4_900);
}

#[test]
#[ignore = "it takes minutes; CONTRIBUTING.md has the command"]
fn a_million_zones_and_texts_are_read_or_refused() {
    read_zones(700_000, 7);
    let refused = refuse_texts(300_000, 8);
    eprintln!("700,000 zones were read, and of 300,000 texts {refused} refused");
}
