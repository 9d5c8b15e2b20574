//! A limit on memory, with bombs in flight: the real program lives, and good pictures are answered.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use futures_util::future::join_all;
use image::{GrayImage, ImageFormat};
use likeness::postgres::EmbeddedPostgres;
use reqwest::Method;
use reqwest::multipart::{Form, Part};

use crate::client::{Client, Outcome};
use crate::process::{Place, Service, fixture, program};

const BOMBS: usize = 64;
/// What may be taken beyond the steady state.
const MARGIN_PERCENT: u64 = 20;
const WORKERS: &str = "2";
/// For all of them, one after the other, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// A control group of our own, below the one that we are in.
struct Group {
    folder: PathBuf,
    limit: &'static str,
}

impl Group {
    /// None where none can be made.
    fn new() -> Option<Self> {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let find = |controller: &str| {
            groups.lines().find_map(|line| {
                let mut parts = line.splitn(3, ':').skip(1);
                (parts.next()? == controller).then(|| parts.next().map(str::to_owned))?
            })
        };
        let (own, limit) = match find("memory") {
            Some(path) => (
                format!("/sys/fs/cgroup/memory{path}"),
                "memory.limit_in_bytes",
            ),
            None => (format!("/sys/fs/cgroup{}", find("")?), "memory.max"),
        };
        let folder = Path::new(&own).join(format!("likeness-faults-{}", std::process::id()));
        fs::create_dir(&folder).ok()?;
        Some(Self { folder, limit })
    }

    /// From now on.
    fn limit(&self, mebibytes: u64) {
        let limit = (mebibytes << 20).to_string();
        fs::write(self.folder.join(self.limit), limit).unwrap();
    }

    /// A shell that joins the group and becomes the program.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", "echo $$ > \"$0/cgroup.procs\" && exec \"$1\" serve"])
            .arg(&self.folder)
            .arg(program);
        command
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.folder);
    }
}

/// As many pixels as are taken, of which each row is the same.
fn largest() -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let picture = GrayImage::from_fn(7_000, 7_000, |x, _| image::Luma([(x % 251) as u8]));
    picture.write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

/// The same file, which says that it is much larger.
fn lying(mut png: Vec<u8>, side: u32) -> Vec<u8> {
    png[16..20].copy_from_slice(&side.to_be_bytes());
    png[20..24].copy_from_slice(&side.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&png[12..29]);
    png[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    png
}

async fn detect(client: &Client, picture: Vec<u8>) -> Outcome {
    let form = Form::new().part("image", Part::bytes(picture));
    let request = client.request(Method::POST, "/v1/faces/detect");
    client.send(request.multipart(form)).await
}

fn peak_mib(service: &Service) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", service.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn within_a_fifth_more_than_the_steady_state_sixty_four_bombs_end_nothing() {
    let Some(group) = Group::new() else {
        eprintln!("skipped: no control group can be made here");
        return;
    };
    let database = EmbeddedPostgres::start_scratch(&program()).unwrap();
    let place = Place::new().with_database(database.url());
    let mut command = group.command(env!("CARGO_BIN_EXE_likeness"));
    place.settle(&mut command);
    command
        .env("LIKENESS_WORKERS", WORKERS)
        .env("LIKENESS_QUEUE_CAPACITY", "256")
        .env("LIKENESS_REQUEST_DEADLINE_SECONDS", "300");
    let mut service = Service::start_quiet(command, &place).await;
    let client = Client::patient(&format!("http://{}", place.listen), PATIENCE);
    let good = fixture("obama.jpg");
    let heavy = largest();
    // Steady: every worker has looked at good pictures, and at as large a one as is taken.
    for picture in [&good, &heavy, &good] {
        let round = (0..4).map(|_| detect(&client, picture.clone()));
        for answer in join_all(round).await {
            answer.done();
        }
    }
    let steady = peak_mib(&service);
    let limit = steady + steady * MARGIN_PERCENT / 100;
    group.limit(limit);
    let bombs: Vec<Vec<u8>> = (0..BOMBS)
        .map(|number| match number % 8 {
            // Taken, and as heavy as the limits allow: it takes its time in a build for tests.
            0 => heavy.clone(),
            1 => lying(heavy.clone(), 7_001),
            2 => heavy[..heavy.len() / 2].to_vec(),
            _ => lying(heavy.clone(), 65_000),
        })
        .collect();
    let thrown = join_all(bombs.into_iter().map(|bomb| detect(&client, bomb)));
    let asked = join_all((0..8).map(|_| detect(&client, good.clone())));
    let (bombs, answers) = tokio::join!(thrown, asked);
    let peak = peak_mib(&service);
    eprintln!(
        "{BOMBS} bombs within {limit} MiB: {steady} MiB in the steady state, {peak} MiB at most"
    );
    assert!(service.runs(), "it was ended");
    for answer in answers {
        let faces = answer.done();
        assert_eq!(faces["faces"].as_array().unwrap().len(), 1, "{faces}");
    }
    for bomb in bombs {
        let told = match &bomb {
            Outcome::Done(_) => true,
            Outcome::Wrong(said) => said.starts_with('4'),
            Outcome::Refused(_) | Outcome::NotSent | Outcome::Broken => false,
        };
        assert!(told, "{bomb:?}");
    }
    assert!(service.stop().await.0.success());
}
