//! The audit log: a chain for each tenant that only grows, and in which every tampering shows.

mod appending;
mod cost;
mod tampering;

use likeness::domain::audit::{Actor, AuditEvent, VerificationDeleted, WatchlistDeleted};
use likeness::domain::ids::{VerificationId, WatchlistId};
use likeness::store::{AuditReader, ChainHead, ChainReport, Store};
use secrecy::SecretString;

/// Something that was done.
pub fn an_event() -> AuditEvent {
    VerificationDeleted {
        verification_id: VerificationId::new(),
    }
    .into()
}

/// Something else that was done.
pub fn another_event() -> AuditEvent {
    WatchlistDeleted {
        watchlist_id: WatchlistId::new(),
        faces: 3,
    }
    .into()
}

/// Appends events one by one, each in a transaction of its own.
pub async fn append(store: &Store, actor: &Actor, count: usize) {
    for _ in 0..count {
        let mut transaction = store.begin(&actor.tenant).await.unwrap();
        transaction.append_audit_event(actor, &an_event()).unwrap();
        transaction.commit().await.unwrap();
    }
}

/// What whoever owns the database finds.
pub async fn verified(url: &SecretString, tenant: &str, noted: Option<ChainHead>) -> ChainReport {
    let mut reader = AuditReader::connect(url).await.unwrap();
    reader.verify(tenant, noted).await.unwrap()
}

/// The number of events of a chain that is in order.
pub async fn intact(url: &SecretString, tenant: &str) -> i64 {
    let report = verified(url, tenant, None).await;
    assert_eq!(report.fault, None, "{tenant}");
    report.intact.sequence
}
