//! The directory of a ZIP, looked at before a library is let at it: how much there is, and what is there twice.

use std::cell::Cell;
use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

/// Most entries of an archive. Each takes some hundred bytes of memory while it is read.
pub(super) const MAX_ENTRIES: u64 = 200_000;
/// Most bytes that reading the directory may take, names and comments included.
pub(super) const MAX_DIRECTORY_BYTES: u64 = 64 * 1024 * 1024;

/// Where the record at the end may begin: its length, and that of the longest comment behind it.
const TAIL_BYTES: u64 = 22 + 65_535 + 4;
const END: &[u8] = b"PK\x05\x06";
const END_64_LOCATOR: &[u8] = b"PK\x06\x07";
const END_64: &[u8] = b"PK\x06\x06";
const ENTRY: &[u8] = b"PK\x01\x02";

/// The most entries that any record at the end of the file claims: whichever of them a reader takes, it reserves
/// memory for no more.
pub(super) fn claimed_entries(file: &mut (impl Read + Seek)) -> io::Result<u64> {
    let length = file.seek(SeekFrom::End(0))?;
    // The locator stands before the record.
    let start = length.saturating_sub(TAIL_BYTES + 20);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES + 20).read_to_end(&mut tail)?;
    let mut most = 0;
    for at in 0..tail.len() {
        if tail[at..].starts_with(END) {
            most = most.max(u16_at(&tail, at + 10).into());
        } else if tail[at..].starts_with(END_64_LOCATOR) {
            most = most.max(claimed_at(file, u64_at(&tail, at + 8))?);
        }
    }
    Ok(most)
}

/// What the record of a large archive says, if there is one.
fn claimed_at(file: &mut (impl Read + Seek), at: u64) -> io::Result<u64> {
    let mut record = Vec::new();
    // An offset beyond what can be sought to is one without a record.
    if file.seek(SeekFrom::Start(at)).is_ok() {
        file.take(56).read_to_end(&mut record)?;
    }
    Ok(if record.starts_with(END_64) {
        u64_at(&record, 32)
    } else {
        0
    })
}

/// Names that several entries of the directory have.
pub(super) fn repeated_names(
    file: &mut (impl Read + Seek),
    directory_start: u64,
) -> io::Result<HashSet<Vec<u8>>> {
    file.seek(SeekFrom::Start(directory_start))?;
    let (mut seen, mut repeated) = (HashSet::new(), HashSet::new());
    let mut head = [0; 46];
    while file.read_exact(&mut head).is_ok() && head.starts_with(ENTRY) {
        let [name, extra, comment] = [28, 30, 32].map(|at| u64::from(u16_at(&head, at)));
        let mut text = Vec::new();
        file.by_ref().take(name).read_to_end(&mut text)?;
        io::copy(&mut file.by_ref().take(extra + comment), &mut io::sink())?;
        if !seen.insert(text.clone()) {
            repeated.insert(text);
        }
    }
    Ok(repeated)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let bytes = bytes.get(at..at + 2).and_then(|two| two.try_into().ok());
    bytes.map_or(0, u16::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let bytes = bytes
        .get(at..at + 8)
        .and_then(|eight| eight.try_into().ok());
    bytes.map_or(0, u64::from_le_bytes)
}

/// A reader that gives out no more than its budget, which may be lifted later.
pub(super) struct Metered<R> {
    inner: R,
    budget: Rc<Cell<u64>>,
}

impl<R> Metered<R> {
    pub(super) fn new(inner: R, budget: u64) -> (Self, Rc<Cell<u64>>) {
        let budget = Rc::new(Cell::new(budget));
        let lift = Rc::clone(&budget);
        (Self { inner, budget }, lift)
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let left = self.budget.get().checked_sub(read as u64);
        self.budget
            .set(left.ok_or_else(|| io::Error::other("the directory is too large"))?);
        Ok(read)
    }
}

impl<R: Seek> Seek for Metered<R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.inner.seek(position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_record_that_claims_millions_is_seen_wherever_it_stands() {
        let mut file = b"PK\x06\x06".to_vec();
        file.resize(32, 0);
        file.extend(93_000_000_u64.to_le_bytes());
        file.resize(56, 0);
        file.extend(END_64_LOCATOR);
        file.extend([0; 4]);
        file.extend(0_u64.to_le_bytes());
        file.extend([0; 4]);
        file.extend(END);
        file.extend([0; 18]);
        assert_eq!(
            claimed_entries(&mut Cursor::new(&file)).unwrap(),
            93_000_000
        );
        file.extend(b"PK\x05\x06");
        file.extend([0; 18]);
        assert_eq!(
            claimed_entries(&mut Cursor::new(&file)).unwrap(),
            93_000_000
        );
        assert_eq!(claimed_entries(&mut Cursor::new(b"PK")).unwrap(), 0);
    }

    #[test]
    fn a_budget_is_kept_until_it_is_lifted() {
        let (mut reader, lift) = Metered::new(Cursor::new([0; 100]), 10);
        let mut ten = [0; 10];
        reader.read_exact(&mut ten).unwrap();
        assert!(reader.read_exact(&mut ten).is_err());
        lift.set(u64::MAX);
        reader.read_exact(&mut ten).unwrap();
    }
}
