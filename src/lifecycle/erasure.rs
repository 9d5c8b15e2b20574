//! The erasure of a person, and the receipt that shows it.
//!
//! A receipt has to tell later for whom it was made without keeping the key that was erased. A plain hash would not do:
//! keys are numbers of cases and customers, and whoever reads the database could try them all. A hash with a secret of
//! the service would do only as long as the secret is kept, and guarded, for as many years as the receipts. So each
//! receipt is a commitment with a random key of its own, which the caller gets with the answer and the service does not
//! keep: together with the receipt it shows whom it is about, to anybody and without this service; alone, neither does.

use rand::Rng as _;
use sha2::{Digest as _, Sha256};

use crate::domain::audit::{Actor, ErasureCreated};
use crate::domain::erasure::Erasure;
use crate::domain::hex::hex;
use crate::domain::ids::{ErasureId, TenantId};
use crate::store::{NewErasure, Store, StoreError, Uncommitted};

/// Random bytes of a receipt's key: more than can be tried.
const KEY_BYTES: usize = 16;

/// Who is to be erased.
#[derive(Debug)]
pub struct ErasureRequest {
    /// The caller's own key for the person.
    pub external_id: String,
    /// Why, in the caller's words.
    pub reason: Option<String>,
}

/// An erasure that was made, with what is told once.
#[derive(Debug)]
pub struct Receipt {
    /// What is kept of it.
    pub erasure: Erasure,
    /// Shows, with the tenant and the person's key, whom it is about. It is not kept, except in an answer that is kept
    /// for retries.
    pub proof_key: String,
}

/// Removes everything that a tenant keeps under a person's key, and writes the receipt. It has happened when the
/// transaction is committed.
///
/// # Errors
/// [`StoreError`]; nothing is erased then.
pub async fn erase(
    store: &Store,
    actor: &Actor,
    request: ErasureRequest,
) -> Result<Uncommitted<Receipt>, StoreError> {
    let (tenant, proof_key) = (&actor.tenant, random_key());
    let commitment = commitment(&proof_key, tenant, &request.external_id);
    let mut transaction = store.begin(tenant).await?;
    let counts = transaction.erase_person(&request.external_id).await?;
    let erasure = transaction
        .insert_erasure(NewErasure {
            id: ErasureId::new(),
            requested_by: actor.subject.clone(),
            reason: request.reason,
            commitment,
            counts,
        })
        .await?;
    transaction.append_audit_event(actor, &ErasureCreated::from(&erasure).into())?;
    Ok(Uncommitted {
        outcome: Receipt { erasure, proof_key },
        transaction,
    })
}

/// What a receipt says of whom it is about: SHA-256 over three lines of text, of which none can hold a line break.
#[must_use]
pub fn commitment(proof_key: &str, tenant: &TenantId, external_id: &str) -> [u8; 32] {
    let text = format!("{proof_key}\n{}\n{external_id}\n", tenant.as_str());
    Sha256::digest(text).into()
}

fn random_key() -> String {
    let mut bytes = [0; KEY_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    hex(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acme() -> TenantId {
        TenantId::parse("acme").unwrap()
    }

    #[test]
    fn a_commitment_can_be_checked_with_common_tools() {
        // printf '%s\n' 00112233445566778899aabbccddeeff acme case-4711 | sha256sum
        let hash = commitment("00112233445566778899aabbccddeeff", &acme(), "case-4711");
        assert_eq!(
            hex(&hash),
            "0beaa3ceac029b2c8e1250ab8413c1421a99726dcadfa54398edb0b2720dc181"
        );
    }

    #[test]
    fn every_part_counts_and_no_key_comes_twice() {
        let (key, other) = (random_key(), random_key());
        assert_eq!((key.len(), key != other), (2 * KEY_BYTES, true));
        let globex = TenantId::parse("globex").unwrap();
        let hashes = [
            commitment(&key, &acme(), "a"),
            commitment(&other, &acme(), "a"),
            commitment(&key, &globex, "a"),
            commitment(&key, &acme(), "b"),
        ];
        for (at, hash) in hashes.iter().enumerate() {
            assert!(!hashes[at + 1..].contains(hash));
        }
    }
}
