//! How often somebody may fail to be approved: NIST SP 800-63B asks for a bound, so that nobody tries pictures until one
//! passes.
//!
//! A person is whom the caller's `external_id` names. Who sends none is not counted here: such a check compares two
//! pictures that the caller has anyway, and the budget of searches holds for it as for every other comparison.

use sha2::{Digest as _, Sha256};

use super::{Verifier, VerifyError};
use crate::domain::budget::AttemptLimit;
use crate::domain::decision::Decision;
use crate::domain::ids::TenantId;
use crate::store::{ReferenceHash, TenantTx};

/// Somebody whose checks are counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reference {
    hash: ReferenceHash,
    limit: AttemptLimit,
}

impl Verifier {
    /// The same, where a person's checks may fail only so often.
    #[must_use]
    pub fn with_attempt_limit(self, attempts: Option<AttemptLimit>) -> Self {
        Self { attempts, ..self }
    }

    /// Whom a check is about, where that is counted.
    pub(super) fn reference(&self, external_id: Option<&str>) -> Option<Reference> {
        let limit = self.attempts?;
        let hash = Sha256::digest(external_id?.as_bytes()).into();
        Some(Reference { hash, limit })
    }

    /// Refuses the check of somebody who has failed too often, before anything is spent on it.
    pub(super) async fn refuse_locked_out(
        &self,
        tenant: &TenantId,
        reference: Option<Reference>,
    ) -> Result<(), VerifyError> {
        let Some(reference) = reference else {
            return Ok(());
        };
        let mut transaction = self.store.begin(tenant).await?;
        refuse_locked_out(&mut transaction, reference).await
    }
}

/// Counts what was decided. Of checks that run side by side, those that come to their end after too many others have
/// failed get no answer, so that sending all at once gains nothing.
pub(super) async fn count(
    transaction: &mut TenantTx,
    reference: Option<Reference>,
    decision: Decision,
) -> Result<(), VerifyError> {
    let Some(reference) = reference else {
        return Ok(());
    };
    if decision != Decision::Approved
        && transaction
            .insert_failed_attempt(&reference.hash, reference.limit)
            .await?
    {
        return Ok(());
    }
    refuse_locked_out(transaction, reference).await
}

async fn refuse_locked_out(
    transaction: &mut TenantTx,
    Reference { hash, limit }: Reference,
) -> Result<(), VerifyError> {
    match transaction.find_lockout(&hash, limit).await? {
        Some(retry_after) => Err(VerifyError::TooManyAttempts { retry_after }),
        None => Ok(()),
    }
}
