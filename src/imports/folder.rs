//! A folder on its way to the service: the files below it, as a ZIP that is made while it is sent.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use futures_util::{Stream, stream};
use tokio::sync::mpsc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Bytes of a piece that is sent.
const PIECE_BYTES: usize = 256 * 1024;
/// From this size on an entry needs the long form of its header.
const LARGE_FILE_BYTES: u64 = 0xFFFF_0000;

/// One file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// Its path below the folder, with slashes.
    name: String,
    /// Its size when it was looked at.
    pub bytes: u64,
}

/// Every file below a folder in the order of the names, hidden ones left out.
///
/// # Errors
/// Where a folder or a file cannot be looked at.
pub fn files(folder: &Path) -> anyhow::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    collect(folder, "", &mut entries)?;
    Ok(entries)
}

fn collect(folder: &Path, prefix: &str, entries: &mut Vec<Entry>) -> anyhow::Result<()> {
    let cannot = || format!("cannot read {}", folder.display());
    let mut found = fs::read_dir(folder)
        .with_context(cannot)?
        .collect::<Result<Vec<_>, _>>()
        .with_context(cannot)?;
    found.sort_by_key(fs::DirEntry::file_name);
    for entry in found {
        let path = entry.path();
        let name = entry.file_name();
        let name = name
            .to_str()
            .with_context(|| format!("the name of {} is not UTF-8", path.display()))?;
        if name.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}{name}");
        // Links to files are followed; links to folders may lead in circles.
        if entry.file_type().with_context(cannot)?.is_dir() {
            collect(&path, &format!("{name}/"), entries)?;
            continue;
        }
        let metadata =
            fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?;
        if metadata.is_file() {
            let bytes = metadata.len();
            entries.push(Entry { path, name, bytes });
        }
    }
    Ok(())
}

/// The files as a ZIP, piece by piece, made on a thread of its own. A file that cannot be read ends it with an error.
/// `progress` is told the bytes that were read.
pub fn as_zip(
    files: Vec<Entry>,
    progress: impl Fn(u64) + Send + 'static,
) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static {
    let (pieces, mut made) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        let failed = write_zip(&files, &pieces, &progress).err();
        if let Some(error) = failed {
            // Nobody may be listening: then the request has failed already.
            let _ = pieces.blocking_send(Err(error));
        }
    });
    stream::poll_fn(move |context| made.poll_recv(context))
}

fn write_zip(
    files: &[Entry],
    pieces: &mpsc::Sender<io::Result<Vec<u8>>>,
    progress: &impl Fn(u64),
) -> io::Result<()> {
    let sink = Pieces {
        buffer: Vec::new(),
        pieces: pieces.clone(),
    };
    let mut zip = ZipWriter::new_stream(sink);
    for file in files {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(file.bytes >= LARGE_FILE_BYTES);
        zip.start_file(file.name.as_str(), options)?;
        let copied = io::copy(&mut File::open(&file.path)?, &mut zip)?;
        progress(copied);
    }
    zip.finish()?.into_inner().flush()
}

/// Gathers what is written into pieces of some size.
struct Pieces {
    buffer: Vec<u8>,
    pieces: mpsc::Sender<io::Result<Vec<u8>>>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = std::mem::take(&mut self.buffer);
        self.pieces
            .blocking_send(Ok(piece))
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use futures_util::TryStreamExt as _;

    use super::*;

    #[tokio::test]
    async fn a_folder_becomes_the_archive_that_it_could_be() {
        let folder = tempfile::tempdir().unwrap();
        let large = vec![7; 3 * PIECE_BYTES];
        fs::create_dir(folder.path().join("jane")).unwrap();
        fs::write(folder.path().join("jane/1.jpg"), &large).unwrap();
        fs::write(folder.path().join("john.jpg"), b"john").unwrap();
        fs::write(folder.path().join(".hidden"), b"no").unwrap();
        let files = files(folder.path()).unwrap();
        let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["jane/1.jpg", "john.jpg"]);
        let pieces: Vec<_> = as_zip(files, |_| ()).try_collect().await.unwrap();
        assert!(pieces.len() > 2, "it comes in pieces");
        let mut zip = zip::ZipArchive::new(Cursor::new(pieces.concat())).unwrap();
        let mut read = Vec::new();
        zip.by_name("jane/1.jpg")
            .unwrap()
            .read_to_end(&mut read)
            .unwrap();
        assert_eq!(read, large);
        assert_eq!(zip.by_name("john.jpg").unwrap().size(), 4);
    }

    #[tokio::test]
    async fn a_file_that_vanishes_ends_the_archive_with_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        fs::write(&path, b"a").unwrap();
        let files = files(folder.path()).unwrap();
        fs::remove_file(path).unwrap();
        let made: io::Result<Vec<_>> = as_zip(files, |_| ()).try_collect().await;
        assert_eq!(made.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let said = files(Path::new("/nowhere/at/all")).unwrap_err().to_string();
        assert_eq!(said, "cannot read /nowhere/at/all");
    }
}
