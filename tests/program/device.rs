//! A graphics processor that is asked for and not there.

use reqwest::StatusCode;

use crate::service::Service;

#[tokio::test]
async fn without_cuda_models_run_on_the_cpu_and_the_log_says_so_once() {
    let service = Service::start(&[("LIKENESS_DEVICE", "cuda"), ("LIKENESS_WORKERS", "2")]).await;
    let (request, form) = service.verification();
    let answer = request.multipart(form).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let log = service.stop();
    let lines = |what: &str| -> Vec<_> { log.iter().filter(|line| line.contains(what)).collect() };
    let warnings = lines("\"level\":\"WARN\"");
    let told = "models cannot run on the graphics processor and run on the CPU instead";
    assert_eq!(lines(told).len(), 1, "{log:#?}");
    assert!(lines(told)[0].contains("built without CUDA"));
    let about_cuda = warnings
        .iter()
        .filter(|line| line.to_lowercase().contains("cuda"));
    assert_eq!(about_cuda.count(), 1, "{warnings:#?}");
    let loaded = lines("the models are loaded");
    assert!(loaded[0].contains("\"device\":\"cpu\""), "{loaded:?}");
}
