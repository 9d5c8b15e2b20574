//! The pages as people use them: a real browser with a camera, the service as it is run, and the real models.
//!
//! They need Chromium and its driver. Where these are not installed the tests say so and pass; `BROWSER_TESTS=required`
//! makes that a failure. Pictures of what was seen are left in `target/tmp/browser`.

#![expect(clippy::unwrap_used, reason = "a test fails where an unwrap does")]

mod camera;
mod challenge;
mod console;
mod demo;
mod driver;
mod film;
mod keyboard;
mod reviews;
mod service;
mod swagger;

#[expect(dead_code, reason = "nobody bends a print before this camera")]
#[path = "../support/head.rs"]
mod head;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/token_rules.rs"]
mod token_rules;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use driver::Browser;
use service::Service;
use tokio::sync::{Mutex, MutexGuard};

/// A service and a browser. One at a time: models and browser share few cores.
struct World {
    // Goes first: the service waits for its connections.
    browser: Browser,
    service: Service,
    _turn: MutexGuard<'static, ()>,
}

impl World {
    /// None where there is no browser, which is said.
    async fn start() -> Option<Self> {
        static TURN: Mutex<()> = Mutex::const_new(());
        for program in ["chromium", "chromedriver"] {
            if !is_installed(program) {
                let required =
                    std::env::var("BROWSER_TESTS").is_ok_and(|value| value == "required");
                assert!(!required, "{program} is not installed, and is required");
                eprintln!("SKIPPED: {program} is not installed, so no page was tried in a browser");
                return None;
            }
        }
        let turn = TURN.lock().await;
        let service = Service::start(&support::database().await).await;
        let browser = Browser::start(camera::still(&fixture("obama.jpg"))).await;
        Some(Self {
            service,
            browser,
            _turn: turn,
        })
    }

    async fn open(&self, path: &str) {
        self.browser.open(&self.service.url(path)).await;
    }

    /// Signs in on one of our pages.
    async fn sign_in(&self) {
        self.browser.write("textarea", &service::token()).await;
        self.browser.press("form button.main").await;
        self.browser
            .wait_for("!document.querySelector('#sign-in')")
            .await;
    }
}

fn is_installed(program: &str) -> bool {
    let version = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}
