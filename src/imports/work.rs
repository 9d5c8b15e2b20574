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
use super::finding::Finding;
use crate::domain::audit::{Actor, ImportedRow};
use crate::domain::ids::JobId;
use crate::domain::job::{RowCode, RowFault};
use crate::store::{FinishedRow, NewSubject, PendingRow, RowOutcome, StoreError};
use crate::verify::{
    BulkEnrolment, BulkRow, PlannedSearch, RowRefusal, Verifier, VerifyError, is_overtaken,
};
use crate::vision::{Encoded, VisionError};

/// How long a job is worked on before another one gets its turn.
const TURN: Duration = Duration::from_secs(10);
/// Rows that are read at once, and rows that may wait to be analysed.
const READ_ROWS: u32 = 16;
/// Rows that one transaction enrols, and how long the first of them waits for the others.
const BATCH_ROWS: usize = 16;
const BATCH_PATIENCE: Duration = Duration::from_millis(250);
/// How long a row waits before it asks for a place in a full queue again.
pub(super) const QUEUE_PATIENCE: Duration = Duration::from_millis(20);

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
    list: PlannedSearch,
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
        list: PlannedSearch,
        job: JobId,
    ) -> Self {
        let in_flight = pictures_in_flight(verifier);
        Self {
            verifier,
            actor,
            list,
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
            if !may_go_on(self.verifier, begun, stop) {
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
        let image = Encoded::from(row.image);
        let finding = loop {
            if place.is_err() || !self.verifier.engine().is_healthy() {
                break Finding::Skipped;
            }
            match self.verifier.candidate(&self.list, &image).await {
                Err(VerifyError::Vision {
                    source: VisionError::Overloaded,
                    ..
                }) => sleep(QUEUE_PATIENCE).await,
                Ok(candidate) => break Finding::Face(Box::new(candidate)),
                Err(error) => break Finding::of(error, row.attempts),
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
                // Looked at anew in the next turn, by the embedder that the list has gone over to.
                Err(error) if is_overtaken(&error) => return Ok(false),
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
        let mut bulk = match self.verifier.begin_bulk(self.actor, &self.list).await {
            // The list was deleted, and the job with it.
            Err(VerifyError::NotFound) => return Ok(Commit::Overtaken),
            begun => begun?,
        };
        if !bulk.transaction.count_rows(self.job, 0, 0).await? {
            return Ok(Commit::Overtaken);
        }
        let finished = self.outcomes(&mut bulk, rows).await?;
        if !bulk.transaction.finish_rows(self.job, &finished).await? {
            return Ok(Commit::Overtaken);
        }
        let refused = |row: &&FinishedRow| matches!(row.outcome, RowOutcome::Refused(_));
        let failed = finished.iter().filter(refused).count() as u64;
        let mut transaction = bulk.transaction;
        let done = rows.len() as u64;
        transaction.count_rows(self.job, done, failed).await?;
        transaction.clear_strikes(self.job).await?;
        transaction.commit().await?;
        Ok(Commit::Done)
    }

    /// Enrols the faces of rows, but for those that there is a reason not to.
    async fn outcomes(
        &self,
        bulk: &mut BulkEnrolment,
        rows: &[Analysed],
    ) -> Result<Vec<FinishedRow>, VerifyError> {
        let (mut with_face, mut finished) = (Vec::new(), Vec::with_capacity(rows.len()));
        for row in rows {
            match &row.finding {
                Finding::Face(candidate) => with_face.push(BulkRow {
                    subject: row.subject.clone(),
                    candidate,
                    source: ImportedRow {
                        job_id: self.job,
                        row: row.number,
                    },
                }),
                Finding::Refused(fault) => finished.push(refused(row.number, fault.clone())),
                Finding::Suspect | Finding::Skipped => {
                    unreachable!("rows to be tried again are not finished")
                }
            }
        }
        let numbers: Vec<u64> = with_face.iter().map(|row| row.source.row).collect();
        let enrolled = self.verifier.enrol_in_bulk(bulk, with_face).await?;
        let enrolled = numbers.into_iter().zip(enrolled);
        finished.extend(enrolled.map(|(number, outcome)| match outcome {
            Ok(row) => FinishedRow {
                number,
                outcome: RowOutcome::Enrolled(row.subject_id, row.face_id),
                duplicate_of: row.duplicate_of,
            },
            Err(RowRefusal::ConsentRequired) => refused(number, no_consent()),
            Err(RowRefusal::DuplicateSubject(duplicate_of)) => FinishedRow {
                duplicate_of,
                ..refused(number, somebody_else())
            },
        }));
        Ok(finished)
    }

    async fn count_attempt(&self, number: u64) -> Result<(), VerifyError> {
        let mut transaction = self.verifier.store().begin(&self.actor.tenant).await?;
        transaction.count_attempt(self.job, number).await?;
        Ok(transaction.commit().await?)
    }
}

fn refused(number: u64, fault: RowFault) -> FinishedRow {
    FinishedRow {
        number,
        outcome: RowOutcome::Refused(fault),
        duplicate_of: Vec::new(),
    }
}

fn somebody_else() -> RowFault {
    let words = "the face belongs to somebody else who is on the list";
    RowFault::new(RowCode::DuplicateSubject, words)
}

/// Whether a turn that was begun then goes on.
pub(super) fn may_go_on(verifier: &Verifier, begun: Instant, stop: &watch::Receiver<bool>) -> bool {
    !*stop.borrow()
        && stop.has_changed().is_ok()
        && begun.elapsed() < TURN
        && verifier.engine().is_healthy()
}

/// How many pictures of a job the workers are asked about at once.
pub(super) fn pictures_in_flight(verifier: &Verifier) -> u32 {
    let engine = verifier.engine();
    in_flight(engine.workers().wanted, engine.queue_capacity())
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
