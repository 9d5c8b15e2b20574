//! Events of answers that change nothing, and so have no transaction that they belong to.
//!
//! Whoever appends holds the tenant's chain until the disk has confirmed the commit. One by one, a tenant's answers would
//! be as many a second as the disk confirms, and each that waits would keep a connection from others. Here all that wait
//! for the same chain are appended together: one connection for each tenant, however many wait.

use std::collections::HashMap;
use std::error::Error as _;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::PendingEvent;
use crate::domain::audit::{Actor, AuditEvent};
use crate::domain::ids::TenantId;
use crate::store::{Store, StoreError};

/// Events that one transaction appends at most.
const MAX_TOGETHER: usize = 256;

/// An event, and whoever wants to know that it is kept.
struct Waiter {
    event: PendingEvent,
    told: oneshot::Sender<Result<(), StoreError>>,
}

/// The events that wait, by tenant. Where there is an entry, there is a task that appends.
#[derive(Clone, Default)]
pub(in crate::store) struct WaitingAnswers(Arc<Mutex<HashMap<TenantId, Vec<Waiter>>>>);

impl WaitingAnswers {
    /// True where somebody has to begin to append.
    fn push(&self, tenant: &TenantId, waiter: Waiter) -> bool {
        let mut waiting = self.lock();
        if let Some(others) = waiting.get_mut(tenant) {
            others.push(waiter);
            return false;
        }
        waiting.insert(tenant.clone(), vec![waiter]);
        true
    }

    /// Those whose turn it is. Where there are none, the entry goes.
    fn take(&self, tenant: &TenantId) -> Vec<Waiter> {
        let mut waiting = self.lock();
        let Some(others) = waiting.get_mut(tenant) else {
            return Vec::new();
        };
        if others.is_empty() {
            waiting.remove(tenant);
            return Vec::new();
        }
        let count = others.len().min(MAX_TOGETHER);
        others.drain(..count).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Vec<Waiter>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that appends a tenant's events. Should it end in the middle, whoever waits is not left waiting.
struct Turn {
    waiting: WaitingAnswers,
    tenant: TenantId,
    over: bool,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.over {
            self.waiting.lock().remove(&self.tenant);
        }
    }
}

impl Store {
    /// Appends the event of an answer that changes nothing, and comes back once it is kept. Together with others where
    /// several wait; to the end even if the caller is gone.
    ///
    /// # Errors
    /// [`StoreError`] where it is not, or perhaps not, kept: then there must be no answer.
    pub async fn append_audit_event(
        &self,
        actor: &Actor,
        event: &AuditEvent,
    ) -> Result<(), StoreError> {
        let event = PendingEvent::of(actor, event)?;
        let (told, kept) = oneshot::channel();
        if self
            .waiting_answers()
            .push(&actor.tenant, Waiter { event, told })
        {
            let turn = Turn {
                waiting: self.waiting_answers().clone(),
                tenant: actor.tenant.clone(),
                over: false,
            };
            self.home().spawn(self.clone().append_waiting(turn));
        }
        let ended = |_| StoreError::Unavailable(sqlx::Error::WorkerCrashed);
        kept.await.map_err(ended)?
    }

    async fn append_waiting(self, mut turn: Turn) {
        loop {
            let waiters = turn.waiting.take(&turn.tenant);
            if waiters.is_empty() {
                turn.over = true;
                return;
            }
            let (events, told): (Vec<_>, Vec<_>) = waiters
                .into_iter()
                .map(|waiter| (waiter.event, waiter.told))
                .unzip();
            let result = self.append_together(&turn.tenant, events).await;
            for told in told {
                // Who is gone need not know.
                let _ = told.send(result.as_ref().map_err(same).copied());
            }
        }
    }

    async fn append_together(
        &self,
        tenant: &TenantId,
        mut events: Vec<PendingEvent>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin(tenant).await?;
        transaction.pending_events().append(&mut events);
        transaction.commit().await
    }
}

/// The failure once more, for another one who waits.
fn same(error: &StoreError) -> StoreError {
    let cause = error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string);
    let cause = sqlx::Error::Io(io::Error::other(cause));
    if matches!(error, StoreError::Unavailable(_)) {
        StoreError::Unavailable(cause)
    } else {
        StoreError::Database(cause)
    }
}
