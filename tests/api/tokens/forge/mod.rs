//! Forged tokens, family by family. What is random comes from a seed; keys
//! and times are new in each run.

mod algorithms;
mod claims;
mod forms;
mod headers;
mod signatures;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

const SEED: u64 = 0x6c69_6b65;

/// A request that must not get in.
pub struct Forgery {
    /// The family, by the numbers of the list of attacks that the corpus follows.
    pub family: &'static str,
    pub what: String,
    pub sent: Sent,
}

/// How the token travels.
pub enum Sent {
    Bearer(String),
    /// Whole values of `Authorization` headers.
    Headers(Vec<Vec<u8>>),
    /// In the query, with or without the same token in the header.
    Query {
        query: String,
        header: Option<String>,
    },
}

impl Forgery {
    fn bearer(family: &'static str, what: impl Into<String>, token: String) -> Self {
        Self {
            family,
            what: what.into(),
            sent: Sent::Bearer(token),
        }
    }
}

/// Those that lie about how they are to be checked.
pub fn forged_algorithms() -> Vec<Forgery> {
    let mut random = StdRng::seed_from_u64(SEED);
    let mut all = algorithms::unsigned(&mut random);
    all.extend(algorithms::confused_with_hmac());
    all.extend(algorithms::exchanged());
    all
}

/// All of them. `bait` is an address that nobody must call.
pub fn forgeries(bait: &str) -> Vec<Forgery> {
    let mut random = StdRng::seed_from_u64(SEED);
    [
        algorithms::unsigned(&mut random),
        algorithms::confused_with_hmac(),
        algorithms::exchanged(),
        headers::keys_brought_along(bait),
        headers::key_ids(&mut random),
        claims::times(),
        claims::types(),
        claims::lifetimes(),
        claims::addressees(&mut random),
        claims::other_kinds(),
        signatures::flipped_bits(),
        signatures::crafted(),
        forms::unusual(&mut random),
        forms::sent_badly(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
