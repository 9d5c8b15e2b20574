//! The chain of a tenant's events: how an event is hashed, for whoever appends and for whoever verifies.
//!
//! # The hash
//! SHA-256 over ten texts in UTF-8, each written as a netstring, which is its length in bytes, a colon, the text and a
//! comma (`5:hello,`), one after the other:
//!
//! 1. `likeness-audit-1`
//! 2. `tenant`
//! 3. `sequence`, in decimal
//! 4. `created_at`, in whole microseconds since 1970-01-01T00:00:00Z, in decimal
//! 5. `action`
//! 6. `subject`
//! 7. `request_id`
//! 8. `resource_id` with hyphens and in lower case, or nothing where there is none
//! 9. `detail`, as it is stored
//! 10. `previous_hash`, in lower-case hexadecimal
//!
//! `previous_hash` is the `hash` of the event whose `sequence` is one less, and 32 zero bytes for the first. So a hash
//! stands for every column of the event and for all events before. A database can recompute it by itself:
//!
//! ```sql
//! select tenant, sequence, hash = sha256(convert_to((
//!     select string_agg(octet_length(part) || ':' || part || ',', '' order by place)
//!     from unnest(array['likeness-audit-1', tenant, sequence::text,
//!         trunc(extract(epoch from created_at) * 1000000)::text, action, subject, request_id,
//!         coalesce(resource_id::text, ''), detail, encode(previous_hash, 'hex')])
//!         with ordinality as parts (part, place)
//! ), 'UTF8')) as intact
//! from audit_events order by tenant, sequence
//! ```

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::domain::hex::hex;

/// A hash of the chain.
pub(super) type Hash = [u8; 32];

/// The first of the hashed texts.
const FORMAT: &str = "likeness-audit-1";

/// The columns of an event, as texts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns<'a> {
    pub(super) tenant: &'a str,
    pub(super) sequence: i64,
    /// Microseconds since 1970, in decimal.
    pub(super) created_at: &'a str,
    pub(super) action: &'a str,
    pub(super) subject: &'a str,
    pub(super) request_id: &'a str,
    /// Empty where there is none.
    pub(super) resource_id: &'a str,
    pub(super) detail: &'a str,
    pub(super) previous_hash: &'a [u8],
}

impl Columns<'_> {
    /// The hash of the event; see the module.
    pub(super) fn hash(&self) -> Hash {
        let (sequence, previous) = (self.sequence.to_string(), hex(self.previous_hash));
        let texts = [
            FORMAT,
            self.tenant,
            &sequence,
            self.created_at,
            self.action,
            self.subject,
            self.request_id,
            self.resource_id,
            self.detail,
            &previous,
        ];
        let mut hasher = Sha256::new();
        for text in texts {
            hasher.update(text.len().to_string());
            hasher.update(":");
            hasher.update(text);
            hasher.update(",");
        }
        hasher.finalize().into()
    }
}

/// The newest event of a chain: its number, and its hash, which stands for all events up to it.
///
/// As a text it is the number, a colon and the hash in hexadecimal. Of a chain without events it is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChainHead {
    /// Its number.
    pub sequence: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl fmt::Display for ChainHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, hex(&self.hash))
    }
}

/// A text that is not a head of a chain.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "a head is a number, a colon and a hash of 64 hexadecimal digits, as `audit verify` prints it"
)]
pub struct InvalidHead;

impl FromStr for ChainHead {
    type Err = InvalidHead;

    fn from_str(text: &str) -> Result<Self, InvalidHead> {
        let (sequence, digits) = text.split_once(':').ok_or(InvalidHead)?;
        let sequence = sequence.parse().map_err(|_| InvalidHead)?;
        if sequence < 1 || digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(InvalidHead);
        }
        let mut hash = Self::default().hash;
        for (index, byte) in hash.iter_mut().enumerate() {
            let pair = &digits[2 * index..2 * index + 2];
            *byte = u8::from_str_radix(pair, 16).map_err(|_| InvalidHead)?;
        }
        Ok(Self { sequence, hash })
    }
}

/// Where and how a chain is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainFault {
    /// The event is not as it was hashed.
    Changed(i64),
    /// Events from the one number up to the other are not there.
    Missing(i64, i64),
    /// An event has a number that was used before, or none that an event can have.
    Misnumbered(i64),
    /// The event does not follow the one before, which is intact by itself: one of the two was put in another's place.
    Unlinked(i64),
    /// The chain has events after its head, the number of which is given.
    BeyondHead(i64),
    /// The last event, the number of which is given, is another one than the head says.
    HeadDiffers(i64),
    /// The event of this number is another one than the head that was noted elsewhere.
    NotAsNoted(i64),
}

impl ChainFault {
    /// The number of the event where the break is.
    #[must_use]
    pub fn sequence(self) -> i64 {
        match self {
            Self::Changed(at)
            | Self::Missing(at, _)
            | Self::Misnumbered(at)
            | Self::Unlinked(at)
            | Self::BeyondHead(at)
            | Self::HeadDiffers(at)
            | Self::NotAsNoted(at) => at,
        }
    }
}

impl fmt::Display for ChainFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(at) => write!(f, "event {at} was changed"),
            Self::Missing(at, to) if at == to => write!(f, "event {at} is missing"),
            Self::Missing(at, to) => write!(f, "events {at} to {to} are missing"),
            Self::Misnumbered(at) => write!(f, "an event has the number {at} out of turn"),
            Self::Unlinked(at) => write!(f, "event {at} does not follow the event before it"),
            Self::BeyondHead(at) => {
                write!(f, "there are events after the head, which is event {at}")
            }
            Self::HeadDiffers(at) => write!(
                f,
                "event {at}, the last, is not the one that the head names"
            ),
            Self::NotAsNoted(at) => write!(f, "event {at} is not the one that was noted"),
        }
    }
}

/// A walk along a chain, event by event.
#[derive(Debug)]
pub(super) struct Walk {
    noted: Option<ChainHead>,
    last: ChainHead,
}

impl Walk {
    /// From before the first event. Where a head was noted elsewhere, its event has to be on the way.
    pub(super) fn new(noted: Option<ChainHead>) -> Self {
        Self {
            noted,
            last: ChainHead::default(),
        }
    }

    /// The event that was passed last.
    pub(super) fn last(&self) -> ChainHead {
        self.last
    }

    /// Passes the next event, with the hash that is stored beside it.
    pub(super) fn pass(&mut self, event: &Columns<'_>, stored: &[u8]) -> Result<(), ChainFault> {
        let expected = self.last.sequence + 1;
        if event.sequence < expected {
            return Err(ChainFault::Misnumbered(event.sequence));
        }
        if event.sequence > expected {
            return Err(ChainFault::Missing(expected, event.sequence - 1));
        }
        let hash = event.hash();
        if stored != hash {
            return Err(ChainFault::Changed(event.sequence));
        }
        if event.previous_hash != self.last.hash {
            return Err(ChainFault::Unlinked(event.sequence));
        }
        let passed = ChainHead {
            sequence: event.sequence,
            hash,
        };
        if self
            .noted
            .is_some_and(|noted| noted.sequence == passed.sequence && noted != passed)
        {
            return Err(ChainFault::NotAsNoted(event.sequence));
        }
        self.last = passed;
        Ok(())
    }

    /// Compares the end of the chain with its head, which counts as one of no events where there is none.
    pub(super) fn finish(&self, head: ChainHead) -> Result<(), ChainFault> {
        let last = self.last;
        let end = self
            .noted
            .map_or(head.sequence, |noted| noted.sequence.max(head.sequence));
        if end > last.sequence {
            return Err(ChainFault::Missing(last.sequence + 1, end));
        }
        if head.sequence < last.sequence {
            return Err(ChainFault::BeyondHead(head.sequence));
        }
        if head.hash != last.hash {
            return Err(ChainFault::HeadDiffers(last.sequence));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From another implementation of the recipe.
    const FIRST: &str = "c20e6c3917b745f4e5632acf2432996f39ffdea8ed7ac156726ad30518468e99";
    const SECOND: &str = "f14d88d73fa93ca709dcfc3843559bd4b93f3a05aceae13a40ed9edf6e261388";

    const ID: &str = "01990000-0000-7000-8000-000000000000";

    fn first(detail: &str) -> Columns<'_> {
        Columns {
            tenant: "acme",
            sequence: 1,
            created_at: "1790000000123456",
            action: "verification.deleted",
            subject: "Jürgen",
            request_id: "order-17",
            resource_id: ID,
            detail,
            previous_hash: &[0; 32],
        }
    }

    fn second<'a>(previous_hash: &'a Hash) -> Columns<'a> {
        Columns {
            sequence: 2,
            created_at: "1790000000123457",
            action: "faces.compared",
            request_id: "order-18",
            resource_id: "",
            previous_hash,
            ..first("{}")
        }
    }

    #[test]
    fn the_hash_is_what_another_implementation_of_the_recipe_makes_it() {
        let detail = format!(r#"{{"verification_id":"{ID}"}}"#);
        let hash = first(&detail).hash();
        assert_eq!(hex(&hash), FIRST);
        assert_eq!(hex(&second(&hash).hash()), SECOND);
    }

    #[test]
    fn what_moves_from_one_column_into_the_next_changes_the_hash() {
        let moved = Columns {
            subject: "Jürgeno",
            request_id: "rder-17",
            ..first("{}")
        };
        assert_ne!(moved.hash(), first("{}").hash());
    }

    #[test]
    fn a_head_comes_back_as_it_was_printed_and_nothing_else_is_one() {
        let head = ChainHead {
            sequence: 42,
            hash: first("{}").hash(),
        };
        assert_eq!(head.to_string().parse(), Ok(head));
        let digits = "ab".repeat(32);
        for bad in [
            "",
            "42",
            "42:",
            "0:abab",
            &format!(":{digits}"),
            &format!("-1:{digits}"),
            &format!("0:{digits}"),
            &format!("1:{digits}0"),
            &format!("1:{}", "x".repeat(64)),
            &format!("1:+{}", &digits[1..]),
        ] {
            assert_eq!(bad.parse::<ChainHead>(), Err(InvalidHead), "{bad}");
        }
    }

    #[test]
    fn a_walk_ends_where_the_chain_does_not_go_on() {
        let (one, head) = (first("{}").hash(), |sequence, hash| ChainHead {
            sequence,
            hash,
        });
        let two = second(&one).hash();
        let whole = |noted, end| {
            let mut walk = Walk::new(noted);
            walk.pass(&first("{}"), &one)?;
            walk.pass(&second(&one), &two)?;
            walk.finish(end)
        };
        assert_eq!(whole(None, head(2, two)), Ok(()));
        assert_eq!(whole(Some(head(1, one)), head(2, two)), Ok(()));
        let other = Some(head(1, two));
        assert_eq!(whole(other, head(2, two)), Err(ChainFault::NotAsNoted(1)));
        assert_eq!(whole(None, head(3, two)), Err(ChainFault::Missing(3, 3)));
        let later = Some(head(4, two));
        assert_eq!(whole(later, head(2, two)), Err(ChainFault::Missing(3, 4)));
        assert_eq!(whole(None, head(1, one)), Err(ChainFault::BeyondHead(1)));
        assert_eq!(whole(None, head(2, one)), Err(ChainFault::HeadDiffers(2)));
        let mut walk = Walk::new(None);
        let skipped = walk.pass(&second(&one), &two);
        assert_eq!(skipped, Err(ChainFault::Missing(1, 1)));
        walk.pass(&first("{}"), &one).unwrap();
        let again = walk.pass(&first("{}"), &one);
        assert_eq!(again, Err(ChainFault::Misnumbered(1)));
    }
}
