//! Messages in protobuf's wire format, field by field and byte by byte: what is not understood is passed on as it was.

use std::ops::Range;

const VARINT: u8 = 0;
const FIXED_64: u8 = 1;
const LENGTH_DELIMITED: u8 = 2;
const FIXED_32: u8 = 5;

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field<'a> {
    pub number: u64,
    pub value: Value<'a>,
    /// The whole field, key and length included.
    pub raw: &'a [u8],
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Number(u64),
    /// A text, packed numbers or a message.
    Bytes(&'a [u8]),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
}

impl<'a> Field<'a> {
    pub fn bytes(&self) -> Option<&'a [u8]> {
        match self.value {
            Value::Bytes(bytes) => Some(bytes),
            Value::Number(_) | Value::Fixed64(_) | Value::Fixed32(_) => None,
        }
    }
}

/// The fields of a message in their order; none where the bytes are no message.
pub fn fields(mut message: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let (key, after) = varint(message)?;
        let (value, after) = match (key & 7) as u8 {
            VARINT => {
                let (number, after) = varint(after)?;
                (Value::Number(number), after)
            }
            FIXED_64 => {
                let (fixed, after) = after.split_first_chunk()?;
                (Value::Fixed64(*fixed), after)
            }
            FIXED_32 => {
                let (fixed, after) = after.split_first_chunk()?;
                (Value::Fixed32(*fixed), after)
            }
            LENGTH_DELIMITED => {
                let (length, after) = varint(after)?;
                let (bytes, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
                (Value::Bytes(bytes), after)
            }
            // Groups are not in use any more.
            _ => return None,
        };
        fields.push(Field {
            number: key >> 3,
            value,
            raw: &message[..message.len() - after.len()],
        });
        message = after;
    }
    Some(fields)
}

/// Where the bytes of a repeated field lie in a message.
pub fn ranges(message: &[u8], number: u64) -> Option<Vec<Range<usize>>> {
    let mut ranges = Vec::new();
    let mut end = 0;
    for field in fields(message)? {
        end += field.raw.len();
        match field.bytes() {
            Some(bytes) if field.number == number => ranges.push(end - bytes.len()..end),
            _ => {}
        }
    }
    Some(ranges)
}

/// Every value of a repeated field of numbers, packed or not.
pub fn numbers(fields: &[Field<'_>], number: u64) -> Option<Vec<u64>> {
    let mut numbers = Vec::new();
    for field in fields.iter().filter(|field| field.number == number) {
        match field.value {
            Value::Number(value) => numbers.push(value),
            Value::Bytes(mut packed) => {
                while !packed.is_empty() {
                    let (value, after) = varint(packed)?;
                    numbers.push(value);
                    packed = after;
                }
            }
            Value::Fixed64(_) | Value::Fixed32(_) => return None,
        }
    }
    Some(numbers)
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[index + 1..]));
        }
    }
    None
}

/// Writes a field that holds bytes.
pub fn put_bytes(message: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    put_head(message, number, bytes.len());
    message.extend(bytes);
}

/// Writes what goes before the bytes of a field that holds as many.
pub fn put_head(message: &mut Vec<u8>, number: u64, length: usize) {
    put_varint(message, number << 3 | u64::from(LENGTH_DELIMITED));
    put_varint(message, length as u64);
}

/// Writes a field that holds a number.
pub fn put_number(message: &mut Vec<u8>, number: u64, value: u64) {
    put_varint(message, number << 3 | u64::from(VARINT));
    put_varint(message, value);
}

fn put_varint(message: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        message.push(number as u8 | 0x80);
        number >>= 7;
    }
    message.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_every_kind_come_back_as_they_were_written() {
        let mut message = Vec::new();
        put_number(&mut message, 1, 300);
        put_bytes(&mut message, 200, b"text");
        message.extend([3 << 3 | FIXED_64, 1, 2, 3, 4, 5, 6, 7, 8]);
        message.extend([4 << 3 | FIXED_32, 1, 2, 3, 4]);
        let fields = fields(&message).unwrap();
        let values: Vec<_> = fields
            .iter()
            .map(|field| (field.number, field.value))
            .collect();
        assert_eq!(
            values,
            [
                (1, Value::Number(300)),
                (200, Value::Bytes(b"text")),
                (3, Value::Fixed64([1, 2, 3, 4, 5, 6, 7, 8])),
                (4, Value::Fixed32([1, 2, 3, 4])),
            ]
        );
        let raw: Vec<u8> = fields.iter().flat_map(|field| field.raw).copied().collect();
        assert_eq!(raw, message);
        let texts = ranges(&message, 200).unwrap();
        let texts: Vec<_> = texts.into_iter().map(|range| &message[range]).collect();
        assert_eq!(texts, [b"text"]);
    }

    #[test]
    fn what_is_cut_off_or_of_another_kind_is_no_message() {
        let mut message = Vec::new();
        put_bytes(&mut message, 1, b"text");
        for length in 1..message.len() {
            assert_eq!(fields(&message[..length]), None, "{length}");
        }
        assert_eq!(fields(&[1 << 3 | 3]), None);
        assert_eq!(fields(&[0xFF; 20]), None);
    }

    #[test]
    fn numbers_are_read_packed_and_one_by_one() {
        let mut message = Vec::new();
        put_number(&mut message, 1, 5);
        put_bytes(&mut message, 1, &[6, 0x80, 1]);
        put_number(&mut message, 2, 9);
        let fields = fields(&message).unwrap();
        assert_eq!(numbers(&fields, 1), Some(vec![5, 6, 128]));
    }
}
