//! Package clients: packages are asked for by name, and where they come from is the client's own setting.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::AssetError;
use super::manifest::{Client, Package};

/// How often the progress bar moves.
const TICK: Duration = Duration::from_millis(100);
/// How many lines of a failed client are repeated.
const LAST_LINES: usize = 3;

/// Fetches a package into a folder of its own below `staging` and returns its file.
///
/// # Errors
/// [`AssetError`] where no client is installed, or the client fails.
pub(super) fn fetch(package: &Package, staging: &Path, root: &Path) -> Result<PathBuf, AssetError> {
    let download = staging.join("download");
    let scratch = staging.join("scratch");
    for folder in [&download, &scratch] {
        fs::create_dir_all(folder).map_err(AssetError::io("create", folder))?;
    }
    let mut command = installed_client(package, staging, root)?;
    match &package.client {
        Client::Npm => npm_pack(&mut command, package, &download, &scratch),
        Client::Pip(platform) => pip_download(&mut command, package, platform, &download),
    }
    // The clients write here first, so that what they have received so far can be seen.
    command.env("TMPDIR", &scratch).current_dir(staging);
    run(command, package, staging, root)?;
    only_file(&download).ok_or_else(|| AssetError::NothingFetched {
        command: asked_for(package),
    })
}

fn npm_pack(command: &mut Command, package: &Package, download: &Path, cache: &Path) {
    command
        .args(["pack", "--ignore-scripts", "--loglevel=error"])
        .args([
            "--fetch-retry-mintimeout=1000",
            "--fetch-retry-maxtimeout=5000",
        ])
        .arg("--cache")
        .arg(cache)
        .arg("--pack-destination")
        .arg(download)
        .arg(format!("{}@{}", package.name, package.version));
}

fn pip_download(command: &mut Command, package: &Package, platform: &str, download: &Path) {
    command
        .args([
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "--no-cache-dir",
        ])
        .args([
            "--progress-bar=off",
            "--disable-pip-version-check",
            "--no-input",
        ])
        .args([
            "--python-version=3.11",
            "--implementation=cp",
            "--abi=cp311",
        ])
        .args(["--platform", platform, "--dest"])
        .arg(download)
        .arg(format!("{}=={}", package.name, package.version));
}

/// The first client that is installed and works.
fn installed_client(package: &Package, staging: &Path, root: &Path) -> Result<Command, AssetError> {
    let candidates: &[&[&str]] = match package.client {
        Client::Npm => &[&["npm"]],
        Client::Pip(_) => &[
            &["python3", "-m", "pip"],
            &["pip3"],
            &["python", "-m", "pip"],
            &["pip"],
        ],
    };
    let command = |words: &[&str]| {
        let mut command = Command::new(words[0]);
        // Other people's programs need not know our secrets.
        command
            .env_remove("LIKENESS_JWT_SECRET")
            .env_remove("LIKENESS_TEMPLATE_KEY")
            .env_remove("LIKENESS_TEMPLATE_KEY_BEFORE")
            .env_remove("LIKENESS_IMAGE_KEY")
            .env_remove("LIKENESS_IMAGE_KEY_BEFORE")
            .env_remove("DATABASE_URL");
        // Not the caller's folder: Python would import a `pip.py` that lies there.
        command
            .args(&words[1..])
            .current_dir(staging)
            .stdin(Stdio::null());
        command
    };
    let works = |words: &&&[&str]| {
        let version = command(words).arg("--version").output();
        version.is_ok_and(|output| output.status.success())
    };
    match candidates.iter().find(works) {
        Some(words) => Ok(command(words)),
        None => Err(AssetError::ClientMissing {
            package: format!("{} {}", package.name, package.version),
            tried: candidates
                .iter()
                .map(|words| words.join(" "))
                .collect::<Vec<_>>()
                .join(", "),
            root: root.to_owned(),
        }),
    }
}

/// Runs a client to its end with a progress bar, which hides itself where there is no terminal.
fn run(
    mut command: Command,
    package: &Package,
    staging: &Path,
    root: &Path,
) -> Result<(), AssetError> {
    let log_path = staging.join("client.log");
    let log = File::create(&log_path).map_err(AssetError::io("create", &log_path))?;
    let log_too = log
        .try_clone()
        .map_err(AssetError::io("write", &log_path))?;
    let start_failed = AssetError::io("run", Path::new(command.get_program()));
    let mut child = command
        .stdout(log)
        .stderr(log_too)
        .spawn()
        .map_err(start_failed)?;

    let bar = ProgressBar::new(package.download_bytes).with_style(bar_style());
    bar.set_prefix(format!("{} {}", package.name, package.version));
    let status = loop {
        let ended = child
            .try_wait()
            .map_err(AssetError::io("wait for the client of", staging))?;
        if let Some(status) = ended {
            break status;
        }
        bar.set_position(bytes_below(staging).min(package.download_bytes));
        thread::sleep(TICK);
    };
    bar.finish_and_clear();
    if status.success() {
        return Ok(());
    }
    Err(AssetError::ClientFailed {
        command: asked_for(package),
        status,
        last_words: last_words(&fs::read_to_string(&log_path).unwrap_or_default()),
        root: root.to_owned(),
    })
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix:36} {bar:30} {bytes:>10} of {total_bytes}, {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The request in short, for messages.
fn asked_for(package: &Package) -> String {
    let Package { name, version, .. } = package;
    match package.client {
        Client::Npm => format!("npm pack {name}@{version}"),
        Client::Pip(_) => format!("pip download {name}=={version}"),
    }
}

fn last_words(output: &str) -> String {
    let mut lines: Vec<&str> = output
        .lines()
        .rev()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .take(LAST_LINES)
        .collect();
    lines.reverse();
    lines.join(" / ")
}

fn only_file(folder: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(folder).ok()?.flatten();
    let file = entries.next()?.path();
    entries.next().is_none().then_some(file)
}

fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let size_of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
        Ok(metadata) => metadata.len(),
        // A client's temporary file that has just gone.
        Err(_) => 0,
    };
    entries.map(size_of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_clients_output_is_kept_without_blank_lines() {
        assert_eq!(last_words("a\nb\n\n c \n\nd\n"), "b / c / d");
        assert_eq!(last_words(""), "");
    }
}
