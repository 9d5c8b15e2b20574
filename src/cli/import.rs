//! `likeness import`: sends a folder of pictures to the running service and shows how far it is.
//!
//! It speaks HTTP like any other client, since the service owns the database. The folder is sent as the ZIP that it
//! could be, made on the way; from then on the service has all of it and this command only looks on.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Client, Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::health::reachable;
use super::print;
use crate::auth::{Scope, TokenRequest, TokenRules, mint};
use crate::config::Config;
use crate::domain::ids::TenantId;
use crate::imports::folder;
use crate::startup::{signing_secret, token_rules};

/// How long a token of the command's own lasts: each request gets a new one.
const TOKEN_TTL: Duration = Duration::from_secs(15 * 60);
/// How often it asks.
const POLL: Duration = Duration::from_millis(500);
/// How long a service that does not answer may take to come back.
const PATIENCE: Duration = Duration::from_secs(120);
/// Refused rows that are printed.
const MAX_PRINTED: u64 = 200;

/// What `import` takes.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Folder with pictures: person/picture.jpg, or person.jpg, or any with a manifest.csv that says who is who.
    pub dir: PathBuf,
    /// Name of the list to fill; it is made if there is none of that name.
    #[arg(long)]
    pub watchlist: String,
    /// Whose list it is.
    #[arg(long, default_value = "default")]
    pub tenant: String,
    /// Where the service is [default: LIKENESS_LISTEN on this machine].
    #[arg(long)]
    pub url: Option<String>,
    /// Token to show instead of one signed with the configured secret or the home's own key; LIKENESS_TOKEN does the
    /// same without being seen by others on the machine.
    #[arg(long)]
    pub token: Option<String>,
}

/// Imports a folder and waits for the end. Fails where a row was refused.
pub(super) fn run(args: &ImportArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let files = folder::files(&args.dir)?;
    ensure!(!files.is_empty(), "{} holds no files", args.dir.display());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let service = Service::new(args, config)?;
        let list = service.watchlist(&args.watchlist).await?;
        let job = service.send(&list, files).await?;
        let job = service.follow(&job).await?;
        service.report(&job).await
    })
}

/// The running service.
struct Service {
    client: Client,
    url: String,
    credential: Credential,
}

/// What the command shows the service.
enum Credential {
    /// What it was given.
    Given(SecretString),
    /// What it signs itself.
    Own {
        secret: SecretString,
        rules: TokenRules,
        tenant: TenantId,
    },
}

impl Credential {
    fn new(args: &ImportArgs, config: &Config) -> anyhow::Result<Self> {
        let given = args.token.clone().map(SecretString::from);
        if let Some(token) = given.or_else(|| config.token.clone()) {
            return Ok(Self::Given(token));
        }
        Ok(Self::Own {
            secret: signing_secret(config).context("give a --token or set LIKENESS_TOKEN")?,
            rules: token_rules(config),
            tenant: TenantId::parse(&args.tenant).context("--tenant")?,
        })
    }

    fn token(&self) -> anyhow::Result<String> {
        match self {
            Self::Given(token) => Ok(token.expose_secret().to_owned()),
            Self::Own {
                secret,
                rules,
                tenant,
            } => {
                let scopes = [Scope::WatchlistRead, Scope::WatchlistWrite].map(Scope::name);
                let request = TokenRequest {
                    subject: "likeness-import".to_owned(),
                    tenant: tenant.clone(),
                    scope: scopes.join(" "),
                    ttl: TOKEN_TTL.min(rules.max_lifetime),
                };
                Ok(mint(secret, rules, &request)?)
            }
        }
    }
}

#[derive(Debug, Deserialize)]
struct Job {
    id: String,
    state: String,
    total: u64,
    done: u64,
    failed: u64,
    rate: Option<f64>,
}

impl Service {
    fn new(args: &ImportArgs, config: &Config) -> anyhow::Result<Self> {
        let url = match &args.url {
            Some(url) => url.clone(),
            None if config.http.tls.is_some() => bail!(
                "the service speaks TLS: give its address with the name of its certificate, as --url https://..."
            ),
            None => format!("http://{}", reachable(config.listen)),
        };
        Ok(Self {
            client: Client::new(),
            url: url.trim_end_matches('/').to_owned(),
            credential: Credential::new(args, config)?,
        })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// The answer, or what the service says is wrong.
    async fn ask(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let answer = request
            .bearer_auth(self.credential.token()?)
            .send()
            .await
            .with_context(|| format!("no answer from {}; is the service running?", self.url))?;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        let words = ["code", "title", "detail"].map(|name| body[name].as_str().unwrap_or_default());
        let hint = match status {
            StatusCode::UNAUTHORIZED => {
                " The token is not one of this service: run the command with its LIKENESS_HOME, or give a --token."
            }
            _ => "",
        };
        bail!(
            "the service answered {status}: {}.{hint}",
            words.join(" ").trim()
        );
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(self.request(Method::GET, path)).await
    }

    /// The id of the list with that name, which is made if it is not there.
    async fn watchlist(&self, name: &str) -> anyhow::Result<String> {
        let mut path = "/v1/watchlists?limit=200".to_owned();
        loop {
            let page = self.get(&path).await?;
            let lists = page["items"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            if let Some(list) = lists.iter().find(|list| list["name"] == name) {
                return text(list, "id");
            }
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            path = format!("/v1/watchlists?limit=200&cursor={next}");
        }
        let request = self.request(Method::POST, "/v1/watchlists");
        let list = self.ask(request.json(&json!({"name": name}))).await?;
        let kind = text(&list, "kind")?;
        print(&format!(
            "There was no list {name:?}: made one of the kind {kind}."
        ))?;
        text(&list, "id")
    }

    /// Sends the folder and gives the job that the service made of it.
    async fn send(&self, list: &str, files: Vec<folder::Entry>) -> anyhow::Result<Job> {
        let style =
            "{spinner} sending {binary_bytes} of {binary_total_bytes} ({binary_bytes_per_sec})";
        let bar = ProgressBar::new(files.iter().map(|file| file.bytes).sum())
            .with_style(ProgressStyle::with_template(style)?);
        bar.enable_steady_tick(Duration::from_millis(200));
        let sent = bar.clone();
        let archive = folder::as_zip(files, move |bytes| sent.inc(bytes));
        let archive = Part::stream(Body::wrap_stream(archive)).file_name("folder.zip");
        let request = self
            .request(Method::POST, &format!("/v1/watchlists/{list}/imports"))
            .multipart(Form::new().part("archive", archive));
        let job = self.ask(request).await;
        bar.finish_and_clear();
        Ok(serde_json::from_value(job?)?)
    }

    /// Shows how far the job is until it is over. The service may go away for a while: the job outlives that.
    async fn follow(&self, job: &Job) -> anyhow::Result<Job> {
        let path = format!("/v1/jobs/{}", job.id);
        print(&format!(
            "Job {}: {} rows. It goes on without this command; {}{path} tells how far it is.",
            job.id, job.total, self.url
        ))?;
        let style = "{bar:40} {pos}/{len} rows {msg}";
        let bar = ProgressBar::new(job.total).with_style(ProgressStyle::with_template(style)?);
        let mut silent_since = None;
        loop {
            match self.get(&path).await {
                Ok(answer) => {
                    let job: Job = serde_json::from_value(answer)?;
                    silent_since = None;
                    bar.set_position(job.done);
                    bar.set_message(progress(&job));
                    if !["queued", "running"].contains(&job.state.as_str()) {
                        bar.finish_and_clear();
                        return Ok(job);
                    }
                }
                Err(error) => {
                    let since = *silent_since.get_or_insert_with(Instant::now);
                    if since.elapsed() > PATIENCE || is_final(&error) {
                        return Err(error.context(format!("cannot follow job {}", job.id)));
                    }
                    bar.set_message("no answer, waiting");
                }
            }
            sleep(POLL).await;
        }
    }

    /// Prints what became of it.
    async fn report(&self, job: &Job) -> anyhow::Result<ExitCode> {
        let enrolled = job.done - job.failed;
        print(&format!(
            "{}: {enrolled} enrolled, {} refused, {} not begun; {}",
            job.state,
            job.failed,
            job.total - job.done,
            rate(job)
        ))?;
        let path = format!("/v1/jobs/{}/rows?state=failed&limit={MAX_PRINTED}", job.id);
        let page = self.get(&path).await?;
        for row in page["items"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
        {
            let named = row["file"].as_str().or(row["external_id"].as_str());
            let error = &row["error"];
            print(&format!(
                "  {}  {}: {}",
                named.unwrap_or("-"),
                error["code"].as_str().unwrap_or_default(),
                error["message"].as_str().unwrap_or_default()
            ))?;
        }
        if job.failed > MAX_PRINTED {
            print(&format!(
                "  and {} more: {}/v1/jobs/{}/rows?state=failed",
                job.failed - MAX_PRINTED,
                self.url,
                job.id
            ))?;
        }
        let whole = job.state == "succeeded" && job.failed == 0;
        Ok(if whole {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// Whether the service has answered, and will not answer otherwise later.
fn is_final(error: &anyhow::Error) -> bool {
    let said = error.to_string();
    said.starts_with("the service answered 4")
}

fn progress(job: &Job) -> String {
    let refused = match job.failed {
        0 => String::new(),
        failed => format!(", {failed} refused"),
    };
    format!("({}{refused})", rate(job))
}

fn rate(job: &Job) -> String {
    job.rate.map_or_else(
        || "not begun".to_owned(),
        |rate| format!("{rate:.0} a second"),
    )
}

fn text(value: &Value, name: &str) -> anyhow::Result<String> {
    let text = value[name].as_str();
    Ok(text
        .with_context(|| format!("the service's answer has no {name}"))?
        .to_owned())
}
