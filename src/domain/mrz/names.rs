//! Names: primary and secondary identifier, divided by two fillers.

use serde::{Deserialize, Serialize};

/// The names of a holder, words divided by single spaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Mostly the surname.
    pub primary: String,
    /// Mostly the given names; empty for those who have one name only.
    pub secondary: String,
    /// True where the names fill their room to the last place, so that more may have been cut off.
    pub truncated: bool,
}

impl Names {
    /// Splits the field of names.
    pub(super) fn read(field: &str) -> Self {
        let (primary, secondary) = field.split_once("<<").unwrap_or((field, ""));
        let words = |part: &str| {
            let words: Vec<&str> = part.split('<').filter(|word| !word.is_empty()).collect();
            words.join(" ")
        };
        Self {
            primary: words(primary),
            secondary: words(secondary),
            truncated: !field.ends_with('<'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &str) -> (String, String, bool) {
        let names = Names::read(field);
        (names.primary, names.secondary, names.truncated)
    }

    #[test]
    fn two_fillers_divide_and_one_filler_is_a_space() {
        let of = |primary: &str, secondary: &str, truncated| {
            (primary.to_owned(), secondary.to_owned(), truncated)
        };
        assert_eq!(
            read("ERIKSSON<<ANNA<MARIA<<<<"),
            of("ERIKSSON", "ANNA MARIA", false)
        );
        assert_eq!(
            read("VAN<DER<MUELLEN<<JAN<<"),
            of("VAN DER MUELLEN", "JAN", false)
        );
        assert_eq!(read("ARKFREITH<<<<<<"), of("ARKFREITH", "", false));
        assert_eq!(
            read("NILAVADHANANANDA<<CHAYAPA<DEJTHAMRONG<K"),
            of("NILAVADHANANANDA", "CHAYAPA DEJTHAMRONG K", true)
        );
        assert_eq!(read("<<<<<<"), of("", "", false));
        assert_eq!(read(""), of("", "", true));
    }
}
