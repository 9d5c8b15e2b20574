//! The disk runs full under load, and is freed: the volume of the data, and that of the log of writes.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::load::Load;
use crate::process::Place;

const CLIENTS: u64 = 4;
const RECOVERY: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the disk stays full.
const FULL: Duration = Duration::from_secs(4);

/// A small file system, which goes with the test.
struct Volume {
    at: PathBuf,
    kind: &'static str,
}

impl Volume {
    /// A real one in a file where there are loop devices, or else one in memory. None where neither can be mounted.
    fn mount(at: &Path, mebibytes: u32) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let kind = if mount_file(at, mebibytes) {
            "ext4"
        } else if mount_memory(at, mebibytes) {
            "tmpfs"
        } else {
            return None;
        };
        let at = at.to_owned();
        Some(Self { at, kind })
    }

    fn ballast(&self) -> PathBuf {
        self.at.join("ballast")
    }

    /// Takes the last byte that is free.
    fn fill(&self) {
        let zeros = Command::new("dd")
            .args(["if=/dev/zero", "bs=4k"])
            .arg(format!("of={}", self.ballast().display()))
            .output()
            .unwrap();
        assert!(!zeros.status.success(), "there is an end to it");
    }

    fn free(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Lazily: processes that just ended may still have files open.
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Without blocks that only its owner may take: the database may run as somebody else, and has to meet the same end.
fn mount_file(at: &Path, mebibytes: u32) -> bool {
    let file = at.with_extension("ext4");
    let image = fs::File::create(&file).unwrap();
    image.set_len(u64::from(mebibytes) << 20).unwrap();
    let made = succeeds(
        Command::new("mkfs.ext4")
            .args(["-q", "-F", "-m", "0"])
            .arg(&file),
    );
    made && succeeds(Command::new("mount").args(["-o", "loop"]).args([&file, at]))
}

fn mount_memory(at: &Path, mebibytes: u32) -> bool {
    let size = format!("size={mebibytes}m,mode=0755");
    succeeds(
        Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(at),
    )
}

/// Moves the log of writes to a volume of its own.
fn move_log(cluster: &Path, volume: &Path) {
    let (here, there) = (cluster.join("pg_wal"), volume.join("pg_wal"));
    let copied = Command::new("cp").arg("-a").arg(&here).arg(&there).status();
    assert!(copied.unwrap().success());
    let owner = fs::metadata(cluster).unwrap();
    std::os::unix::fs::chown(volume, Some(owner.uid()), Some(owner.gid())).unwrap();
    fs::remove_dir_all(&here).unwrap();
    std::os::unix::fs::symlink(&there, &here).unwrap();
}

/// Which volume runs full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Full {
    Data,
    Log,
}

async fn survive(full: Full) {
    let folder = tempfile::tempdir().unwrap();
    let (home, log) = (folder.path().join("home"), folder.path().join("log"));
    let volumes = (Volume::mount(&home, 140), Volume::mount(&log, 72));
    let (Some(data_volume), Some(log_volume)) = volumes else {
        eprintln!("skipped: a small file system can only be mounted by root");
        return;
    };
    let place = Place::at(home.clone());
    let service = place.serve();
    assert!(service.stop().await.0.success());
    move_log(&home.join("postgres-data/cluster"), &log);
    let mut service = place.serve();
    let client = place.client();
    let lists = [client.watchlist("door").await];
    let load = Load::start(&client, &lists, CLIENTS);
    load.progress(50, PATIENCE).await;
    let volume = match full {
        Full::Data => &data_volume,
        Full::Log => &log_volume,
    };
    volume.fill();
    tokio::time::sleep(FULL).await;
    volume.free();
    let recovered = load.progress(1, RECOVERY).await;
    load.progress(50, RECOVERY).await;
    assert!(service.runs(), "the service itself needs no restart");
    assert_eq!(client.readiness().await.0, 200);
    let verdict = load.stop().await.check(&client, &lists).await;
    eprintln!(
        "{full:?} volume ({}) full for {FULL:?}: answers {recovered:.1?} after it was freed; {verdict}",
        volume.kind
    );
    verdict.assert_clean();
    assert!(service.stop().await.0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_data_loses_nothing_and_needs_nobody_once_it_is_freed() {
    survive(Full::Data).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_the_log_loses_nothing_and_needs_nobody_once_it_is_freed() {
    survive(Full::Log).await;
}
