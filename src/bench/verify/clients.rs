//! Clients that send identity checks, each the next one as soon as it has its answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Context as _;
use futures_util::future::try_join_all;
use reqwest::Client;
use reqwest::multipart::{Form, Part};
use serde::Deserialize;

use super::LoadReport;
use super::pictures::Pair;
use super::report::Stages;
use crate::bench::report::Latency;
use crate::bench::service::Service;
use crate::domain::ids::WatchlistId;
use crate::domain::verification::TimingsMs;

const WARM_UP: usize = 10;

/// What all clients have in common.
pub(super) struct Clients {
    client: Client,
    url: String,
    token: String,
    list: Option<WatchlistId>,
}

/// Of an answer, what is looked at.
#[derive(Deserialize)]
struct Answer {
    timings_ms: TimingsMs,
}

impl Clients {
    pub(super) fn new(service: &Service, list: Option<WatchlistId>) -> Self {
        Self {
            client: Client::new(),
            url: service.url("/v1/verifications"),
            token: service.token.clone(),
            list,
        }
    }

    pub(super) async fn warm_up(&self, pair: &Pair) -> anyhow::Result<()> {
        for _ in 0..WARM_UP {
            self.check(pair).await?;
        }
        Ok(())
    }

    /// Has so many clients send that many checks together. Also gives the means of what the answers say of stages.
    pub(super) async fn run(
        &self,
        pair: &Pair,
        clients: usize,
        requests: usize,
    ) -> anyhow::Result<(LoadReport, Stages)> {
        let sent = AtomicUsize::new(0);
        let client = || async {
            let mut times = Vec::new();
            while sent.fetch_add(1, Ordering::Relaxed) < requests {
                let started = Instant::now();
                let stages = self.check(pair).await?;
                times.push((started.elapsed().as_secs_f64() * 1e3, stages));
            }
            Ok::<_, anyhow::Error>(times)
        };
        let started = Instant::now();
        let times = try_join_all((0..clients).map(|_| client())).await?.concat();
        let per_second = times.len() as f64 / started.elapsed().as_secs_f64();
        let stages = Stages::mean(&times);
        let latency = Latency::of(times.into_iter().map(|(time, _)| time).collect());
        let load = LoadReport {
            clients,
            requests,
            latency,
            per_second,
        };
        Ok((load, stages))
    }

    async fn check(&self, pair: &Pair) -> anyhow::Result<TimingsMs> {
        let picture = |bytes: &Vec<u8>| Part::bytes(bytes.clone()).file_name("picture.jpg");
        let mut form = Form::new()
            .part("selfie", picture(&pair.selfie))
            .part("document", picture(&pair.document));
        if let Some(list) = self.list {
            form = form.text("watchlist_ids", list.to_string());
        }
        let request = self.client.post(&self.url).bearer_auth(&self.token);
        let answer = request.multipart(form).send().await?;
        let (status, body) = (answer.status(), answer.text().await?);
        anyhow::ensure!(
            status.is_success(),
            "a check was answered with {status}: {body}"
        );
        let answer: Answer = serde_json::from_str(&body).context("an answer is not understood")?;
        Ok(answer.timings_ms)
    }
}
