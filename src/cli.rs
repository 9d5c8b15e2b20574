//! The command line: what each command takes, and what it prints.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use secrecy::ExposeSecret as _;

use crate::assets::{Assets, Depth, State};
use crate::config::{self, Config};
use crate::postgres::EmbeddedPostgres;

/// Is the person in this selfie the one on this identity document, and are they on a watchlist?
///
/// Without a command the service starts: on the first start it fetches its models and its database, then it serves.
#[derive(Debug, Parser)]
#[command(name = "likeness", version, after_help = config::help(), max_term_width = 120)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API; the default.
    Serve,
    /// Fetch, check or list the files that are not part of the binary.
    #[command(subcommand)]
    Assets(AssetsCommand),
    /// Print an access token, signed with the configured secret or the home's own key.
    Token(TokenArgs),
    /// Measure accuracy on a dataset of faces, and write the calibration that thresholds come from.
    Eval(EvalArgs),
    /// Print the OpenAPI document of the API.
    Openapi,
    /// Run the embedded database alone and print its address, for psql or pg_dump.
    Postgres,
}

#[derive(Debug, Subcommand)]
enum AssetsCommand {
    /// Fetch what is missing or damaged.
    Fetch,
    /// Check every hash; fails if anything is missing or damaged.
    Verify,
    /// Show what is there.
    List,
}

/// What `token` takes.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// Whose records the token reaches.
    #[arg(long)]
    pub tenant: String,
    /// What it allows: scopes separated by spaces, such as "verify watchlist:read".
    #[arg(long)]
    pub scope: String,
    /// Who uses it: its `sub`.
    #[arg(long, default_value = "developer")]
    pub subject: String,
    /// How long it lasts, in seconds or with a unit: 90s, 15m, 12h, 30d.
    #[arg(long, default_value = "1h", value_parser = ttl)]
    pub ttl: Duration,
}

/// What `eval` takes.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// Folder with a dataset in the layout of Labeled Faces in the Wild.
    #[arg(long)]
    pub dataset: PathBuf,
    /// Write the points of the DET curve (FMR against FNMR) to this CSV file.
    #[arg(long)]
    pub det: Option<PathBuf>,
    /// Write the calibration of the embedder (score to FMR) to this file.
    #[arg(long)]
    pub calibrate: Option<PathBuf>,
    /// Faces analysed at once; 0 takes one a core.
    #[arg(long, default_value_t = 0)]
    pub jobs: usize,
}

impl Cli {
    /// Does what the command line asks for.
    ///
    /// # Errors
    /// Whatever stops it, in one line that says what to do.
    pub fn run(self, config: Config) -> anyhow::Result<ExitCode> {
        match self.command.unwrap_or(Command::Serve) {
            Command::Assets(command) => assets(&command, &config),
            Command::Postgres => postgres(&config),
            Command::Serve | Command::Token(_) | Command::Eval(_) | Command::Openapi => {
                anyhow::bail!("not yet")
            }
        }
    }
}

fn assets(command: &AssetsCommand, config: &Config) -> anyhow::Result<ExitCode> {
    let assets = Assets::open(&config.assets)?;
    let depth = match command {
        AssetsCommand::Fetch => {
            assets.ensure_inference()?;
            assets.ensure_postgres()?;
            Depth::Quick
        }
        AssetsCommand::Verify => Depth::Full,
        AssetsCommand::List => Depth::Quick,
    };
    let states = assets.inspect(depth);
    let mut table = String::new();
    let mut row = |[name, version, size, state, licence, purpose]: [&str; 6]| {
        table += &format!("{name:12} {version:8} {size:>8}  {state:8} {licence:23} {purpose}\n");
    };
    row(["NAME", "VERSION", "SIZE", "STATE", "LICENCE", "PURPOSE"]);
    for (package, asset, state) in &states {
        let size = format!("{:.1} MB", asset.bytes as f64 / 1e6);
        let state = match state {
            State::Ready => "ready",
            State::Missing => "missing",
            State::Damaged(_) => "damaged",
        };
        row([
            &asset.name,
            &package.version,
            &size,
            state,
            &package.licence,
            &asset.purpose,
        ]);
    }
    let in_order = states.iter().all(|(_, _, state)| *state == State::Ready);
    print(&format!("{table}\nin {}", config.assets.display()))?;
    for (_, asset, state) in states {
        if let State::Damaged(reason) = state {
            print(&format!("{}: {reason}", asset.name))?;
        }
    }
    let listing_only = matches!(command, AssetsCommand::List);
    Ok(if in_order || listing_only {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs until a signal to stop.
fn postgres(config: &Config) -> anyhow::Result<ExitCode> {
    let program = Assets::open(&config.assets)?.ensure_postgres()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Listened for before the start, so that a signal during it is not lost.
    let mut signals = runtime.block_on(async { stop_signals() })?;
    let server = EmbeddedPostgres::start(&program, &config.home)?;
    print(server.url().expose_secret())?;
    runtime.block_on(async {
        let (interrupt, terminate) = &mut signals;
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    });
    server.stop();
    Ok(ExitCode::SUCCESS)
}

fn stop_signals() -> io::Result<(tokio::signal::unix::Signal, tokio::signal::unix::Signal)> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok((
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    ))
}

fn print(text: &str) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{text}").context("cannot write to standard output")
}

fn ttl(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.char_indices().next_back() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 60 * 60),
        Some((at, 'd')) => (&text[..at], 24 * 60 * 60),
        _ => (text, 1),
    };
    let seconds = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit));
    let seconds = seconds.filter(|seconds| (1..=366 * 24 * 60 * 60).contains(seconds));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "has to be from 1s to 366d, such as 15m or 12h".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_lists_every_command_and_every_setting() {
        let help = Cli::command().render_long_help().to_string();
        for word in [
            "serve",
            "assets",
            "token",
            "eval",
            "openapi",
            "postgres",
            "LIKENESS_HOME",
            "DATABASE_URL",
        ] {
            assert!(help.contains(word), "{word}");
        }
    }

    #[test]
    fn a_lifetime_has_a_unit_or_counts_seconds() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("15m", 900),
            ("12h", 43_200),
            ("30d", 2_592_000),
        ] {
            assert_eq!(ttl(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "0", "h", "1w", "-1m", "367d", "99999999999999999999d"] {
            assert!(ttl(text).is_err(), "{text}");
        }
    }
}
