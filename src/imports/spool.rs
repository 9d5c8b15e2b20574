//! Bodies on disk: a file that has no name, so that nobody else opens it and a killed process leaves nothing.

use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::path::Path;

/// Bytes that are gathered before a thread writes them.
const BUFFER_BYTES: usize = 512 * 1024;

/// A file that is being filled.
#[derive(Debug)]
pub struct Spool {
    file: Option<File>,
    buffer: Vec<u8>,
    written: u64,
    max_bytes: u64,
}

/// Why a body was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// It is larger than it may be.
    #[error("the body is larger than {0} bytes")]
    TooLarge(u64),
    /// The file system refused it.
    #[error("cannot spool a body")]
    Io(#[from] io::Error),
}

impl Spool {
    pub(super) fn create(folder: &Path, max_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self {
            file: Some(tempfile::tempfile_in(folder)?),
            buffer: Vec::new(),
            written: 0,
            max_bytes,
        })
    }

    /// Bytes so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// True where nothing has come yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// [`SpoolError::TooLarge`] beyond the bound, [`SpoolError::Io`] where the file system refuses.
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), SpoolError> {
        if self.len() + chunk.len() as u64 > self.max_bytes {
            return Err(SpoolError::TooLarge(self.max_bytes));
        }
        self.buffer.extend_from_slice(chunk);
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    /// The whole, to be read from its beginning.
    ///
    /// # Errors
    /// [`SpoolError::Io`] where the file system refuses.
    pub async fn finish(mut self) -> Result<File, SpoolError> {
        self.flush().await?;
        let mut file = self.file.take().ok_or_else(broken)?;
        file.rewind()?;
        Ok(file)
    }

    async fn flush(&mut self) -> Result<(), SpoolError> {
        let buffer = std::mem::take(&mut self.buffer);
        // Gone where an earlier piece was not written to its end.
        let mut file = self.file.take().ok_or_else(broken)?;
        self.written += buffer.len() as u64;
        let written = tokio::task::spawn_blocking(move || file.write_all(&buffer).map(|()| file));
        self.file = Some(written.await.map_err(io::Error::other)??);
        Ok(())
    }
}

fn broken() -> io::Error {
    io::Error::other("an earlier piece was not written")
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[tokio::test]
    async fn what_was_written_is_read_back_and_no_file_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::create(folder.path(), 2_000_000).unwrap();
        let piece: Vec<u8> = (0..=255).cycle().take(700_000).collect();
        spool.write(&piece).await.unwrap();
        spool.write(&piece).await.unwrap();
        assert_eq!(spool.len(), 1_400_000);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            0,
            "it has no name"
        );
        let mut back = Vec::new();
        spool
            .finish()
            .await
            .unwrap()
            .read_to_end(&mut back)
            .unwrap();
        assert_eq!(back, [piece.clone(), piece].concat());
    }

    #[tokio::test]
    async fn one_byte_too_many_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::create(folder.path(), 10).unwrap();
        spool.write(b"0123456789").await.unwrap();
        let refused = spool.write(b"x").await;
        assert!(matches!(refused, Err(SpoolError::TooLarge(10))));
    }
}
