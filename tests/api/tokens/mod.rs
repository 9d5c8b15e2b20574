//! Tokens: those that get in, those that do not, and where the keys for telling them apart come from.

pub mod audit;
mod boundaries;
mod closed;
mod corpus;
mod forge;
mod issuer;
mod key_server;
mod one_time;
mod outages;
mod rotation;
mod safe_fetch;

use reqwest::{Method, StatusCode};

use crate::app::{Answer, App};

/// A route that any valid token of [`issuer::claims`] may use.
const PATH: &str = "/v1/watchlists";

async fn answer_to(app: &App, token: &str) -> Answer {
    Answer::of(app.bare(Method::GET, PATH).bearer_auth(token)).await
}

async fn status_of(app: &App, token: &str) -> StatusCode {
    answer_to(app, token).await.status
}
