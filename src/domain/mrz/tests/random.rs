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

#[test]
fn no_zone_is_too_strange_to_be_read_and_what_was_read_is_read_the_same_again() {
    let alphabet: Vec<char> = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<<<<".chars().collect();
    let mut chance = Chance(9303);
    for round in 0..20_000 {
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

#[test]
fn no_text_is_too_strange_to_be_refused() {
    let pieces = [
        "P<UTO", "<<", "\r", "\n", "é", "\u{0}", "ſ", "0", "ERIKSSON", " ", "\u{2028}", "𝟘", "V",
    ];
    let mut chance = Chance(2026);
    for _ in 0..5_000 {
        let text: String = (0..chance.below(40))
            .map(|_| pieces[chance.below(pieces.len())])
            .collect();
        let _ = Mrz::parse(&text, then());
    }
}
