//! Working off the rows of one job: one part reads ahead, one has pictures analysed, one enrols.
//!
//! The three run side by side, so that the workers are busy while the database writes. No more pictures are in flight
//! than keep every worker busy, so that a request finds a short queue. A row's face is enrolled and the row finished in
//! one transaction, and only if the row still waits: a row cannot get two faces, whoever dies or overtakes whom.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{sleep, timeout_at};

use super::fields::no_consent;
use crate::domain::audit::{Actor, ImportedRow};
use crate::domain::ids::{JobId, WatchlistId};
use crate::domain::job::{RowCode, RowFault};
use crate::store::{FinishedRow, NewSubject, PendingRow, RowOutcome, StoreError};
use crate::verify::{BulkEnrolment, Candidate, Verifier, VerifyError};
use crate::vision::VisionError;

/// How long a job is worked on before another one gets its turn.
const TURN: Duration = Duration::from_secs(10);
/// Rows that are read at once, and rows that may wait to be analysed.
const READ_ROWS: u32 = 16;
/// Rows that one transaction enrols, and how long the first of them waits for the others.
const BATCH_ROWS: usize = 16;
const BATCH_PATIENCE: Duration = Duration::from_millis(250);
/// How long a row waits before it asks for a place in a full queue again.
const QUEUE_PATIENCE: Duration = Duration::from_millis(20);
/// How often the models may fail on a picture before its row is refused.
const MAX_ATTEMPTS: u32 = 2;

/// Why the work on a job paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// Every row is over.
    Finished,
    /// It is another job's turn, or the process stops.
    Yielded,
    /// Something failed that may work later.
    Stumbled,
}

/// The work on one job.
pub(super) struct Work<'a> {
    verifier: &'a Verifier,
    /// Whoever made the job: what it enrols is their doing.
    actor: &'a Actor,
    watchlist: WatchlistId,
    job: JobId,
    /// A place each for the pictures in flight.
    places: Semaphore,
    in_flight: u32,
}

/// A row whose picture was looked at.
struct Analysed {
    number: u64,
    subject: NewSubject,
    finding: Finding,
}

enum Finding {
    Face(Box<Candidate>),
    Refused(RowFault),
    /// The models failed, and it may be the picture's doing.
    Suspect,
    /// It was not looked at: that is nobody's fault.
    Skipped,
}

/// What became of a batch.
enum Commit {
    Done,
    /// The job is over, or somebody else works on it.
    Overtaken,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        verifier: &'a Verifier,
        actor: &'a Actor,
        watchlist: WatchlistId,
        job: JobId,
    ) -> Self {
        let in_flight = in_flight(
            verifier.engine().workers().wanted,
            verifier.engine().queue_capacity(),
        );
        Self {
            verifier,
            actor,
            watchlist,
            job,
            places: Semaphore::new(in_flight as usize),
            in_flight,
        }
    }

    /// Works until there is nothing left, the turn is over, something fails, or `stop` says true.
    pub(super) async fn run(&self, stop: &watch::Receiver<bool>) -> Result<Pause, VerifyError> {
        let (waiting, mut read) = mpsc::channel(READ_ROWS as usize);
        let (looked_at, results) = mpsc::channel(BATCH_ROWS);
        let analyse = async move {
            let rows = stream::poll_fn(move |context| read.poll_recv(context));
            let analysed = rows.map(|row| self.analyse(row));
            // In their order: of several rows of one person the first describes them.
            let mut analysed = analysed.buffered(self.in_flight as usize);
            while let Some(row) = analysed.next().await {
                if looked_at.send(row).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        let (exhausted, (), smooth) =
            tokio::try_join!(self.read(waiting, stop), analyse, self.enrol(results))?;
        if !smooth {
            return Ok(Pause::Stumbled);
        }
        if !exhausted {
            return Ok(Pause::Yielded);
        }
        let mut transaction = self.verifier.store().begin(&self.actor.tenant).await?;
        let completed = transaction.complete_job(self.job).await?;
        if completed {
            transaction.delete_lease(self.job).await?;
        }
        transaction.commit().await?;
        // Otherwise it was ended meanwhile: the next turn finds out and clears it.
        Ok(if completed {
            Pause::Finished
        } else {
            Pause::Yielded
        })
    }

    /// Hands out the rows that wait, in their order. True when there are no more.
    async fn read(
        &self,
        waiting: mpsc::Sender<PendingRow>,
        stop: &watch::Receiver<bool>,
    ) -> Result<bool, VerifyError> {
        let begun = Instant::now();
        let mut after = 0;
        loop {
            let may_go_on = !*stop.borrow()
                && stop.has_changed().is_ok()
                && begun.elapsed() < TURN
                && self.verifier.engine().is_healthy();
            if !may_go_on {
                return Ok(false);
            }
            let mut transaction = self.verifier.store().begin(&self.actor.tenant).await?;
            let rows = transaction.pending_rows(self.job, after, READ_ROWS).await?;
            transaction.commit().await?;
            let Some(last) = rows.last() else {
                return Ok(true);
            };
            after = last.number;
            for row in rows {
                if waiting.send(row).await.is_err() {
                    return Ok(false);
                }
            }
        }
    }

    async fn analyse(&self, row: PendingRow) -> Analysed {
        // A picture that the models failed on before is looked at alone: if a worker is lost again, it was this one.
        let alone = row.attempts > 0;
        let places = if alone { self.in_flight } else { 1 };
        let place = self.places.acquire_many(places).await;
        let finding = loop {
            if place.is_err() || !self.verifier.engine().is_healthy() {
                break Finding::Skipped;
            }
            match self.verifier.candidate(row.image.clone()).await {
                Err(VerifyError::Vision {
                    source: VisionError::Overloaded,
                    ..
                }) => sleep(QUEUE_PATIENCE).await,
                Ok(candidate) => break Finding::Face(Box::new(candidate)),
                Err(error) => break finding(error, row.attempts),
            }
        };
        Analysed {
            number: row.number,
            subject: row.subject,
            finding,
        }
    }

    /// Enrols what was looked at, in small batches. True when nothing is left over to be tried again.
    async fn enrol(&self, mut results: mpsc::Receiver<Analysed>) -> Result<bool, VerifyError> {
        let mut smooth = true;
        while let Some(batch) = next_batch(&mut results).await {
            let mut finished = Vec::with_capacity(batch.len());
            for row in batch {
                match row.finding {
                    Finding::Suspect => {
                        smooth = false;
                        self.count_attempt(row.number).await?;
                    }
                    Finding::Skipped => smooth = false,
                    Finding::Face(_) | Finding::Refused(_) => finished.push(row),
                }
            }
            match self.commit(&finished).await {
                Ok(Commit::Done) => {}
                Ok(Commit::Overtaken) => return Ok(true),
                Err(error) if is_of_a_row(&error) && finished.len() > 1 => {
                    // One row spoils the transaction of all: each gets its own.
                    smooth &= self.commit_singly(&finished).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(smooth)
    }

    /// Commits rows one by one, so that one that the database refuses is refused alone.
    async fn commit_singly(&self, rows: &[Analysed]) -> Result<bool, VerifyError> {
        let mut smooth = true;
        for row in rows {
            match self.commit(std::slice::from_ref(row)).await {
                Ok(Commit::Done) => {}
                Ok(Commit::Overtaken) => return Ok(smooth),
                Err(error) if is_of_a_row(&error) => {
                    tracing::warn!(job.id = %self.job, %error, "a row cannot be stored");
                    smooth = false;
                    self.count_attempt(row.number).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(smooth)
    }

    /// Enrols faces and finishes their rows in one transaction, or neither.
    async fn commit(&self, rows: &[Analysed]) -> Result<Commit, VerifyError> {
        if rows.is_empty() {
            return Ok(Commit::Done);
        }
        let mut bulk = match self.verifier.begin_bulk(self.actor, self.watchlist).await {
            // The list was deleted, and the job with it.
            Err(VerifyError::NotFound) => return Ok(Commit::Overtaken),
            begun => begun?,
        };
        if !bulk.transaction.count_rows(self.job, 0, 0).await? {
            return Ok(Commit::Overtaken);
        }
        let mut failed = 0;
        for row in rows {
            let outcome = self.outcome(&mut bulk, row).await?;
            failed += u64::from(matches!(outcome, RowOutcome::Refused(_)));
            let finished = FinishedRow {
                number: row.number,
                outcome,
            };
            if !bulk.transaction.finish_row(self.job, &finished).await? {
                return Ok(Commit::Overtaken);
            }
        }
        let mut transaction = bulk.transaction;
        let done = rows.len() as u64;
        transaction.count_rows(self.job, done, failed).await?;
        transaction.clear_strikes(self.job).await?;
        transaction.commit().await?;
        Ok(Commit::Done)
    }

    /// Enrols a row's face, unless there is a reason not to.
    async fn outcome(
        &self,
        bulk: &mut BulkEnrolment,
        row: &Analysed,
    ) -> Result<RowOutcome, VerifyError> {
        let candidate = match &row.finding {
            Finding::Face(candidate) => candidate,
            Finding::Refused(fault) => return Ok(RowOutcome::Refused(fault.clone())),
            Finding::Suspect | Finding::Skipped => {
                unreachable!("rows to be tried again are not finished")
            }
        };
        let subject = row.subject.clone();
        let source = ImportedRow {
            job_id: self.job,
            row: row.number,
        };
        let enrolled = self
            .verifier
            .enrol_in_bulk(bulk, subject, candidate, source);
        match enrolled.await {
            Ok((subject, face)) => Ok(RowOutcome::Enrolled(subject, face)),
            Err(VerifyError::DuplicateSubject(_)) => Ok(RowOutcome::Refused(RowFault::new(
                RowCode::DuplicateSubject,
                "the face belongs to somebody else who is on the list",
            ))),
            Err(VerifyError::ConsentRequired) => Ok(RowOutcome::Refused(no_consent())),
            Err(error) => Err(error),
        }
    }

    async fn count_attempt(&self, number: u64) -> Result<(), VerifyError> {
        let mut transaction = self.verifier.store().begin(&self.actor.tenant).await?;
        transaction.count_attempt(self.job, number).await?;
        Ok(transaction.commit().await?)
    }
}

/// Enough to keep every worker busy while the next pictures are on their way, and never more than half of the places
/// in the queue, which requests want too.
fn in_flight(workers: usize, queue_capacity: usize) -> u32 {
    let wanted = workers + workers.min(queue_capacity / 2);
    u32::try_from(wanted.max(1)).unwrap_or(u32::MAX)
}

/// The rows that are there by the time that the first of them has waited long enough. None at the end.
async fn next_batch(results: &mut mpsc::Receiver<Analysed>) -> Option<Vec<Analysed>> {
    let mut batch = vec![results.recv().await?];
    let deadline = tokio::time::Instant::now() + BATCH_PATIENCE;
    while batch.len() < BATCH_ROWS {
        match timeout_at(deadline, results.recv()).await {
            Ok(Some(row)) => batch.push(row),
            Ok(None) | Err(_) => break,
        }
    }
    Some(batch)
}

/// Whether the database refused what a row holds, rather than failed.
fn is_of_a_row(error: &VerifyError) -> bool {
    matches!(
        error,
        VerifyError::Store(
            StoreError::Conflict { .. } | StoreError::Refused { .. } | StoreError::InvalidValue(_)
        )
    )
}

/// What a failure says about the row.
fn finding(error: VerifyError, attempts: u32) -> Finding {
    let refused = |code, message: &str| Finding::Refused(RowFault::new(code, message));
    match error {
        VerifyError::NoFace { .. } => refused(RowCode::NoFace, "no face was found in this picture"),
        VerifyError::MultipleFaces { count, .. } => {
            let message = format!("{count} faces were found; exactly one is wanted");
            refused(RowCode::MultipleFaces, &message)
        }
        VerifyError::Vision { source, .. } => match source {
            VisionError::UnsupportedImage => refused(
                RowCode::UnsupportedImage,
                "the picture is not a JPEG, PNG or WebP",
            ),
            VisionError::CorruptImage => refused(RowCode::CorruptImage, "the picture is broken"),
            VisionError::ImageTooLarge { .. } => {
                refused(RowCode::ImageTooLarge, "the picture has too many pixels")
            }
            VisionError::Overloaded => Finding::Skipped,
            error @ (VisionError::DeadlineExceeded
            | VisionError::WorkerLost
            | VisionError::Inference(_)) => {
                tracing::warn!(%error, attempts, "a picture of an import was not analysed");
                if attempts + 1 < MAX_ATTEMPTS {
                    Finding::Suspect
                } else {
                    refused(RowCode::Internal, "the models failed on this picture")
                }
            }
        },
        VerifyError::QualityTooLow(poor) => {
            let shortfalls = poor.iter().flat_map(|picture| &picture.shortfalls);
            let words: Vec<_> = shortfalls.map(ToString::to_string).collect();
            refused(RowCode::QualityTooLow, &words.join(", "))
        }
        VerifyError::NotFound
        | VerifyError::ConsentRequired
        | VerifyError::TooManyAttempts { .. }
        | VerifyError::DuplicateSubject(_)
        | VerifyError::NoSuchWatchlist(_)
        | VerifyError::ModelsDiffer
        | VerifyError::Store(_) => Finding::Skipped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_in_flight_keep_the_workers_busy_and_leave_room_for_requests() {
        for (workers, queue, expected) in [(2, 64, 4), (1, 16, 2), (8, 4, 10), (4, 1, 4), (0, 8, 1)]
        {
            assert_eq!(in_flight(workers, queue), expected);
        }
    }
}
