//! A connection on loan from the pool, whose every wait has an end.
//!
//! The server cancels statements that take too long, but a server that cannot be reached any more cancels nothing, and
//! the system may take a quarter of an hour to notice. So each answer is waited for only so long here, and a connection
//! that does not answer when it is given back is closed: its place in the pool is free again, whatever became of its
//! other end.

use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Describe, Either, Execute, Executor, PgConnection, Postgres, SqlStr};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::error::StoreError;

/// How long the next part of an answer is waited for: longer than the server works on a statement.
const ANSWER_LIMIT: Duration = Duration::from_secs(12);
/// The same where the server was told to take its time, which is ten minutes.
const LONG_ANSWER_LIMIT: Duration = Duration::from_secs(10 * 60 + 2);
/// How long the server may take then.
const LONG_STATEMENT_TIMEOUT: &str = "10min";
/// How long a connection may take to be fit for its next user.
const GIVE_BACK_LIMIT: Duration = Duration::from_secs(2);

/// Closed when it is dropped, which needs no answer from anybody.
struct Loan(Option<PoolConnection<Postgres>>);

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

/// A connection on loan. Dropped, it is given back to the pool; what it began and did not commit is undone.
pub(super) struct Session {
    loan: Loan,
    home: Handle,
    in_transaction: bool,
    answer_limit: Duration,
}

impl Session {
    /// Takes a connection over; it is given back on the runtime that is its home.
    pub(super) fn new(connection: PoolConnection<Postgres>, home: Handle) -> Self {
        Self {
            loan: Loan(Some(connection)),
            home,
            in_transaction: false,
            answer_limit: ANSWER_LIMIT,
        }
    }

    /// What statements run on.
    pub(super) fn bounded(&mut self) -> Bounded<'_> {
        let connection = self.loan.0.as_mut();
        Bounded {
            connection: connection.expect("only dropping takes the connection"),
            answer_limit: self.answer_limit,
        }
    }

    /// Lets the statements of this transaction take minutes, as the removal of a very large list does.
    pub(super) async fn take_time(&mut self) -> Result<(), StoreError> {
        sqlx::query!(
            "select set_config('statement_timeout', $1, true)",
            LONG_STATEMENT_TIMEOUT
        )
        .fetch_one(self.bounded())
        .await?;
        self.answer_limit = LONG_ANSWER_LIMIT;
        Ok(())
    }

    /// Opens a transaction.
    pub(super) async fn begin(&mut self, statement: &'static str) -> Result<(), StoreError> {
        // Before it is sent: whether or not the answer comes, there may be something to undo.
        self.in_transaction = true;
        sqlx::raw_sql(statement).execute(self.bounded()).await?;
        Ok(())
    }

    /// Makes the transaction last.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        sqlx::raw_sql("commit").execute(self.bounded()).await?;
        self.in_transaction = false;
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let loan = Loan(self.loan.0.take());
        self.home.spawn(give_back(loan, self.in_transaction));
    }
}

async fn give_back(mut loan: Loan, in_transaction: bool) {
    if in_transaction {
        let Some(connection) = loan.0.as_mut() else {
            return;
        };
        let undo = sqlx::raw_sql("rollback").execute(&mut **connection);
        if !matches!(timeout(GIVE_BACK_LIMIT, undo).await, Ok(Ok(_))) {
            return;
        }
    }
    if let Some(mut connection) = loan.0.take() {
        // Where it is given up on the way, the pool closes the connection.
        let _ = timeout(GIVE_BACK_LIMIT, connection.return_to_pool()).await;
    }
}

/// A connection whose answers are waited for only so long.
#[derive(Debug)]
pub(super) struct Bounded<'c> {
    connection: &'c mut PgConnection,
    answer_limit: Duration,
}

/// What became of a statement that was not answered in time is not known.
fn no_answer() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(
        std::io::ErrorKind::TimedOut,
        "the database did not answer in time",
    ))
}

async fn in_time<T>(
    limit: Duration,
    answer: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    timeout(limit, answer)
        .await
        .unwrap_or_else(|_| Err(no_answer()))
}

impl<'c> Executor<'c> for Bounded<'c> {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let limit = self.answer_limit;
        let answer = Some(self.connection.fetch_many(query));
        let next_in_time = move |answer| async move {
            let mut answer: BoxStream<'e, _> = answer?;
            match timeout(limit, answer.next()).await {
                Ok(next) => next.map(|part| (part, Some(answer))),
                Err(_) => Some((Err(no_answer()), None)),
            }
        };
        stream::unfold(answer, next_in_time).boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(in_time(
            self.answer_limit,
            self.connection.fetch_optional(query),
        ))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        Box::pin(in_time(
            self.answer_limit,
            self.connection.prepare_with(sql, parameters),
        ))
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'c: 'e,
    {
        Box::pin(in_time(self.answer_limit, self.connection.describe(sql)))
    }
}
