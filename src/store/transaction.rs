//! The unit of work of one tenant.

use tracing::{Instrument as _, Span, trace_span};

use super::audit::PendingEvent;
use super::connection::Store;
use super::error::StoreError;
use super::galleries::Gone;
use super::session::{Bounded, Session};
use crate::domain::ids::TenantId;

/// A transaction that sees and writes the records of one tenant. Dropped without a commit, it never happened.
#[must_use = "what is not committed is undone"]
pub struct TenantTx {
    session: Session,
    store: Store,
    tenant: TenantId,
    pending_events: Vec<PendingEvent>,
    gone: Gone,
    /// Ends with the transaction.
    span: Span,
}

/// What a use case has done, together with the transaction that has not made it last yet.
#[must_use = "what is not committed is undone"]
pub struct Uncommitted<T> {
    /// What came of it.
    pub outcome: T,
    /// Where it was done.
    pub transaction: TenantTx,
}

impl<T> Uncommitted<T> {
    /// Makes it last, or none of it.
    ///
    /// # Errors
    /// As of [`TenantTx::commit`].
    pub async fn commit(self) -> Result<T, StoreError> {
        self.transaction.commit().await?;
        Ok(self.outcome)
    }

    /// Puts the outcome into other words; where that fails, nothing was done.
    ///
    /// # Errors
    /// Those of `words`.
    pub fn try_map<U, E>(self, words: impl FnOnce(T) -> Result<U, E>) -> Result<Uncommitted<U>, E> {
        Ok(Uncommitted {
            outcome: words(self.outcome)?,
            transaction: self.transaction,
        })
    }
}

impl Store {
    /// Opens a transaction to read and write a tenant's records.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection is to be had.
    pub async fn begin(&self, tenant: &TenantId) -> Result<TenantTx, StoreError> {
        self.begin_with("begin", tenant).await
    }

    /// Opens a read-only transaction whose statements all see the same state of the tenant's records, so that the
    /// size of a gallery and the search that relies on it belong together.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection is to be had.
    pub async fn begin_snapshot(&self, tenant: &TenantId) -> Result<TenantTx, StoreError> {
        self.begin_with("begin isolation level repeatable read read only", tenant)
            .await
    }

    /// Begins in a task of its own, which runs to its end even when the caller has gone: a connection that is being
    /// opened would be thrown away with its caller. The transaction is either handed over or dropped whole, and then
    /// rolled back. Every later statement is safe to drop.
    async fn begin_with(
        &self,
        statement: &'static str,
        tenant: &TenantId,
    ) -> Result<TenantTx, StoreError> {
        let store = self.clone();
        let tenant = tenant.clone();
        let span = trace_span!(
            "transaction",
            otel.kind = "client",
            db.system.name = "postgresql",
            committed = false,
        );
        let connecting = trace_span!(parent: &span, "connection");
        let begun = self.run_at_home(async move {
            let mut session = store.session().await?;
            session.begin(statement).await?;
            // Until the end of this transaction only: the next user of the connection starts without a tenant.
            sqlx::query!(
                "select set_config('likeness.tenant', $1, true)",
                tenant.as_str()
            )
            .fetch_one(session.bounded())
            .await?;
            Ok(TenantTx {
                session,
                store,
                tenant,
                pending_events: Vec::new(),
                gone: Gone::default(),
                span,
            })
        });
        begun.instrument(connecting).await
    }
}

impl TenantTx {
    /// Makes all of it last, or none. The audit events of it are appended first; what it removed is out of the
    /// galleries in memory before this returns.
    ///
    /// # Errors
    /// [`StoreError`]; after [`StoreError::Unavailable`] it is not known which of the two happened.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        self.append_pending_events().await?;
        self.session.commit().await?;
        self.span.record("committed", true);
        self.gone.leave(&self.tenant, self.store.galleries());
        Ok(())
    }

    /// Lets its statements take minutes.
    pub(super) async fn take_time(&mut self) -> Result<(), StoreError> {
        self.session.take_time().await
    }

    /// Whose records it reaches.
    pub(super) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The audit events that the commit appends.
    pub(super) fn pending_events(&mut self) -> &mut Vec<PendingEvent> {
        &mut self.pending_events
    }

    /// What the commit takes out of the galleries in memory.
    pub(super) fn gone(&mut self) -> &mut Gone {
        &mut self.gone
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Has the statements of this transaction planned for the filters at hand: what is not asked for falls away, and
    /// what is finds its index. A plan for all of them at once would read the whole list.
    pub(super) async fn plan_anew(&mut self) -> Result<(), StoreError> {
        sqlx::query!("select set_config('plan_cache_mode', 'force_custom_plan', true)")
            .fetch_one(self.connection())
            .await?;
        Ok(())
    }

    /// What the statements of this module run on.
    pub(super) fn connection(&mut self) -> Bounded<'_> {
        self.session.bounded()
    }
}
