//! Erasures: what was removed of a person, told without a word of who it was.

use serde::Serialize;
use time::OffsetDateTime;

use super::hex::hex;
use super::ids::ErasureId;

/// How much was removed, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ErasedCounts {
    /// People on lists.
    pub subjects: u64,
    /// Their faces: templates, and with them the codes in memory.
    pub faces: u64,
    /// Verifications under the person's key, with their reviews.
    pub verifications: u64,
    /// Other verifications that had found the person on a list, and named them.
    pub hits: u64,
    /// Rows of bulk imports: pictures that waited, names of files, keys.
    pub job_rows: u64,
    /// Answers that were kept for retries.
    pub stored_answers: u64,
}

/// The receipt of an erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Its id.
    pub id: ErasureId,
    /// Who asked for it: the `sub` of their token.
    pub requested_by: String,
    /// Why, in their words.
    pub reason: Option<String>,
    /// A hash of a random key, the tenant and the person's key. Whoever holds the random key can show whom the receipt
    /// is about; without it nobody can, not by trying every key there is either.
    pub commitment: [u8; 32],
    /// What was removed.
    pub counts: ErasedCounts,
    /// Its place in the audit log, which it has once it is committed.
    pub audit_sequence: Option<u64>,
    /// When.
    pub created_at: OffsetDateTime,
}

impl Erasure {
    /// The commitment in hexadecimal.
    #[must_use]
    pub fn commitment_text(&self) -> String {
        hex(&self.commitment)
    }
}
