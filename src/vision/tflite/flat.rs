//! FlatBuffers, as far as TensorFlow Lite needs them, read within the bounds of the bytes.
//!
//! A table begins with the distance back to its list of fields, which says where in the table each field lies. A field
//! that is not in the list has its default; a field of a longer kind holds the distance to where that lies.

/// The bytes say something that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// A table within the bytes of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where each field lies from the table's start, two bytes each; 0 for one that is not there.
    fields: &'a [u8],
}

impl<'a> Table<'a> {
    /// The table that a file begins with.
    pub(super) fn root(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Self::at(bytes, target(bytes, 0)?)
    }

    fn at(bytes: &'a [u8], at: usize) -> Result<Self, Malformed> {
        let back = i32::from_le_bytes(array(bytes, at)?);
        let list = i64::try_from(at).map_err(|_| Malformed)? - i64::from(back);
        let list = usize::try_from(list).map_err(|_| Malformed)?;
        let length = usize::from(u16::from_le_bytes(array(bytes, list)?));
        // The first four bytes are two lengths, of the list and of the table.
        let fields = bytes.get(list..).and_then(|list| list.get(4..length));
        Ok(Self {
            bytes,
            at,
            fields: fields.ok_or(Malformed)?,
        })
    }

    /// Where a field lies.
    fn field(&self, index: usize) -> Option<usize> {
        let distance = array(self.fields, 2 * index).map(u16::from_le_bytes);
        let distance = distance.ok().filter(|distance| *distance != 0)?;
        Some(self.at + usize::from(distance))
    }

    fn fixed<const N: usize>(&self, index: usize) -> Result<Option<[u8; N]>, Malformed> {
        let at = self.field(index);
        at.map(|at| array(self.bytes, at)).transpose()
    }

    /// A number of one byte.
    pub(super) fn byte(&self, index: usize, default: u8) -> Result<u8, Malformed> {
        Ok(self.fixed(index)?.map_or(default, u8::from_le_bytes))
    }

    /// A number of four bytes, which has to be at least 0.
    pub(super) fn number(&self, index: usize, default: usize) -> Result<usize, Malformed> {
        let number = self.fixed(index)?.map(u32::from_le_bytes);
        number.map_or(Ok(default), whole)
    }

    /// A table within the table.
    pub(super) fn table(&self, index: usize) -> Result<Option<Self>, Malformed> {
        let Some(at) = self.field(index) else {
            return Ok(None);
        };
        Self::at(self.bytes, target(self.bytes, at)?).map(Some)
    }

    /// A list of bytes, empty where it is not there.
    pub(super) fn bytes(&self, index: usize) -> Result<&'a [u8], Malformed> {
        self.list(index, 1).map(|(_, bytes)| bytes)
    }

    /// A list of numbers that are at least 0.
    pub(super) fn numbers(&self, index: usize) -> Result<Vec<usize>, Malformed> {
        let (_, numbers) = self.list(index, 4)?;
        let numbers = numbers.as_chunks().0.iter();
        numbers.map(|n| whole(u32::from_le_bytes(*n))).collect()
    }

    /// A list of tables.
    pub(super) fn tables(&self, index: usize) -> Result<Vec<Self>, Malformed> {
        let (at, distances) = self.list(index, 4)?;
        let places = (at..at + distances.len()).step_by(4);
        places
            .map(|place| Self::at(self.bytes, target(self.bytes, place)?))
            .collect()
    }

    /// Where a list's items of so many bytes lie, and the items.
    fn list(&self, index: usize, size: usize) -> Result<(usize, &'a [u8]), Malformed> {
        let Some(field) = self.field(index) else {
            return Ok((0, &[]));
        };
        let at = target(self.bytes, field)?;
        let count = whole(u32::from_le_bytes(array(self.bytes, at)?))?;
        let length = count.checked_mul(size).ok_or(Malformed)?;
        let items = self.bytes.get(at + 4..).and_then(|rest| rest.get(..length));
        items.map(|items| (at + 4, items)).ok_or(Malformed)
    }
}

/// Where a distance that lies somewhere leads to.
fn target(bytes: &[u8], at: usize) -> Result<usize, Malformed> {
    let distance = whole(u32::from_le_bytes(array(bytes, at)?))?;
    at.checked_add(distance).ok_or(Malformed)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Malformed> {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk);
    found.copied().ok_or(Malformed)
}

/// A number that would not be negative with a sign either: no file is as long.
fn whole(number: u32) -> Result<usize, Malformed> {
    let signed = i32::try_from(number).map_err(|_| Malformed)?;
    usize::try_from(signed).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table with a byte, a number, a list of two numbers and no more.
    const FILE: &[u8] = &[
        16, 0, 0, 0, // the root table is 16 bytes from here
        10, 0, 13, 0, // the list of fields has 10 bytes, the table 13
        12, 0, 4, 0, 8, 0, // where the three fields lie
        0, 0, // nothing
        12, 0, 0, 0, // the list is 12 bytes before
        7, 0, 0, 0, // the number
        8, 0, 0, 0, // the list of numbers is 8 bytes from here
        5, 0, 0, 0, // the byte
        2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, // two numbers
    ];

    #[test]
    fn fields_are_found_and_others_have_their_defaults() {
        let table = Table::root(FILE).unwrap();
        assert_eq!(table.byte(0, 9), Ok(5));
        assert_eq!(table.number(1, 9), Ok(7));
        assert_eq!(table.numbers(2), Ok(vec![1, 3]));
        assert_eq!(table.bytes(2), Ok(&[1, 0][..]));
        assert_eq!((table.byte(3, 9), table.number(4, 8)), (Ok(9), Ok(8)));
        assert_eq!(table.numbers(5), Ok(Vec::new()));
        assert!(table.table(6).unwrap().is_none());
    }

    #[test]
    fn what_leads_out_of_the_bytes_is_malformed() {
        let read = |bytes: &[u8]| -> Result<(), Malformed> {
            let table = Table::root(bytes)?;
            table.byte(0, 0)?;
            table.number(1, 0)?;
            table.numbers(2)?;
            Ok(())
        };
        assert_eq!(read(FILE), Ok(()));
        for length in 0..FILE.len() {
            assert_eq!(read(&FILE[..length]), Err(Malformed), "{length}");
        }
        for at in 0..FILE.len() {
            let mut broken = FILE.to_vec();
            broken[at] = 0xFF;
            // An answer or an error, and no panic.
            let _ = read(&broken);
            let table = Table::root(&broken);
            let _ = table.and_then(|table| table.tables(2).map(drop));
            let _ = table.and_then(|table| table.table(1).map(drop));
        }
    }
}
