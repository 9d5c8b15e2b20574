//! A browser, spoken to as W3C WebDriver has it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

/// How long anything may take, inference without optimisation included.
const PATIENCE: Duration = Duration::from_secs(150);
/// How long an element may be about to be drawn.
const RETRIES: Duration = Duration::from_secs(10);
/// The keys that have a name, as the standard writes them.
pub const TAB: &str = "\u{E004}";
pub const ENTER: &str = "\u{E007}";
pub const SPACE: &str = " ";
/// More than there are on any page.
const MOST_TABS: usize = 40;
/// Of the window.
const HEIGHT: u64 = 800;
/// The name of an element's id, as the standard has it.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const FLAGS: [&str; 7] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
];

pub struct Browser {
    client: Client,
    session: String,
    driver: Child,
    _video: NamedTempFile,
}

impl Browser {
    /// A window of its own, whose camera shows the video.
    pub async fn start(video: NamedTempFile) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let mut lines = lines.map(Result::unwrap);
        let port = lines.find_map(|line| {
            let rest = line.split_once("successfully on port ")?.1;
            Some(rest.trim_end_matches('.').to_owned())
        });
        // It goes on being read, since the driver may have more to say.
        std::thread::spawn(move || lines.for_each(drop));
        let capture = format!(
            "--use-file-for-fake-video-capture={}",
            video.path().display()
        );
        let mut flags = FLAGS.to_vec();
        flags.extend([capture.as_str(), "--window-size=1200,900"]);
        let mut browser = Self {
            client: Client::new(),
            session: format!("http://127.0.0.1:{}/session", port.unwrap()),
            driver,
            _video: video,
        };
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "timeouts": {"script": PATIENCE.as_millis(), "pageLoad": PATIENCE.as_millis()},
            "goog:chromeOptions": {"args": flags},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let made = browser.send("", wanted).await;
        browser.session += &format!("/{}", made["sessionId"].as_str().unwrap());
        browser
    }

    async fn try_send(&self, path: &str, body: &Value) -> Result<Value, String> {
        let request = self.client.post(format!("{}{path}", self.session));
        let answer = request.json(body).timeout(PATIENCE).send().await.unwrap();
        let is_good = answer.status().is_success();
        let mut answer: Value = answer.json().await.unwrap();
        if is_good {
            Ok(answer["value"].take())
        } else {
            Err(format!("{path}: {}", answer["value"]["message"]))
        }
    }

    async fn send(&self, path: &str, body: Value) -> Value {
        self.try_send(path, &body).await.unwrap()
    }

    pub async fn open(&self, url: &str) {
        self.send("/url", json!({"url": url})).await;
    }

    /// What a script returns.
    pub async fn run(&self, script: &str, arguments: Value) -> Value {
        self.send(
            "/execute/sync",
            json!({"script": script, "args": arguments}),
        )
        .await
    }

    /// The value of an expression.
    pub async fn value(&self, expression: &str) -> Value {
        self.run(&format!("return {expression}"), json!([])).await
    }

    /// Does something to an element, again where the page was just drawn anew or still moves.
    async fn act(&self, css: &str, what: &str, body: Value) {
        let found = json!({"using": "css selector", "value": css});
        let started = Instant::now();
        loop {
            self.wait_for(&format!("document.querySelector({css:?})"))
                .await;
            // Away from the edges, where the head of the page may lie over it.
            let centre = "document.querySelector(arguments[0])?.scrollIntoView({block: 'center'})";
            self.run(centre, json!([css])).await;
            let done = match self.try_send("/element", &found).await {
                Ok(element) => {
                    let id = element[ELEMENT].as_str().unwrap();
                    self.try_send(&format!("/element/{id}/{what}"), &body).await
                }
                Err(gone) => Err(gone),
            };
            match done {
                Ok(_) => return,
                Err(error) if started.elapsed() > RETRIES => panic!("{css}: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    }

    pub async fn press(&self, css: &str) {
        self.act(css, "click", json!({})).await;
    }

    /// Types into a field, or names the files that a person would choose.
    pub async fn write(&self, css: &str, text: &str) {
        self.act(css, "value", json!({"text": text})).await;
    }

    /// Waits until an expression holds.
    #[track_caller]
    pub fn wait_for(&self, expression: &str) -> impl Future<Output = ()> {
        let from = std::panic::Location::caller();
        let expression = expression.to_owned();
        async move {
            let started = Instant::now();
            let holds = format!("Boolean({expression})");
            while self.value(&holds).await != json!(true) {
                if started.elapsed() > PATIENCE {
                    self.picture("stuck").await;
                    let text = self.value("document.body.innerText").await;
                    panic!("{from}: {expression} does not come true; the page says {text}");
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    /// Takes away what stands in a field.
    pub async fn empty(&self, css: &str) {
        self.act(css, "clear", json!({})).await;
    }

    /// Presses keys, as somebody without a mouse does: a text, or one of the keys that have a name here.
    pub async fn type_keys(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|key| {
            ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key.to_string()}))
        });
        let strokes: Vec<_> = strokes.collect();
        let actions = json!({"actions": [{"type": "key", "id": "keys", "actions": strokes}]});
        self.send("/actions", actions).await;
    }

    /// Goes on by Tab until an element has the focus.
    pub async fn tab_to(&self, css: &str) {
        let has_focus = format!("document.activeElement?.matches({css:?})");
        self.wait_for(&format!("document.querySelector({css:?})"))
            .await;
        for _ in 0..MOST_TABS {
            self.type_keys(TAB).await;
            if self.value(&has_focus).await == json!(true) {
                return;
            }
        }
        panic!("{css} is not reached by Tab");
    }

    /// The text of an element.
    pub async fn text(&self, css: &str) -> String {
        let text = self
            .run(
                "return document.querySelector(arguments[0])?.innerText",
                json!([css]),
            )
            .await;
        text.as_str().unwrap_or_default().to_owned()
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.send(
            "/goog/cdp/execute",
            json!({"cmd": command, "params": parameters}),
        )
        .await
    }

    async fn resize(&self, width: u64, height: u64) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size)
            .await;
    }

    /// Makes the window a phone's or a desk's, by day or by night.
    pub async fn look(&self, width: u64, scheme: &str) {
        self.resize(width, HEIGHT).await;
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", scheme).await;
    }

    /// Leaves a picture of the whole page.
    pub async fn picture(&self, name: &str) {
        let size = self
            .value("[window.innerWidth, document.documentElement.scrollHeight]")
            .await;
        let [width, height] = [0, 1].map(|index| size[index].as_u64().unwrap());
        self.resize(width, height.max(HEIGHT)).await;
        let taken = self.devtools("Page.captureScreenshot", json!({})).await;
        self.resize(width, HEIGHT).await;
        let bytes = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("browser");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }

    /// Fails where the browser refused a page something, or a script broke. That an answer was a refusal is no fault.
    pub async fn expect_calm(&self) {
        let entries = self.send("/se/log", json!({"type": "browser"})).await;
        let faults: Vec<_> = entries
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["level"] == "SEVERE" && entry["source"] != "network")
            .collect();
        assert!(faults.is_empty(), "{faults:?}");
    }

    /// Fails where something cannot be used with a finger, by ear, on a phone or by night.
    pub async fn expect_usable(&self) {
        for (width, scheme) in [
            (360, "dark"),
            (1200, "dark"),
            (360, "light"),
            (1200, "light"),
        ] {
            self.look(width, scheme).await;
            // Colours change over a moment.
            let settled =
                "document.getAnimations().every((one) => !(one instanceof CSSTransition))";
            self.wait_for(settled).await;
            let wide = "document.documentElement.scrollWidth - window.innerWidth";
            assert!(self.value(wide).await.as_f64().unwrap() <= 0.0, "{width}");
            let faults = self.run(include_str!("usable.js"), json!([])).await;
            assert_eq!(faults, json!([]), "{width} {scheme}");
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The end of its session ends the browser; the driver alone would leave it running.
        let session = std::mem::take(&mut self.session);
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let end = Client::new().delete(session).timeout(RETRIES);
                end.send().await.map_err(std::io::Error::other)
            })
        });
        if !matches!(ended.join(), Ok(Ok(_))) {
            eprintln!("the browser did not end");
        }
        let pid = Pid::from_raw(self.driver.id().try_into().unwrap());
        let _ = kill(pid, Signal::SIGTERM);
        let _ = self.driver.wait();
    }
}
