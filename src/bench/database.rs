//! The database server of a measurement, which goes with it.

use tokio::task::spawn_blocking;

use crate::assets::PostgresProgram;
use crate::postgres::EmbeddedPostgres;

pub(super) async fn start(program: &PostgresProgram) -> anyhow::Result<EmbeddedPostgres> {
    let program = program.clone();
    Ok(spawn_blocking(move || EmbeddedPostgres::start_scratch(&program)).await??)
}

pub(super) async fn stop(server: EmbeddedPostgres) -> anyhow::Result<()> {
    Ok(spawn_blocking(move || server.stop()).await?)
}
