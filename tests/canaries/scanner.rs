//! The search for secrets, in every form that they may take on their way.

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// More numbers in a row than anything but a template has.
const MOST_NUMBERS: usize = 16;

/// Fewer bytes could be what they are by chance, least of all in base64, where some of them are left out.
const SHORTEST: usize = 8;

/// A secret where it has no business.
#[derive(Debug)]
pub struct Finding {
    #[expect(dead_code, reason = "it is printed")]
    pub place: String,
    #[expect(dead_code, reason = "it is printed")]
    pub what: String,
    #[expect(dead_code, reason = "it is printed")]
    pub around: String,
}

/// Looks for secrets, given as bytes under a name.
pub struct Scanner {
    names: Vec<String>,
    forms: AhoCorasick,
}

impl Scanner {
    pub fn new(secrets: Vec<(String, Vec<u8>)>) -> Self {
        let forms = secrets.into_iter().flat_map(|(name, secret)| {
            assert!(
                secret.len() >= SHORTEST,
                "{name} is too short to be told from chance"
            );
            forms(&secret)
                .into_iter()
                .map(move |(form, bytes)| (format!("{name} {form}"), bytes))
                .collect::<Vec<_>>()
        });
        let (names, forms): (Vec<String>, Vec<Vec<u8>>) = forms.unzip();
        let forms = AhoCorasick::new(forms).unwrap();
        Self { names, forms }
    }

    pub fn forms(&self) -> usize {
        self.names.len()
    }

    /// Every secret in some bytes, and everything that has the shape of a template.
    pub fn search(&self, place: &str, haystack: &[u8]) -> Vec<Finding> {
        let matches = self.forms.find_iter(haystack);
        let mut found: Vec<Finding> = matches
            .map(|one| {
                finding(
                    place,
                    &self.names[one.pattern().as_usize()],
                    haystack,
                    one.start(),
                )
            })
            .collect();
        if let Some(at) = run_of_numbers(haystack) {
            found.push(finding(place, "a row of numbers", haystack, at));
        }
        found
    }
}

fn finding(place: &str, what: &str, haystack: &[u8], at: usize) -> Finding {
    let (from, to) = (at.saturating_sub(200), haystack.len().min(at + 200));
    Finding {
        place: place.to_owned(),
        what: what.to_owned(),
        around: String::from_utf8_lossy(&haystack[from..to]).into_owned(),
    }
}

/// As it is, in base64 wherever it may begin in it, in hex, as numbers, and as Rust prints bytes.
fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = vec![("as it is", secret.to_vec())];
    for skip in 0..3 {
        // What stands before it shifts it; the digits that it shares with its neighbours are left out.
        let aligned = &secret[skip..];
        let whole = &aligned[..aligned.len() / 3 * 3];
        forms.push(("in base64", STANDARD_NO_PAD.encode(whole).into_bytes()));
        forms.push(("in base64url", URL_SAFE_NO_PAD.encode(whole).into_bytes()));
    }
    let hex = |format: fn(&u8) -> String| secret.iter().map(format).collect::<String>();
    forms.push(("in hex", hex(|byte| format!("{byte:02x}")).into_bytes()));
    forms.push(("in hex", hex(|byte| format!("{byte:02X}")).into_bytes()));
    for separator in [", ", ","] {
        let numbers: Vec<String> = secret.iter().map(u8::to_string).collect();
        forms.push(("as numbers", numbers.join(separator).into_bytes()));
    }
    let escaped: String = secret
        .iter()
        .map(|byte| byte.escape_ascii().to_string())
        .collect();
    forms.push(("escaped", escaped.clone().into_bytes()));
    // In a line of JSON once more.
    forms.push(("escaped twice", escaped.replace('\\', "\\\\").into_bytes()));
    let encoded: String = secret.iter().map(|byte| format!("%{byte:02X}")).collect();
    forms.push(("in percents", encoded.into_bytes()));
    forms.sort();
    forms.dedup_by(|one, other| one.1 == other.1);
    forms
}

/// Where more numbers follow one another than in any answer, separated by commas and blanks alone.
fn run_of_numbers(text: &[u8]) -> Option<usize> {
    let (mut run, mut start, mut at) = (0, 0, 0);
    while at < text.len() {
        let length = number(&text[at..]);
        if length > 0 {
            if run == 0 {
                start = at;
            }
            run += 1;
            if run > MOST_NUMBERS {
                return Some(start);
            }
            at += length;
            let separators = text[at..]
                .iter()
                .take_while(|&&byte| matches!(byte, b',' | b' ' | b'\n'));
            let separators = separators.count();
            if separators == 0 || !text[at..at + separators].contains(&b',') {
                run = 0;
            }
            at += separators;
        } else {
            run = 0;
            at += 1;
        }
    }
    None
}

/// The length of the number that a text begins with.
fn number(text: &[u8]) -> usize {
    let length = text
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte))
        .count();
    if text[..length].iter().any(u8::is_ascii_digit) {
        length
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const SECRET: &[u8] = b"CANARY\xff\x00-of-the-test";

    fn scanner() -> Scanner {
        Scanner::new(vec![("secret".to_owned(), SECRET.to_vec())])
    }

    #[test]
    fn a_secret_is_found_in_every_form() {
        let with = |prefix: &[u8]| [prefix, SECRET, b" and more"].concat();
        let leaks: Vec<Vec<u8>> = vec![
            with(b"before "),
            STANDARD.encode(with(b"")).into_bytes(),
            STANDARD.encode(with(b"x")).into_bytes(),
            URL_SAFE_NO_PAD.encode(with(b"xy")).into_bytes(),
            format!("{:?}", with(b"")).into_bytes(),
            format!("{:x?}", SECRET).replace("0]", "").into_bytes(),
            SECRET
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                .into_bytes(),
            SECRET.escape_ascii().to_string().into_bytes(),
            serde_json::to_vec(&SECRET.escape_ascii().to_string()).unwrap(),
        ];
        let found: Vec<bool> = leaks
            .iter()
            .map(|leak| !scanner().search("", leak).is_empty())
            .collect();
        // Hex digits in a list are no form that is looked for.
        let expected = [true, true, true, true, true, false, true, true, true];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_has_the_shape_of_a_template_is_found_without_being_known() {
        let vector: Vec<f32> = (0..17_u16).map(|n| f32::from(n) / 3.0 - 2.0).collect();
        for leak in [
            format!("{vector:?}"),
            serde_json::to_string(&vector).unwrap(),
            serde_json::to_string_pretty(&vector).unwrap(),
        ] {
            let found = scanner().search("", leak.as_bytes());
            assert_eq!(found.len(), 1, "{leak}");
        }
        for harmless in [
            format!("{:?}", &vector[..16]),
            "2026-11-25 11:28:04, 17 of 40 000".to_owned(),
            "1, 2, 3; 4, 5, 6; 7, 8, 9; 10, 11, 12; 13, 14, 15; 16, 17, 18".to_owned(),
        ] {
            assert_eq!(
                scanner().search("", harmless.as_bytes()).len(),
                0,
                "{harmless}"
            );
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let harmless = b"CANARY of another test, {\"code\": \"not_found\"}";
        assert_eq!(scanner().search("", harmless).len(), 0);
    }
}
