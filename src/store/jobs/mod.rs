//! Jobs: bulk imports from the first stored row to the end, and changes of a list's model.

mod ends;
mod queue;
mod rows;

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

pub use ends::{FinishedRow, RowOutcome};
pub use queue::{Claim, Holder};
pub use rows::{NewJobRow, PendingRow, RowContent};

use super::error::StoreError;
use super::page::{Page, PageRequest};
use super::transaction::TenantTx;
use crate::domain::audit::Actor;
use crate::domain::ids::{JobId, WatchlistId};
use crate::domain::job::{Job, JobKind, JobState};

/// What is to be done about a job that was claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Duty {
    /// Its rows are to be worked off, for this list and as the doing of whoever made the job.
    Work(WatchlistId, Actor),
    /// This list is to get templates of another model, as the doing of whoever asked for it.
    ChangeModel(WatchlistId, Actor),
    /// Whoever was receiving it died: it is to be removed.
    Discard,
    /// It came to its end: rows that were not begun are to be cleared.
    Clear,
}

impl TenantTx {
    /// Makes a job that is not visible yet, leased by whoever is receiving it. What it enrols is the doing of the actor.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when there is no such list.
    pub async fn insert_job(
        &mut self,
        watchlist: WatchlistId,
        actor: &Actor,
        holder: Holder,
        lease: Duration,
    ) -> Result<JobId, StoreError> {
        let id = JobId::new();
        sqlx::query!(
            "insert into jobs (id, watchlist_id, state, created_by, request_id) values ($1, $2, 'receiving', $3, $4)",
            id.as_uuid(),
            watchlist.as_uuid(),
            actor.subject,
            actor.request_id
        )
        .execute(self.connection())
        .await?;
        self.insert_lease(id, holder, lease).await?;
        Ok(id)
    }

    /// Makes a job of another kind than an import, which has no rows: it is visible and free at once.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when there is no such list.
    pub async fn insert_queued_job(
        &mut self,
        watchlist: WatchlistId,
        kind: JobKind,
        actor: &Actor,
        total: u64,
    ) -> Result<JobId, StoreError> {
        let id = JobId::new();
        sqlx::query!(
            "insert into jobs (id, kind, watchlist_id, state, total, created_by, request_id) \
             values ($1, $2, $3, 'queued', $4, $5, $6)",
            id.as_uuid(),
            kind.name(),
            watchlist.as_uuid(),
            as_count(total),
            actor.subject,
            actor.request_id
        )
        .execute(self.connection())
        .await?;
        self.insert_free_lease(id).await?;
        Ok(id)
    }

    /// The job that tells of a list that is being rewritten under another key, which goes on where it was begun before. Whoever
    /// rewrites the list ends it.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when there is no such list.
    pub async fn begin_rekeying(
        &mut self,
        watchlist: WatchlistId,
        actor: &Actor,
    ) -> Result<JobId, StoreError> {
        let id = sqlx::query_scalar!(
            r#"
            with begun as (
                select id from jobs where watchlist_id = $2 and kind = 'rekey' and state = 'running' limit 1
            ), made as (
                insert into jobs (id, kind, watchlist_id, state, total, started_at, created_by, request_id)
                select $1, 'rekey', $2, 'running', coalesce(sum(faces), 0), now(), $3, $4
                from galleries
                where watchlist_id = $2 and not exists (select from begun)
                having not exists (select from begun)
                returning id
            )
            select id as "id!" from begun union all select id from made
            "#,
            JobId::new().as_uuid(),
            watchlist.as_uuid(),
            actor.subject,
            actor.request_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(id.into())
    }

    /// Makes a job visible, all of whose rows are stored, and lets go of it, so that anybody may work on it. None
    /// when it is gone meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn open_job(
        &mut self,
        id: JobId,
        total: u64,
        failed: u64,
    ) -> Result<Option<Job>, StoreError> {
        let row = sqlx::query_as!(
            JobRecord,
            "update jobs set state = 'queued', total = $2, done = $3, failed = $3, created_at = now() \
             where id = $1 and state = 'receiving' \
             returning id, kind, watchlist_id, state, total, done, failed, created_at, started_at, finished_at, \
             delete_after",
            id.as_uuid(),
            as_count(total),
            as_count(failed)
        )
        .fetch_optional(self.connection())
        .await?;
        self.free_lease(id).await?;
        row.map(Job::try_from).transpose()
    }

    /// Reads a job.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn find_job(&mut self, id: JobId) -> Result<Option<Job>, StoreError> {
        let default = self.default_days();
        sqlx::query_as!(
            JobRecord,
            "select id, kind, watchlist_id, state, total, done, failed, created_at, started_at, finished_at, \
             least(delete_after, finished_at + interval '24 hours' \
             * coalesce((select job_days from retention), $2::int)) as delete_after \
             from jobs where id = $1 and state <> 'receiving'",
            id.as_uuid(),
            default
        )
        .fetch_optional(self.connection())
        .await?
        .map(Job::try_from)
        .transpose()
    }

    /// Reads a page of the tenant's jobs, newest first; of all lists or of one.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn list_jobs(
        &mut self,
        watchlist: Option<WatchlistId>,
        page: PageRequest,
    ) -> Result<Page<Job>, StoreError> {
        let default = self.default_days();
        let rows = sqlx::query_as!(
            JobRecord,
            "select id, kind, watchlist_id, state, total, done, failed, created_at, started_at, finished_at, \
             least(delete_after, finished_at + interval '24 hours' \
             * coalesce((select job_days from retention), $4::int)) as delete_after \
             from jobs where id < $1 and state <> 'receiving' and ($2::uuid is null or watchlist_id = $2) \
             order by id desc limit $3",
            page.before(),
            watchlist.map(WatchlistId::as_uuid),
            page.rows_to_fetch(),
            default
        )
        .fetch_all(self.connection())
        .await?;
        Page::cut(rows, page, |row| row.id).try_map(Job::try_from)
    }

    /// Ends a job that is not over yet; no row of it is enrolled after this. One that is over stays as it is, and the
    /// answer is false.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn cancel_job(&mut self, id: JobId) -> Result<bool, StoreError> {
        self.end_job(id, "cancelled").await
    }

    /// Gives a job up.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn fail_job(&mut self, id: JobId) -> Result<(), StoreError> {
        self.end_job(id, "failed").await?;
        Ok(())
    }

    async fn end_job(&mut self, id: JobId, state: &str) -> Result<bool, StoreError> {
        let default = self.default_days();
        let ended = sqlx::query!(
            "update jobs set state = $2, finished_at = now(), delete_after = now() + interval '24 hours' \
             * coalesce((select job_days from retention), $3::int) where id = $1 and state in ('queued', 'running') and kind <> 'rekey'",
            id.as_uuid(),
            state,
            default
        )
        .execute(self.connection())
        .await?;
        Ok(ended.rows_affected() == 1)
    }

    /// Marks a claimed job as running where there is work to do, and says what there is. None when it is gone.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn begin_job(&mut self, id: JobId) -> Result<Option<Duty>, StoreError> {
        let row = sqlx::query!(
            r#"
            with begun as (
                update jobs set state = 'running', started_at = coalesce(started_at, now())
                where id = $1 and state in ('queued', 'running')
                returning id
            )
            select kind, watchlist_id, state, created_by, request_id, exists(select from begun) as "begun!"
            from jobs where id = $1
            "#,
            id.as_uuid()
        )
        .fetch_optional(self.connection())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (list, actor) = (
            row.watchlist_id.into(),
            Actor {
                tenant: self.tenant().clone(),
                subject: row.created_by,
                request_id: row.request_id,
            },
        );
        Ok(Some(match (row.begun, parse_kind(&row.kind)?) {
            (true, JobKind::Import) => Duty::Work(list, actor),
            (true, JobKind::ModelChange) => Duty::ChangeModel(list, actor),
            (true, JobKind::Rekey) => Duty::Clear,
            (false, _) if row.state == "receiving" => Duty::Discard,
            (false, _) => Duty::Clear,
        }))
    }

    /// Counts rows that are being finished in this transaction. False when the job is over: then nothing of it may
    /// be enrolled. Holds the job until the end of the transaction, so a cancellation comes before it or after it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn count_rows(
        &mut self,
        id: JobId,
        done: u64,
        failed: u64,
    ) -> Result<bool, StoreError> {
        let counted = sqlx::query!(
            "update jobs set done = done + $2, failed = failed + $3 where id = $1 and state = 'running'",
            id.as_uuid(),
            as_count(done),
            as_count(failed)
        )
        .execute(self.connection())
        .await?;
        Ok(counted.rows_affected() == 1)
    }

    /// Says how far a job without rows is. False when the job is over: then it has nothing more to do. Holds the job until
    /// the end of the transaction, so a cancellation comes before it or after it.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where more are over than there are.
    pub async fn set_job_counts(
        &mut self,
        id: JobId,
        total: u64,
        done: u64,
        failed: u64,
    ) -> Result<bool, StoreError> {
        let counted = sqlx::query!(
            "update jobs set total = $2, done = $3, failed = $4 \
             where id = $1 and state = 'running' and kind <> 'import'",
            id.as_uuid(),
            as_count(total),
            as_count(done),
            as_count(failed)
        )
        .execute(self.connection())
        .await?;
        Ok(counted.rows_affected() == 1)
    }

    /// Ends a job whose rows are all over, or that has none. False when there are some left, or the job is over already.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn complete_job(&mut self, id: JobId) -> Result<bool, StoreError> {
        let default = self.default_days();
        let completed = sqlx::query!(
            "update jobs set state = 'succeeded', finished_at = now(), delete_after = now() + interval '24 hours' \
             * coalesce((select job_days from retention), $2::int) where id = $1 and state = 'running' \
             and (kind <> 'import' or not exists (select from job_rows where job_id = $1 and job_rows.state = 'pending'))",
            id.as_uuid(),
            default
        )
        .execute(self.connection())
        .await?;
        Ok(completed.rows_affected() == 1)
    }

    /// Removes a job; its rows and its place in the queue go with it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn delete_job(&mut self, id: JobId) -> Result<(), StoreError> {
        sqlx::query!("delete from jobs where id = $1", id.as_uuid())
            .execute(self.connection())
            .await?;
        self.forget_idempotent_answers(&[id.as_uuid()]).await?;
        Ok(())
    }
}

struct JobRecord {
    id: Uuid,
    kind: String,
    watchlist_id: Uuid,
    state: String,
    total: i64,
    done: i64,
    failed: i64,
    created_at: OffsetDateTime,
    started_at: Option<OffsetDateTime>,
    finished_at: Option<OffsetDateTime>,
    delete_after: Option<OffsetDateTime>,
}

impl TryFrom<JobRecord> for Job {
    type Error = StoreError;

    fn try_from(row: JobRecord) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.into(),
            kind: parse_kind(&row.kind)?,
            watchlist_id: row.watchlist_id.into(),
            state: parse_state(&row.state)?,
            total: row.total.unsigned_abs(),
            done: row.done.unsigned_abs(),
            failed: row.failed.unsigned_abs(),
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            delete_after: row.delete_after,
        })
    }
}

fn parse_kind(name: &str) -> Result<JobKind, StoreError> {
    JobKind::parse(name).ok_or_else(|| StoreError::Corrupt("a job of an unknown kind".into()))
}

fn parse_state(name: &str) -> Result<JobState, StoreError> {
    match name {
        "queued" => Ok(JobState::Queued),
        "running" => Ok(JobState::Running),
        "succeeded" => Ok(JobState::Succeeded),
        "cancelled" => Ok(JobState::Cancelled),
        "failed" => Ok(JobState::Failed),
        _ => Err(StoreError::Corrupt("a job in an unknown state".into())),
    }
}

/// A count as the database holds it; nothing has more rows than that.
pub(super) fn as_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
