//! Receipts of erasures. None says whom it is about.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::erasure::{ErasedCounts, Erasure};
use crate::lifecycle::Receipt;

/// How much was removed, by kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErasedCountsView {
    /// People on lists.
    pub subjects: u64,
    /// Their faces, each with its template.
    pub faces: u64,
    /// Verifications under the key, with their reviews.
    pub verifications: u64,
    /// Other verifications that had found the person on a list: the key and the name are taken out of them.
    pub hits: u64,
    /// Rows of bulk imports: pictures that waited, names of files, keys.
    pub job_rows: u64,
    /// Answers that were kept for retries.
    pub stored_answers: u64,
}

impl From<ErasedCounts> for ErasedCountsView {
    fn from(counts: ErasedCounts) -> Self {
        Self {
            subjects: counts.subjects,
            faces: counts.faces,
            verifications: counts.verifications,
            hits: counts.hits,
            job_rows: counts.job_rows,
            stored_answers: counts.stored_answers,
        }
    }
}

/// The receipt of an erasure.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErasureView {
    /// Its id.
    pub id: Uuid,
    /// Who asked for it: the `sub` of their token.
    #[schema(example = "privacy-desk")]
    pub requested_by: String,
    /// Why, in their words.
    pub reason: Option<String>,
    /// SHA-256 of three lines: `proof_key`, the tenant, the `external_id`. Whoever has all three can show whom the
    /// receipt is about.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub commitment: String,
    /// What was removed.
    pub erased: ErasedCountsView,
    /// Its place in the audit log. The answer that makes the receipt does not know it yet.
    pub audit_sequence: Option<u64>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

impl From<Erasure> for ErasureView {
    fn from(erasure: Erasure) -> Self {
        let commitment = erasure.commitment_text();
        Self {
            id: erasure.id.as_uuid(),
            requested_by: erasure.requested_by,
            reason: erasure.reason,
            commitment,
            erased: erasure.counts.into(),
            audit_sequence: erasure.audit_sequence,
            created_at: erasure.created_at,
        }
    }
}

/// The receipt as it is given once.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiptView {
    /// What is kept of it.
    #[serde(flatten)]
    pub erasure: ErasureView,
    /// Told this once and not kept: without it nobody can show whom the receipt is about.
    #[schema(example = "00112233445566778899aabbccddeeff")]
    pub proof_key: String,
}

impl From<Receipt> for ReceiptView {
    fn from(receipt: Receipt) -> Self {
        Self {
            erasure: receipt.erasure.into(),
            proof_key: receipt.proof_key,
        }
    }
}
