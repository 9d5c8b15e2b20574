//! From configuration to a serving process: everything is built first, then run.

mod models;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::join_all;
use secrecy::SecretString;
use tokio::sync::watch;

use crate::assets::Assets;
use crate::auth::{JwksSource, TokenKeys, TokenRules, TokenVerifier, home_secret};
use crate::config::{Config, ImageSecrets, JwtKey, Load, TemplateSecrets};
use crate::domain::calibration::Calibration;
use crate::domain::detector::Detector;
use crate::domain::embedder::Embedder;
use crate::domain::verification::ModelIds;
use crate::imports::{ImportLimits, Imports, Runner};
use crate::lifecycle::Sweeper;
use crate::metrics::Metrics;
use crate::models::{AtWork, KnownModel, OtherEmbedders, OwnModels, known};
use crate::ports::Ports;
use crate::postgres::EmbeddedPostgres;
use crate::pruning::prune;
use crate::registration::register;
use crate::state::{AppState, Limits};
use crate::store::{ImageKey, ImageKeys, SearchSettings, Store, TemplateKey, TemplateKeys};
use crate::throttle::Throttle;
use crate::verify::{RecallMonitor, Verifier};
use crate::vision::document::READER_ID;
use crate::vision::{Engine, LIVENESS_ID, ModelFiles};
pub use models::{
    ensure_inference, ensure_shipped, inference_files, is_needed, load_backends, load_readers,
    worker_count,
};

/// A service that is ready to answer.
pub struct Application {
    ports: Ports,
    runner: Runner,
    store: Store,
    postgres: Option<EmbeddedPostgres>,
    /// What tests the recall of searches, and how often.
    self_test: (RecallMonitor, Duration),
}

impl Application {
    /// Provisions what is missing, starts the embedded database unless another one is configured, migrates, loads
    /// and warms the models, and binds. Port 0 takes a free one.
    ///
    /// # Errors
    /// The first thing that cannot be had, in words for the operator.
    pub async fn build(config: &Config) -> anyhow::Result<Self> {
        let (postgres, engine) = tokio::try_join!(database(config), models::load(config))?;
        let url = postgres
            .as_ref()
            .map(EmbeddedPostgres::url)
            .or(config.database.url.as_ref());
        let url = url.context("there is neither a configured nor an embedded database")?;
        let store = Store::connect(url, config.database.max_connections)
            .await?
            .with_template_keys(template_keys(config))
            .with_image_keys(image_keys(config));
        let others = register(&store, config.load.embedder).await?;
        models::ensure_others(config, others).await?;
        warn_of_detector(&config.load);
        Self::assemble(config, engine, store, postgres).await
    }

    /// The same around a given engine and store, as tests have them.
    ///
    /// # Errors
    /// Where keys cannot be loaded or the address is taken.
    pub async fn assemble(
        config: &Config,
        engine: Engine,
        store: Store,
        postgres: Option<EmbeddedPostgres>,
    ) -> anyhow::Result<Self> {
        let store = store
            .with_search(search_settings(config))
            .with_retention(config.lifecycle.retention_days);
        let metrics = Metrics::default();
        let recall = RecallMonitor::new(store.clone(), metrics.clone(), config.search.recall_floor);
        let self_test = (recall.clone(), config.search.self_test_every);
        let verifier = Verifier::new(
            engine,
            store.clone(),
            Calibration::of(config.load.embedder),
            model_ids(config),
            config.policy,
            config.load.request_deadline,
        )
        .with_attempt_limit(config.attempts)
        .with_consent(config.lifecycle.consent)
        .with_others(other_embedders(config))
        .with_metrics(metrics.clone());
        let imports = Imports::new(verifier.clone(), import_limits(config));
        let runner = imports.runner();
        let state = AppState {
            verifier,
            imports,
            tokens: Arc::new(TokenVerifier::new(
                token_keys(config).await?,
                token_rules(config),
            )),
            metrics,
            recall,
            throttle: Throttle::new(config.allowance),
            models: known_models(config)?.into(),
            limits: limits(config),
            idempotency_lifetime: config.idempotency_lifetime,
        };
        Ok(Self {
            ports: Ports::open(config, &state)?,
            runner,
            store,
            postgres,
            self_test,
        })
    }

    /// Where it serves.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.ports.address
    }

    /// Where metrics and pages are, where they have a port of their own.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.ports.admin_address
    }

    /// Answers and works jobs off until `stop` is done, lets what is in flight finish, and stops the database last.
    ///
    /// # Errors
    /// Where the server fails.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self {
            ports,
            runner,
            store,
            postgres,
            self_test,
        } = self;
        let handles = ports.handles();
        let pruning = tokio::spawn(prune(store.clone()));
        let sweeping = tokio::spawn(Sweeper::new(store.clone()).run());
        let (recall, every) = self_test;
        let self_test = tokio::spawn(recall.run(every));
        let mut serving = tokio::spawn(ports.serve());
        let (stop_jobs, stopping) = watch::channel(false);
        let working = tokio::spawn(runner.run(stopping));
        tokio::select! {
            ended = &mut serving => ended??,
            () = stop => {
                tracing::info!("stopping: requests in flight may finish");
                let _ = stop_jobs.send(true);
                join_all(handles.iter().map(|handle| handle.stop(true))).await;
                serving.await??;
            }
        }
        // Sent in any case; a runner that ended by a panic does not listen any more.
        let _ = stop_jobs.send(true);
        if let Err(error) = working.await {
            tracing::error!(%error, "the runner of jobs broke down");
        }
        pruning.abort();
        sweeping.abort();
        self_test.abort();
        store.close().await;
        if let Some(postgres) = postgres {
            tokio::task::spawn_blocking(|| postgres.stop()).await?;
        }
        tracing::info!("stopped");
        Ok(())
    }
}

/// Where embedders are that lists may be in besides the one at work.
fn other_embedders(config: &Config) -> OtherEmbedders {
    OtherEmbedders::in_places(
        ModelFiles::in_dir(&Assets::models_in(&config.assets)),
        OwnModels::of_home(&config.home),
    )
}

fn limits(config: &Config) -> Limits {
    Limits::for_images_of(config.images.max_bytes, config.load.body_timeout)
}

fn import_limits(config: &Config) -> ImportLimits {
    ImportLimits {
        max_bytes: config.images.max_import_bytes,
        max_image_bytes: config.images.max_bytes,
        max_line_bytes: limits(config).max_json_bytes(),
        consent: config.lifecycle.consent,
        spool: config.home.clone(),
    }
}

/// Faces are cut a little differently by another detector, and no table is measured for each.
fn warn_of_detector(load: &Load) {
    let measured = !matches!(load.embedder, Embedder::Own(_));
    if let (Detector::Own(own), true) = (load.detector, measured) {
        tracing::warn!(
            "the detector at work is {}, and the thresholds were measured with {}: likeness eval tells what they do with this \
             one",
            own.manifest.id,
            Detector::Shipped.name()
        );
    }
}

async fn database(config: &Config) -> anyhow::Result<Option<EmbeddedPostgres>> {
    if config.database.url.is_some() {
        return Ok(None);
    }
    let (assets, home) = (config.assets.clone(), config.home.clone());
    let started = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
        let program = Assets::open(&assets)?
            .ensure_postgres()
            .context("DATABASE_URL is not set, and the embedded database cannot be had")?;
        Ok(EmbeddedPostgres::start(&program, &home)?)
    });
    started.await?.map(Some)
}

/// How large watchlists are searched, as configured.
#[must_use]
pub fn search_settings(config: &Config) -> SearchSettings {
    SearchSettings {
        exact_limit: config.search.exact_faces,
        candidates: config.search.candidates,
        memory_bytes: config.search.memory_bytes,
    }
}

/// What enrolled templates are rotated by, as configured.
#[must_use]
pub fn template_keys(config: &Config) -> TemplateKeys {
    let TemplateSecrets { current, before } = &config.template_secrets;
    TemplateKeys {
        current: current.clone().map(TemplateKey::new),
        before: before.clone().map(TemplateKey::new),
    }
}

/// What pictures of enrolled faces are encrypted under, as configured.
#[must_use]
pub fn image_keys(config: &Config) -> ImageKeys {
    let ImageSecrets { current, before } = &config.image_secrets;
    ImageKeys {
        current: current.clone().map(ImageKey::new),
        before: before.clone().map(ImageKey::new),
    }
}

/// The models that there are, and those that are at work by this configuration.
///
/// # Errors
/// Where those of the user cannot be read.
pub fn known_models(config: &Config) -> anyhow::Result<Vec<KnownModel>> {
    let at_work = AtWork {
        chosen: config.load.chosen(),
        reads_zones: config.load.read_mrz,
    };
    let assets = Assets::open(&config.assets)?;
    Ok(known(&assets, &OwnModels::of_home(&config.home), at_work)?)
}

fn model_ids(config: &Config) -> ModelIds {
    ModelIds {
        detector: config.load.detector.id().to_owned(),
        embedder: config.load.embedder.id().to_owned(),
        liveness: LIVENESS_ID.to_owned(),
        zone_reader: config.load.read_mrz.then(|| READER_ID.to_owned()),
    }
}

/// The rules that tokens are minted and checked by.
#[must_use]
pub fn token_rules(config: &Config) -> TokenRules {
    TokenRules {
        issuer: config.jwt.issuer.clone(),
        audience: config.jwt.audience.clone(),
        leeway: config.jwt.leeway,
        max_lifetime: config.jwt.max_lifetime,
        token_type: config.jwt.token_type.clone(),
        one_time_scopes: config.jwt.one_time_scopes.clone(),
    }
}

async fn token_keys(config: &Config) -> anyhow::Result<TokenKeys> {
    match &config.jwt.key {
        Some(JwtKey::PublicKeys(path)) => Ok(TokenKeys::load(path)?),
        Some(JwtKey::KeyServer(url)) => {
            let jwks = config.jwt.jwks.clone();
            let source = JwksSource {
                url: url.clone(),
                refresh: jwks.refresh,
                max_outage: jwks.max_outage,
                private_network: jwks.private_network,
                extra_roots: jwks.extra_roots,
            };
            Ok(TokenKeys::fetch(source).await?)
        }
        Some(JwtKey::Secret(_)) | None => Ok(TokenKeys::secret(&signing_secret(config)?)),
    }
}

/// The secret that tokens can be minted with: the configured one, or the home's own.
///
/// # Errors
/// Where public keys are configured, whose private halves are elsewhere, or the home's key cannot be had.
pub fn signing_secret(config: &Config) -> anyhow::Result<SecretString> {
    match &config.jwt.key {
        Some(JwtKey::Secret(secret)) => Ok(secret.clone()),
        Some(JwtKey::PublicKeys(_) | JwtKey::KeyServer(_)) => {
            anyhow::bail!(
                "LIKENESS_JWKS holds public keys only: tokens come from whoever has the private ones"
            )
        }
        None => Ok(home_secret(&config.home)?),
    }
}
