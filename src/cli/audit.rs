//! `likeness audit`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use secrecy::SecretString;

use super::print;
use crate::assets::Assets;
use crate::config::Config;
use crate::domain::ids::TenantId;
use crate::postgres::{EmbeddedPostgres, Found};
use crate::store::{AuditReader, ChainHead, ChainReport};

/// What is done with the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check every event of the audit log, tenant by tenant; fails if one was changed, removed or moved.
    ///
    /// Works beside the running service and changes nothing. Whoever can write to the database as its owner can also
    /// write a whole new log, head included. Only a head that is kept somewhere else shows that: note what this
    /// prints, and hand it in with --expect-head the next time.
    Verify(VerifyArgs),
}

/// What `audit verify` takes.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Only the log of this tenant.
    #[arg(long, value_parser = TenantId::parse)]
    tenant: Option<TenantId>,
    /// A head that was printed before: its event must still be in the log, as it was.
    #[arg(long, value_name = "SEQ:HASH", requires = "tenant")]
    expect_head: Option<ChainHead>,
}

/// Verifies, and prints a line for each tenant.
///
/// # Errors
/// Where the database cannot be read.
pub(super) fn run(command: &AuditCommand, config: &Config) -> anyhow::Result<ExitCode> {
    let AuditCommand::Verify(args) = command;
    let (url, _server) = database(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let in_order = runtime.block_on(verify(args, &url))?;
    Ok(if in_order {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn verify(args: &VerifyArgs, url: &SecretString) -> anyhow::Result<bool> {
    let mut reader = AuditReader::connect(url).await?;
    let tenants = match &args.tenant {
        Some(tenant) => vec![tenant.as_str().to_owned()],
        None => reader.tenants().await?,
    };
    if tenants.is_empty() {
        print("the audit log is empty")?;
    }
    let mut in_order = true;
    for tenant in tenants {
        let report = reader.verify(&tenant, args.expect_head).await?;
        // Asked for by name, a log that is not there is not in order.
        let missing = args.tenant.is_some() && report.intact.sequence == 0;
        in_order &= report.fault.is_none() && !missing;
        print(&line(&tenant, &report))?;
    }
    Ok(in_order)
}

fn line(tenant: &str, report: &ChainReport) -> String {
    let ChainReport { intact, fault } = report;
    match fault {
        None if intact.sequence == 0 => format!("{tenant}: no events"),
        None => format!(
            "{tenant}: intact, {} events, head {intact}",
            intact.sequence
        ),
        Some(fault) if intact.sequence == 0 => {
            format!("{tenant}: BROKEN at event {}: {fault}", fault.sequence())
        }
        Some(fault) => format!(
            "{tenant}: BROKEN at event {}: {fault}; intact up to {intact}",
            fault.sequence()
        ),
    }
}

/// The configured database, or the home's, which is started for the time where no service runs on it.
fn database(config: &Config) -> anyhow::Result<(SecretString, Option<EmbeddedPostgres>)> {
    if let Some(url) = &config.database.url {
        return Ok((url.clone(), None));
    }
    match EmbeddedPostgres::find(&config.home)? {
        Found::Running(url) => Ok((url, None)),
        Found::Stopped => {
            let program = Assets::open(&config.assets)?.ensure_postgres()?;
            let server = EmbeddedPostgres::start(&program, &config.home)?;
            Ok((server.url().clone(), Some(server)))
        }
        Found::Nothing => {
            anyhow::bail!(
                "there is no database in {} (LIKENESS_HOME), and DATABASE_URL is not set",
                config.home.display()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ChainFault;

    #[test]
    fn a_line_says_where_a_chain_breaks_or_what_to_note() {
        let head = |sequence| ChainHead {
            sequence,
            hash: [0xab; 32],
        };
        let report = |sequence, fault| ChainReport {
            intact: head(sequence),
            fault,
        };
        let hash = "ab".repeat(32);
        assert_eq!(
            line("acme", &report(7, None)),
            format!("acme: intact, 7 events, head 7:{hash}")
        );
        assert_eq!(
            line("acme", &report(7, Some(ChainFault::Missing(8, 9)))),
            format!("acme: BROKEN at event 8: events 8 to 9 are missing; intact up to 7:{hash}")
        );
        assert_eq!(line("acme", &report(0, None)), "acme: no events");
    }
}
