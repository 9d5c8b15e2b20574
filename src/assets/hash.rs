//! SHA-256 as lower-case hexadecimal digits.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::domain::hex::hex;

pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(crate) fn of_file(path: &Path) -> io::Result<String> {
    Ok(while_copying(&mut File::open(path)?, &mut io::sink())?.1)
}

/// Copies everything and returns how many bytes there were, and their hash.
pub(super) fn while_copying(from: &mut dyn Read, to: &mut dyn Write) -> io::Result<(u64, String)> {
    let mut hasher = Sha256::new();
    let mut bytes = 0;
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok((bytes, hex(&hasher.finalize()))),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
        bytes += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_standards_example() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_bytes(b"abc"), expected);
        let mut copy = Vec::new();
        let copied = while_copying(&mut b"abc".as_slice(), &mut copy).unwrap();
        assert_eq!(
            (copied, copy.as_slice()),
            ((3, expected.to_owned()), b"abc".as_slice())
        );
    }
}
