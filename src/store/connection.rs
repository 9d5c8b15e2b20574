//! The pool: how a session is set up, and what is checked before the first one is used.

use std::future::Future;
use std::num::NonZeroU16;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::audit::WaitingAnswers;
use super::error::StoreError;
use super::forms::{Forms, TemplateKeys};
use super::images::ImageKeys;
use super::session::Session;
use super::versions;
use crate::gallery::Galleries;

/// How long a request waits for a free connection before it is turned away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a server may take to answer at the start.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long connections may take to close at the end; those that are in the middle of something are not waited for.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// A statement that runs longer is cancelled by the server. Searching a hundred thousand faces takes a tenth of a
/// second.
const STATEMENT_TIMEOUT: &str = "10s";
/// A statement that waits longer for others to let go of a row is cancelled by the server: sooner than requests that
/// wait for its connection are turned away, so that one locked list does not take the others down with it.
const LOCK_TIMEOUT: &str = "4s";
/// A transaction that its owner forgot is ended by the server. None is held while a model runs.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "30s";

/// Faces that the coarse pass picks at least, unless fewer are asked for of a million.
const MIN_PICKS: usize = 100;

/// The database of the service. Cheap to clone; all clones share one pool.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
    /// The runtime that opened the pool. A connection lives on the runtime that opened it, and a worker of the HTTP
    /// server ends its own as soon as it has drained, while others still answer; so all are opened here.
    home: Handle,
    galleries: Galleries,
    search: SearchSettings,
    forms: Arc<Forms>,
    image_keys: Arc<ImageKeys>,
    /// Days that records are kept where their tenant has not chosen; none keeps them.
    default_retention: Option<NonZeroU16>,
    waiting_answers: WaitingAnswers,
}

/// Connections to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// On loan.
    pub used: usize,
    /// Open, and used by nobody.
    pub idle: usize,
    /// The most there may be.
    pub most: usize,
}

/// How large lists are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchSettings {
    /// Up to so many faces every one is compared in the database; above it a coarse pass over codes in memory picks.
    pub exact_limit: i64,
    /// Faces that the coarse pass picks of a million; see [`Self::picks`].
    pub candidates: usize,
    /// Most memory that codes take.
    pub memory_bytes: usize,
}

impl SearchSettings {
    /// Faces that the coarse pass picks of so many.
    ///
    /// At what place the codes put the face that is meant grows with the gallery. So do the picks, but by the fourth
    /// root, since each costs the database the reading of a page: of a thousand people one is missed among ten million,
    /// and none among a million.
    #[must_use]
    pub fn picks(&self, faces: usize) -> usize {
        let share = (faces as f64 / 1e6).powf(0.25);
        let picks = (self.candidates as f64 * share).ceil() as usize;
        picks.max(MIN_PICKS.min(self.candidates))
    }
}

impl Default for SearchSettings {
    fn default() -> Self {
        Self {
            exact_limit: 10_000,
            candidates: 100,
            memory_bytes: 1 << 30,
        }
    }
}

impl Store {
    /// Connects, checks the versions, brings the schema up to date and opens the pool. To be called within a tokio
    /// runtime that outlives the store.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] for an old server, [`StoreError::Migration`] when the schema cannot be brought up
    /// to date, [`StoreError::UnsafeSession`] when a session would not be bound by row-level security,
    /// [`StoreError::Unavailable`] when nobody answers.
    pub async fn connect(url: &SecretString, max_connections: u32) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url.expose_secret())
            .map_err(StoreError::InvalidUrl)?
            .application_name("likeness");
        prepare(&options).await?;
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_connect(|session, _| {
                Box::pin(async move {
                    set_up(session)
                        .await
                        .map_err(|error| sqlx::Error::Configuration(error.into()))
                })
            })
            .connect_with(options)
            .await?;
        let search = SearchSettings::default();
        Ok(Self {
            pool,
            home: Handle::current(),
            galleries: Galleries::new(search.memory_bytes),
            search,
            forms: Arc::new(Forms::new(TemplateKeys::default())),
            image_keys: Arc::default(),
            default_retention: None,
            waiting_answers: WaitingAnswers::default(),
        })
    }

    /// The same store with another retention for tenants who have not chosen.
    #[must_use]
    pub fn with_retention(self, default_retention: Option<NonZeroU16>) -> Self {
        Self {
            default_retention,
            ..self
        }
    }

    /// Days that records are kept where their tenant has not chosen; none keeps them until somebody deletes them.
    #[must_use]
    pub fn default_retention(&self) -> Option<NonZeroU16> {
        self.default_retention
    }

    /// The same store with other rules for the search of large lists.
    #[must_use]
    pub fn with_search(self, search: SearchSettings) -> Self {
        Self {
            galleries: Galleries::new(search.memory_bytes),
            search,
            ..self
        }
    }

    /// The same store with other secrets for templates.
    #[must_use]
    pub fn with_template_keys(self, keys: TemplateKeys) -> Self {
        Self {
            forms: Arc::new(Forms::new(keys)),
            ..self
        }
    }

    /// The same store with other secrets for pictures of enrolled faces.
    #[must_use]
    pub fn with_image_keys(self, keys: ImageKeys) -> Self {
        Self {
            image_keys: Arc::new(keys),
            ..self
        }
    }

    /// Whether pictures of enrolled faces can be kept at all.
    #[must_use]
    pub fn can_keep_images(&self) -> bool {
        self.image_keys.current.is_some()
    }

    /// Whether the database answers, asked with a real query through the service's role; true where it takes writes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<bool, StoreError> {
        let store = self.clone();
        self.run_at_home(async move {
            let mut session = store.session().await?;
            let state = sqlx::query!(
                r#"
                select
                    exists(select from watchlists) as "any!",
                    current_setting('transaction_read_only') = 'off' as "writable!"
                "#
            )
            .fetch_one(session.bounded())
            .await?;
            Ok(state.writable)
        })
        .await
    }

    /// Makes an embedder known, so that faces can carry its id, in every form that is known. To be called at each start.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the id is known with another number of dimensions.
    pub async fn register_model(&self, id: &str, dimensions: usize) -> Result<(), StoreError> {
        let store = self.clone();
        let ids = self.forms.ids(id);
        // More than the column holds is more than its check allows.
        let dimensions = i32::try_from(dimensions).unwrap_or(i32::MAX);
        self.run_at_home(async move {
            sqlx::query!(
                "insert into models (id, dimensions) select id, $2 from unnest($1::text[]) as id \
                 on conflict (id, dimensions) do nothing",
                &ids,
                dimensions
            )
            .execute(store.session().await?.bounded())
            .await?;
            Ok(())
        })
        .await
    }

    /// The other models whose templates this database may hold.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn other_models(&self, id: &str) -> Result<Vec<String>, StoreError> {
        let (store, ids) = (self.clone(), self.forms.ids(id));
        self.run_at_home(async move {
            let others = sqlx::query_scalar!(
                "select id from models where id <> all($1) order by created_at, id",
                &ids
            );
            Ok(others.fetch_all(store.session().await?.bounded()).await?)
        })
        .await
    }

    /// Waits for running transactions, as long as connections answer, and closes every connection.
    pub async fn close(&self) {
        if timeout(CLOSE_TIMEOUT, self.pool.close()).await.is_err() {
            tracing::warn!("some connections to the database did not close in time");
        }
    }

    /// The connections as they are now.
    #[must_use]
    pub fn connections(&self) -> Connections {
        let (open, idle) = (self.pool.size() as usize, self.pool.num_idle());
        Connections {
            used: open.saturating_sub(idle),
            idle,
            most: self.pool.options().get_max_connections() as usize,
        }
    }

    /// The galleries in memory.
    #[must_use]
    pub fn galleries(&self) -> &Galleries {
        &self.galleries
    }

    /// How large lists are searched.
    #[must_use]
    pub fn search_settings(&self) -> SearchSettings {
        self.search
    }

    /// The forms that templates are kept in.
    pub(super) fn forms(&self) -> &Arc<Forms> {
        &self.forms
    }

    /// What pictures of enrolled faces are kept under.
    pub(super) fn image_keys(&self) -> &Arc<ImageKeys> {
        &self.image_keys
    }

    /// The audit events that wait to be appended together.
    pub(super) fn waiting_answers(&self) -> &WaitingAnswers {
        &self.waiting_answers
    }

    /// The runtime for work that outlives its caller.
    pub(super) fn home(&self) -> &Handle {
        &self.home
    }

    /// A connection, on loan. To be called at home. Why ever there is none, the database is not to be had then.
    pub(super) async fn session(&self) -> Result<Session, StoreError> {
        let connection = self.pool.acquire().await;
        let connection = connection.map_err(StoreError::Unavailable)?;
        Ok(Session::new(connection, self.home.clone()))
    }

    /// Runs work on the runtime of the pool, to its end even when the caller stops waiting.
    pub(super) async fn run_at_home<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self.home.spawn(work).await {
            Ok(result) => result,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_shutting_down) => Err(StoreError::Unavailable(sqlx::Error::PoolClosed)),
            },
        }
    }
}

/// A connection of its own, as the user of the URL.
pub(super) async fn open(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let connected = timeout(CONNECT_TIMEOUT, options.connect()).await;
    Ok(connected.unwrap_or(Err(sqlx::Error::PoolTimedOut))?)
}

/// On a connection of its own, as the user of the URL: the service's role may not change the schema. Ends with a
/// trial of the set-up, whose failure would reach us from within the pool only as a timeout.
async fn prepare(options: &PgConnectOptions) -> Result<(), StoreError> {
    let mut connection = open(options).await?;
    versions::check(&mut connection).await?;
    sqlx::migrate!()
        .run(&mut connection)
        .await
        .map_err(StoreError::Migration)?;
    set_up(&mut connection).await?;
    Ok(connection.close().await?)
}

/// Every key begins with the tenant, so an index leads to one list's rows alone; a scan of a whole table, which the
/// planner would guess to be cheaper where one list is most of it, would make small lists pay for large ones. Compiling
/// a statement that runs for milliseconds, or starting workers for it because another list is large, only delays it.
/// So does planning it anew each time, which takes longer than to search a thousand faces: beside a large list the planner
/// would, for savings that it only imagines. What has optional filters asks for it (`TenantTx::plan_anew`).
///
/// Gives up the powers of the login user for the life of the session, and makes sure of it: as an owner who is a
/// superuser the session would see every tenant's records.
async fn set_up(session: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        select
            set_config('statement_timeout', $1, false) as statement_timeout,
            set_config('idle_in_transaction_session_timeout', $2, false) as idle_timeout,
            set_config('lock_timeout', $3, false) as lock_timeout,
            set_config('enable_seqscan', 'off', false) as seqscan,
            set_config('max_parallel_workers_per_gather', '0', false) as parallel,
            set_config('jit', 'off', false) as jit,
            set_config('plan_cache_mode', 'force_generic_plan', false) as plans,
            set_config('role', 'likeness_service', false) as role
        "#,
        STATEMENT_TIMEOUT,
        IDLE_IN_TRANSACTION_TIMEOUT,
        LOCK_TIMEOUT
    )
    .fetch_one(&mut *session)
    .await?;
    let state = sqlx::query!(
        r#"
        select
            rolname = 'likeness_service' and not rolsuper and not rolbypassrls as "bound!",
            current_setting('statement_timeout') = $1
                and current_setting('idle_in_transaction_session_timeout') = $2
                and current_setting('lock_timeout') = $3 as "limited!"
        from pg_roles
        where rolname = current_user
        "#,
        STATEMENT_TIMEOUT,
        IDLE_IN_TRANSACTION_TIMEOUT,
        LOCK_TIMEOUT
    )
    .fetch_one(session)
    .await?;
    if !state.bound {
        return Err(StoreError::UnsafeSession(
            "row-level security does not bind its role",
        ));
    }
    if !state.limited {
        return Err(StoreError::UnsafeSession(
            "its time limits are not in force",
        ));
    }
    Ok(())
}
