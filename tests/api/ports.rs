//! Metrics and pages on a port of their own, or nowhere.

use likeness::config::Http;
use reqwest::{Method, StatusCode};

use crate::app::{Answer, App, Options};

async fn app_with(change: impl FnOnce(&mut Http) + Send + 'static) -> App {
    App::start_with(Options {
        configure: Some(Box::new(|config| change(&mut config.http))),
        ..Options::default()
    })
    .await
}

async fn statuses<const N: usize>(address: &str, paths: [&str; N]) -> [u16; N] {
    let client = reqwest::Client::new();
    let mut statuses = [0; N];
    for (status, path) in statuses.iter_mut().zip(paths) {
        let answer = client.get(format!("{address}{path}")).send().await;
        *status = answer.unwrap().status().as_u16();
    }
    statuses
}

const PATHS: [&str; 8] = [
    "/healthz",
    "/readyz",
    "/v1/watchlists",
    "/metrics",
    "/docs/",
    "/openapi.json",
    "/demo",
    "/pages/demo.js",
];

#[tokio::test]
async fn metrics_and_pages_move_to_the_second_port_and_the_api_does_not() {
    let app = app_with(|http| http.admin_listen = Some(([127, 0, 0, 1], 0).into())).await;
    let admin = app.admin_address.clone().unwrap();
    assert_eq!(
        statuses(&app.address, PATHS).await,
        [200, 200, 401, 404, 404, 404, 200, 200]
    );
    assert_eq!(
        statuses(&admin, PATHS).await,
        [200, 200, 404, 200, 200, 200, 404, 404]
    );
    app.get("/v1/watchlists").await.expect(StatusCode::OK);
    let text = reqwest::get(format!("{admin}/metrics")).await.unwrap();
    let text = text.text().await.unwrap();
    assert!(
        text.contains(r#"route="/v1/watchlists",status="200"} 1"#),
        "{text}"
    );
    // A path that is elsewhere is not there, whatever the method.
    let elsewhere = app.bare(Method::POST, "/metrics");
    Answer::of(elsewhere).await.expect_problem(404, "not_found");
    // The page describes the API, and offers no calls that its port could not answer.
    let document = reqwest::get(format!("{admin}/openapi.json")).await.unwrap();
    let document: serde_json::Value = document.json().await.unwrap();
    assert!(document["paths"]["/v1/verifications"].is_object());
    let setup = reqwest::get(format!("{admin}/docs/swagger-initializer.js")).await;
    let setup = setup.unwrap().text().await.unwrap();
    assert!(setup.contains(r#""supportedSubmitMethods": []"#), "{setup}");
}

#[tokio::test]
async fn metrics_and_pages_can_be_switched_off() {
    let app = app_with(|http| {
        http.docs = false;
        http.metrics = false;
        http.pages = false;
    })
    .await;
    assert_eq!(
        statuses(&app.address, PATHS).await,
        [200, 200, 401, 404, 404, 404, 404, 404]
    );
    let without_metrics = app_with(|http| http.metrics = false).await;
    let document = Answer::of(without_metrics.bare(Method::GET, "/openapi.json")).await;
    let document = document.expect(StatusCode::OK);
    assert!(document["paths"]["/healthz"].is_object());
    assert!(document["paths"]["/metrics"].is_null());
}
