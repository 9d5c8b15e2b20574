//! A scratch database, and galleries of any size put into it by `copy`.
//!
//! This goes around the store on purpose: enrolment writes one face at a time, safely, and would take hours. The rows
//! are the same; the foreign keys, which hold by construction, are not checked.

use std::sync::Arc;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use half::f16;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{Connection as _, PgConnection};
use uuid::{NoContext, Timestamp, Uuid};

use super::synthetic::Population;
use crate::domain::duplicate::OnDuplicate;
use crate::domain::ids::{FaceId, SubjectId, TenantId, WatchlistId};
use crate::domain::watchlist::WatchlistKind;
use crate::store::{CHANGES_KEPT, NewWatchlist, Store};

/// Faces whose rows are made at once.
pub(super) const CHUNK: u64 = 10_000;
/// When the first person would have been enrolled, in seconds since 1970; the others follow, one a millisecond.
const FIRST_ENROLMENT: u64 = 1_700_000_000;

/// Makes a list of the people `0..size`, one picture each.
pub(super) async fn gallery(
    url: &SecretString,
    store: &Store,
    tenant: &TenantId,
    population: &Arc<Population>,
    size: u64,
    progress: &(dyn Fn(u64) + Sync),
) -> anyhow::Result<WatchlistId> {
    let list = NewWatchlist {
        name: format!("{size} people"),
        kind: WatchlistKind::Alert,
        target_fpir: 0.01,
        on_duplicate: OnDuplicate::Report,
        keep_images: false,
    };
    let mut transaction = store.begin(tenant).await?;
    let list = transaction.insert_watchlist(list).await?.id;
    transaction.commit().await?;

    let mut connection = unchecked(url, tenant).await?;
    sqlx::query(
        "insert into galleries (watchlist_id, model_id, revision, faces) values ($1, $2, $3, $3)",
    )
    .bind(list.as_uuid())
    .bind(population.model_id())
    .bind(i64::try_from(size)?)
    .execute(&mut connection)
    .await?;
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut chunks = stream::iter((0..size).step_by(usize::try_from(CHUNK)?))
        .map(|first| {
            let rows = (tenant.as_str().to_owned(), list, Arc::clone(population));
            let people = first..(first + CHUNK).min(size);
            async move {
                let rows = tokio::task::spawn_blocking(move || {
                    rows_of(&rows.0, rows.1, &rows.2, people, first + 1)
                });
                rows.await.context("making rows panicked")
            }
        })
        .buffered(jobs);
    while let Some(rows) = chunks.try_next().await? {
        copy(&mut connection, &rows).await?;
        progress(rows.count);
    }
    sqlx::raw_sql("vacuum analyze subjects, faces, galleries")
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(list)
}

/// Replaces the people `doomed`, who were put on a list by [`gallery`], by as many others, whose numbers begin at
/// `newcomers`. Each removal and each addition takes a revision of its own, as in the service.
pub(super) async fn replace(
    url: &SecretString,
    tenant: &TenantId,
    list: WatchlistId,
    population: &Arc<Population>,
    doomed: std::ops::Range<u64>,
    newcomers: u64,
) -> anyhow::Result<()> {
    let count = doomed.end - doomed.start;
    let mut connection = unchecked(url, tenant).await?;
    let mut transaction = connection.begin().await?;
    let revision: i64 = sqlx::query_scalar(
        "update galleries set revision = revision + 2 * $3 \
         where tenant = $4 and watchlist_id = $1 and model_id = $2 returning revision - 2 * $3",
    )
    .bind(list.as_uuid())
    .bind(population.model_id())
    .bind(i64::try_from(count)?)
    .bind(tenant.as_str())
    .fetch_one(&mut *transaction)
    .await?;
    sqlx::query(
        "with gone as (\
             delete from faces where tenant = $6 and watchlist_id = $1 and model_id = $2 and revision > $3 and revision <= $4 \
             returning revision, subject_id\
         ), people as (\
             delete from subjects where tenant = $6 and watchlist_id = $1 and id in (select subject_id from gone)\
         ) \
         insert into gallery_changes (tenant, watchlist_id, model_id, revision, face_revision, removed) \
         select $6, $1, $2, $5 + row_number() over (), revision, true from gone",
    )
    .bind(list.as_uuid())
    .bind(population.model_id())
    .bind(i64::try_from(doomed.start)?)
    .bind(i64::try_from(doomed.end)?)
    .bind(revision)
    .bind(tenant.as_str())
    .execute(&mut *transaction)
    .await?;
    sqlx::query("delete from gallery_changes where tenant = $4 and watchlist_id = $1 and model_id = $2 and revision < $3")
        .bind(list.as_uuid())
        .bind(population.model_id())
        .bind(revision - CHANGES_KEPT)
        .bind(tenant.as_str())
        .execute(&mut *transaction)
        .await?;
    let rows = (tenant.as_str().to_owned(), Arc::clone(population));
    let first_revision = revision.unsigned_abs() + count + 1;
    let people = newcomers..newcomers + count;
    let rows = tokio::task::spawn_blocking(move || {
        rows_of(&rows.0, list, &rows.1, people, first_revision)
    });
    copy(&mut transaction, &rows.await?).await?;
    transaction.commit().await?;
    Ok(connection.close().await?)
}

/// A connection as the owner for the rows of a tenant, whose foreign keys are not checked.
async fn unchecked(url: &SecretString, tenant: &TenantId) -> anyhow::Result<PgConnection> {
    let mut connection = owner(url).await?;
    sqlx::raw_sql("set session_replication_role = replica")
        .execute(&mut connection)
        .await?;
    sqlx::query("select set_config('likeness.tenant', $1, false)")
        .bind(tenant.as_str())
        .execute(&mut connection)
        .await?;
    Ok(connection)
}

/// A connection as the owner of everything, who is a superuser of the scratch server.
pub(super) async fn owner(url: &SecretString) -> anyhow::Result<PgConnection> {
    Ok(PgConnection::connect(url.expose_secret()).await?)
}

async fn copy(connection: &mut PgConnection, rows: &Rows) -> anyhow::Result<()> {
    let tables = [
        (
            "copy subjects (tenant, watchlist_id, id, metadata) from stdin (format binary)",
            &rows.subjects,
        ),
        (
            "copy faces (tenant, watchlist_id, subject_id, id, model_id, revision, template) from stdin (format binary)",
            &rows.faces,
        ),
    ];
    for (statement, rows) in tables {
        let mut copy = connection.copy_in_raw(statement).await?;
        copy.send(rows.as_slice()).await?;
        copy.finish().await?;
    }
    Ok(())
}

/// Rows in the binary format of `copy`.
struct Rows {
    subjects: Vec<u8>,
    faces: Vec<u8>,
    count: u64,
}

fn rows_of(
    tenant: &str,
    list: WatchlistId,
    population: &Population,
    people: std::ops::Range<u64>,
    first_revision: u64,
) -> Rows {
    let count = people.end - people.start;
    let (mut subjects, mut faces) = (Table::new(), Table::new());
    for (person, revision) in people.zip(first_revision..) {
        let subject = subject_of(person);
        subjects.row(4);
        subjects.field(tenant.as_bytes());
        subjects.uuid(list.as_uuid());
        subjects.uuid(subject.as_uuid());
        // The version of the format, then the text.
        subjects.field(b"\x01{}");
        faces.row(7);
        faces.field(tenant.as_bytes());
        faces.uuid(list.as_uuid());
        faces.uuid(subject.as_uuid());
        faces.uuid(FaceId::new().as_uuid());
        faces.field(population.model_id().as_bytes());
        faces.field(&revision.to_be_bytes());
        faces.halfvec(population.template(person, 0).values());
    }
    Rows {
        subjects: subjects.end(),
        faces: faces.end(),
        count,
    }
}

/// Ids follow time, and so the numbers of the people.
fn subject_of(person: u64) -> SubjectId {
    let (seconds, milliseconds) = (FIRST_ENROLMENT + person / 1000, (person % 1000) as u32);
    Uuid::new_v7(Timestamp::from_unix(
        NoContext,
        seconds,
        milliseconds * 1_000_000,
    ))
    .into()
}

struct Table(Vec<u8>);

impl Table {
    fn new() -> Self {
        let mut bytes = b"PGCOPY\n\xff\r\n\0".to_vec();
        bytes.extend([0; 8]);
        Self(bytes)
    }

    fn row(&mut self, fields: i16) {
        self.0.extend(fields.to_be_bytes());
    }

    fn field(&mut self, value: &[u8]) {
        self.0.extend((value.len() as i32).to_be_bytes());
        self.0.extend(value);
    }

    fn uuid(&mut self, id: Uuid) {
        self.field(id.as_bytes());
    }

    fn halfvec(&mut self, values: &[f32]) {
        let mut field = (values.len() as u16).to_be_bytes().to_vec();
        field.extend([0; 2]);
        field.extend(
            values
                .iter()
                .flat_map(|value| f16::from_f32(*value).to_be_bytes()),
        );
        self.field(&field);
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend((-1_i16).to_be_bytes());
        self.0
    }
}
