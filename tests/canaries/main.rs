//! Nothing personal leaks: the service as it is run, at log level trace, is sent secrets in every way there is, and then
//! every log line, answer, metric and span is searched for them.

#![expect(clippy::unwrap_used, reason = "a test fails where an unwrap does")]

mod conversation;
mod coverage;
mod scanner;
mod secrets;
mod service;

#[path = "../support/collector.rs"]
mod collector;
#[path = "../support/http2.rs"]
mod http2;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/token_rules.rs"]
mod token_rules;

use std::collections::BTreeMap;

use collector::Collector;
use conversation::Conversation;
use coverage::untouched;
use scanner::{Finding, Scanner};
use secrets::Secrets;
use service::Service;

#[tokio::test]
async fn nothing_personal_is_logged_measured_or_told_to_others() {
    let database = support::database().await;
    let secrets = Secrets::new();
    let collector = Collector::start();
    let service = Service::start(&database, &secrets, &collector.url).await;
    assert!(!service.dumps_core());
    let mut talk = Conversation::new(&service, &secrets, &database);
    talk.everything().await;
    let (answers, templates) = talk.finish();
    assert!(templates.len() >= 12, "faces were enrolled");
    let logs = service.stop();
    let server_log = service::postgres_log(&database).await;

    let never = Scanner::new(secrets.never(&templates));
    let foreign = Scanner::new(secrets.all(&templates));
    let mut findings: Vec<Finding> = Vec::new();
    for line in logs.iter().chain(&server_log) {
        findings.extend(foreign.search("log", line.as_bytes()));
    }
    let traces = collector.sent();
    for sent in &traces {
        findings.extend(foreign.search("traces", &sent.body));
    }
    for answer in &answers {
        // A record is told to whoever made it; tokens, pictures and templates to nobody.
        let scanner = if answer.is_own_record {
            &never
        } else {
            &foreign
        };
        findings.extend(scanner.search(&answer.about, &answer.head));
        findings.extend(scanner.search(&answer.about, &answer.body));
    }
    assert!(
        findings.is_empty(),
        "{:#?}",
        &findings[..findings.len().min(20)]
    );

    // What was searched is what there was to find.
    let traced: usize = traces.iter().map(|sent| sent.body.len()).sum();
    assert!(traced > 50_000, "{traced} bytes of traces");
    assert_eq!(untouched(&answers), [""; 0], "every operation is used");
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for answer in &answers {
        *statuses.entry(answer.status).or_default() += 1;
    }
    for status in [
        200, 201, 202, 204, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503,
    ] {
        assert!(
            statuses.contains_key(&status),
            "no {status} in {statuses:?}"
        );
    }
    let at_trace = logs
        .iter()
        .filter(|line| line.contains("\"level\":\"TRACE\""));
    assert!(at_trace.count() > 100, "the log level is trace");
    assert!(
        answers
            .iter()
            .any(|answer| answer.is_own_record && !foreign.search("", &answer.body).is_empty()),
        "the scanner sees what is there"
    );
    eprintln!(
        "searched {} log lines of the service, {traced} bytes of traces, {} log lines of its database and {} answers ({statuses:?}) for {} forms of secrets",
        logs.len(),
        server_log.len(),
        answers.len(),
        foreign.forms()
    );
}
