//! What the service under test writes to its log, by request.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, OnceLock};

use likeness::auth::AUDIT_TARGET;
use serde_json::Value;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Every line of this process, as JSON.
static LINES: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

struct Keep;

impl io::Write for Keep {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap().push(line.to_vec());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Listens to the log from now on.
pub fn listen() {
    static LISTENING: OnceLock<()> = OnceLock::new();
    LISTENING.get_or_init(|| {
        tracing_subscriber::fmt()
            .json()
            .with_env_filter(EnvFilter::new("likeness=trace"))
            .with_writer(|| Keep)
            .finish()
            .init();
    });
}

/// Every line so far, by the id of its request.
pub fn lines_by_request() -> HashMap<String, Vec<Value>> {
    let mut by_request: HashMap<String, Vec<Value>> = HashMap::new();
    for line in LINES.lock().unwrap().iter() {
        let line: Value = serde_json::from_slice(line).unwrap();
        if let Some(id) = line.pointer("/span/request.id").and_then(Value::as_str) {
            by_request.entry(id.to_owned()).or_default().push(line);
        }
    }
    by_request
}

/// The audit lines among some.
pub fn audit_lines(lines: &[Value]) -> Vec<&Value> {
    let audit = |line: &&Value| line["target"] == AUDIT_TARGET;
    lines.iter().filter(audit).collect()
}

/// Whether any line holds this text.
pub fn anywhere(text: &str) -> bool {
    let lines = LINES.lock().unwrap();
    lines
        .iter()
        .any(|line| std::str::from_utf8(line).unwrap().contains(text))
}

/// The reason that the one audit line among a request's lines names.
#[track_caller]
pub fn reason_of(lines: &[Value]) -> String {
    let audit = audit_lines(lines);
    assert_eq!(audit.len(), 1, "{lines:#?}");
    let fields = audit[0]["fields"].as_object().unwrap();
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    assert_eq!(names, ["audit.event", "audit.reason", "message"]);
    assert_eq!(fields["audit.event"], "token_refused");
    fields["audit.reason"].as_str().unwrap().to_owned()
}
