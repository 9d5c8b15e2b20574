//! What the service under test writes to its log, by request.

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

/// The lines of a request.
pub fn lines_of(request_id: &str) -> Vec<Value> {
    let quoted = format!("\"{request_id}\"");
    let lines = LINES.lock().unwrap();
    let lines = lines
        .iter()
        .map(|line| std::str::from_utf8(line).unwrap())
        .filter(|line| line.contains(&quoted));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Whether any line holds this text.
pub fn anywhere(text: &str) -> bool {
    let lines = LINES.lock().unwrap();
    lines
        .iter()
        .any(|line| std::str::from_utf8(line).unwrap().contains(text))
}

/// The reason that the one audit line of a request names.
#[track_caller]
pub fn reason_of(request_id: &str) -> String {
    let lines = lines_of(request_id);
    let audit: Vec<&Value> = lines
        .iter()
        .filter(|line| line["target"] == AUDIT_TARGET)
        .collect();
    assert_eq!(audit.len(), 1, "{lines:#?}");
    let fields = audit[0]["fields"].as_object().unwrap();
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    assert_eq!(names, ["audit.event", "audit.reason", "message"]);
    assert_eq!(fields["audit.event"], "token_refused");
    fields["audit.reason"].as_str().unwrap().to_owned()
}
