//! The command line: what each command takes, and what it prints.

mod audit;
mod bench;
mod dumps;
mod eval;
mod health;
mod import;
mod models;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use secrecy::ExposeSecret as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::api;
use crate::assets::{Asset, Assets, Depth, Package, State};
use crate::auth::{Scope, TokenRequest, mint};
use crate::config::{self, Config, Traces};
use crate::domain::ids::TenantId;
use crate::postgres::EmbeddedPostgres;
use crate::startup::{Application, ensure_inference, is_needed, signing_secret, token_rules};

/// Whose records the token of the start reaches, and how long it lasts.
const DEVELOPMENT_TENANT: &str = "default";
const DEVELOPMENT_TTL: Duration = Duration::from_secs(12 * 60 * 60);

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
    Eval(eval::EvalArgs),
    /// Measure speed on this machine.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Print the OpenAPI document of the API.
    Openapi,
    /// Put the people of a folder of pictures on a watchlist of the running service.
    Import(import::ImportArgs),
    /// Check the audit log.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Show models, add embedders and detectors of your own, and calibrate embedders.
    #[command(subcommand)]
    Models(models::ModelsCommand),
    /// Ask the running service whether it is ready: fails if it is not.
    Health,
    /// Run the embedded database alone and print its address, for psql or pg_dump.
    Postgres,
}

#[derive(Debug, Subcommand)]
enum AssetsCommand {
    /// Fetch what is missing or damaged of what this configuration needs.
    Fetch,
    /// Check every hash; fails if anything that this configuration needs is missing or damaged.
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

impl Cli {
    /// Where the traces of this command go: only what is served is traced.
    #[must_use]
    pub fn traces<'a>(&self, config: &'a Config) -> Option<&'a Traces> {
        let serves = matches!(self.command, None | Some(Command::Serve));
        config.traces.as_ref().filter(|_| serves)
    }

    /// Does what the command line asks for.
    ///
    /// # Errors
    /// Whatever stops it, in one line that says what to do.
    pub fn run(self, config: Config) -> anyhow::Result<ExitCode> {
        match self.command.unwrap_or(Command::Serve) {
            Command::Assets(command) => assets(&command, &config),
            Command::Postgres => postgres(&config),
            Command::Serve => serve(&config),
            Command::Token(args) => token(&args, &config),
            Command::Eval(args) => eval::run(args, &config),
            Command::Import(args) => import::run(&args, &config),
            Command::Bench(command) => bench::run(&command, config),
            Command::Audit(command) => audit::run(&command, &config),
            Command::Models(command) => models::run(command, &config),
            Command::Openapi => openapi(),
            Command::Health => {
                health::check(config.listen, config.http.tls.is_some()).map(|()| ExitCode::SUCCESS)
            }
        }
    }
}

/// Serves until a signal to stop.
fn serve(config: &Config) -> anyhow::Result<ExitCode> {
    dumps::forbid();
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        // Listened for before the start, so that a signal during it is not lost.
        let mut signals = stop_signals()?;
        let application = tokio::select! {
            built = Application::build(config) => built?,
            () = stopped(&mut signals) => return Ok(()),
        };
        print(&greeting(&application, config)?)?;
        application.run_until(stopped(&mut signals)).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What a first user needs: the address, a token where the home's own key signs, and one request to try.
fn greeting(application: &Application, config: &Config) -> anyhow::Result<String> {
    let scheme = if config.http.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let url = |address| format!("{scheme}://{address}");
    let address = url(application.address());
    let mut text = format!("\nLikeness serves on {address}\n");
    let admin = application.admin_address().map(url);
    if config.http.docs {
        let pages = admin.as_ref().unwrap_or(&address);
        text += &format!("\n  Swagger UI  {pages}/docs/\n");
    }
    if config.http.pages {
        text += &format!("\n  Try it      {address}/demo\n  Review      {address}/console\n");
    }
    if config.jwt.key.is_some() {
        return Ok(text);
    }
    let request = TokenRequest {
        subject: "developer".to_owned(),
        tenant: TenantId::parse(DEVELOPMENT_TENANT)?,
        scope: Scope::ALL.map(Scope::name).join(" "),
        ttl: DEVELOPMENT_TTL.min(config.jwt.max_lifetime),
    };
    let minutes = request.ttl.as_secs() / 60;
    let token = mint(&signing_secret(config)?, &token_rules(config), &request)?;
    text += &format!(
        "\nNo LIKENESS_JWT_SECRET or LIKENESS_JWKS is set: tokens are checked with this home's own random key.\n\
         A token for development, good for {minutes} minutes:\n\nTOKEN={token}\n\n\
         Try it from the repository's folder:\n\n\
         curl -s {address}/v1/verifications -H \"Authorization: Bearer $TOKEN\" \\\n  \
         -F selfie=@fixtures/obama.jpg -F document=@fixtures/document_obama.jpg\n"
    );
    Ok(text)
}

fn token(args: &TokenArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let known = Scope::parse_list(&args.scope);
    if known.is_empty() || known.len() != args.scope.split(' ').count() {
        anyhow::bail!(
            "--scope takes one or more of: {}",
            Scope::ALL.map(Scope::name).join(" ")
        );
    }
    let request = TokenRequest {
        subject: args.subject.clone(),
        tenant: TenantId::parse(&args.tenant).context("--tenant")?,
        scope: args.scope.clone(),
        ttl: args.ttl,
    };
    print(&mint(
        &signing_secret(config)?,
        &token_rules(config),
        &request,
    )?)?;
    Ok(ExitCode::SUCCESS)
}

fn openapi() -> anyhow::Result<ExitCode> {
    print(&api::openapi().to_pretty_json()?)?;
    Ok(ExitCode::SUCCESS)
}

fn assets(command: &AssetsCommand, config: &Config) -> anyhow::Result<ExitCode> {
    let assets = Assets::open(&config.assets)?;
    let depth = match command {
        AssetsCommand::Fetch => {
            ensure_inference(&assets, config.load.embedder)?;
            assets.ensure_postgres()?;
            Depth::Quick
        }
        AssetsCommand::Verify => Depth::Full,
        AssetsCommand::List => Depth::Quick,
    };
    let states = assets.inspect(depth);
    let needed = |package: &Package| is_needed(package.part, config.load.embedder);
    let mut table = String::new();
    let mut row = |[name, version, size, state, licence, purpose]: [&str; 6]| {
        table += &format!("{name:12} {version:8} {size:>8}  {state:10} {licence:23} {purpose}\n");
    };
    row(["NAME", "VERSION", "SIZE", "STATE", "LICENCE", "PURPOSE"]);
    for (package, asset, state) in &states {
        let size = format!("{:.1} MB", asset.bytes as f64 / 1e6);
        let state = match state {
            State::Ready => "ready",
            State::Missing if !needed(package) => "not needed",
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
    let in_order = |(package, _, state): &(&Package, &Asset, State)| {
        *state == State::Ready || !needed(package)
    };
    let in_order = states.iter().all(in_order);
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
    runtime.block_on(stopped(&mut signals));
    server.stop();
    Ok(ExitCode::SUCCESS)
}

fn stop_signals() -> io::Result<[Signal; 2]> {
    Ok([
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    ])
}

async fn stopped([interrupt, terminate]: &mut [Signal; 2]) {
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
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
            "health",
            "import",
            "audit",
            "models",
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
