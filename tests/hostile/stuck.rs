//! A picture over which a worker never comes back.

use std::sync::mpsc;
use std::time::Duration;

use likeness::vision::{
    Analysis, AnalysisRequest, Encoded, Engine, FaceBackend, Replacements, StageTimings,
    VisionError,
};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::app::{Answer, App, Options};
use crate::machine::detect;

/// Waits for ever at `stuck`, panics at `panic`, and finds nobody on anything else.
struct Trapped {
    never: mpsc::Receiver<()>,
    _hold: mpsc::Sender<()>,
}

impl Trapped {
    fn boxed() -> Box<dyn FaceBackend> {
        let (_hold, never) = mpsc::channel();
        Box::new(Self { never, _hold })
    }
}

impl FaceBackend for Trapped {
    fn analyse_shared(
        &mut self,
        encoded: &Encoded,
        _: &AnalysisRequest,
    ) -> Result<Analysis, VisionError> {
        let encoded = encoded.bytes();
        assert_ne!(encoded, b"panic", "as the script says");
        if encoded == b"stuck" {
            let _ = self.never.recv();
        }
        Ok(Analysis {
            width: 1,
            height: 1,
            signature: None,
            faces: Vec::new(),
            zone: None,
            timings: StageTimings::default(),
        })
    }
}

/// One worker, which may take so long for a picture, and so may a request.
async fn app(patience: Duration) -> App {
    let backends = vec![Trapped::boxed()];
    let make = Box::new(|| Ok(Trapped::boxed()));
    let engine = Engine::start_replacing(backends, 16, Replacements { make, patience });
    let options = Options {
        request_deadline: Some(patience),
        ..Options::default()
    };
    App::with_engine(engine, options).await.unwrap()
}

/// Long enough for an answer on a busy machine, short enough to wait for.
const SHORT: Duration = Duration::from_millis(500);

async fn ready(app: &App) -> Answer {
    Answer::of(app.bare(Method::GET, "/readyz")).await
}

#[tokio::test]
async fn a_stuck_worker_is_replaced_its_caller_is_answered_and_readiness_tells() {
    let app = app(SHORT).await;
    let fine = || async { detect(&app, b"fine".to_vec()).await.status };
    while fine().await != StatusCode::OK {}
    let stuck = detect(&app, b"stuck".to_vec()).await;
    stuck.expect_problem(504, "deadline_exceeded");
    while fine().await != StatusCode::OK {}
    let degraded = ready(&app).await.expect(StatusCode::OK);
    assert_eq!(
        degraded,
        json!({"status": "degraded", "parts": ["inference"]})
    );
    let metrics = Answer::of(app.bare(Method::GET, "/metrics")).await;
    let metrics = metrics.expect(StatusCode::OK);
    let metrics = metrics.as_str().unwrap();
    for line in [
        r#"likeness_workers_working{of="faces"} 1"#,
        r#"likeness_workers_stuck{of="faces"} 1"#,
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[tokio::test]
async fn beyond_the_bound_the_service_is_unready_and_refuses_instead_of_waiting() {
    let app = app(SHORT).await;
    for _ in 0..2 {
        let stuck = detect(&app, b"stuck".to_vec()).await;
        stuck.expect_problem(504, "deadline_exceeded");
        // The one after it waits for the successor, or is refused where there is none.
        while detect(&app, b"fine".to_vec()).await.status == StatusCode::GATEWAY_TIMEOUT {}
    }
    let mut refused = detect(&app, b"fine".to_vec()).await;
    while refused.status == StatusCode::GATEWAY_TIMEOUT {
        refused = detect(&app, b"fine".to_vec()).await;
    }
    refused.expect_problem(500, "internal");
    ready(&app).await.expect_problem(503, "unavailable");
    let alive = Answer::of(app.bare(Method::GET, "/healthz")).await;
    assert_eq!(alive.status, StatusCode::OK);
}

#[tokio::test]
async fn a_panicking_worker_is_replaced_and_the_service_is_ready_again() {
    let app = app(Duration::from_secs(60)).await;
    for _ in 0..3 {
        let lost = detect(&app, b"panic".to_vec()).await;
        lost.expect_problem(500, "internal");
        while ready(&app).await.status != StatusCode::OK {}
        assert_eq!(ready(&app).await.body, json!({"status": "ok"}));
    }
}
