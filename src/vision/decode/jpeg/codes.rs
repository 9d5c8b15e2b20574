//! Huffman codes and the bits that they are read from.

/// Bits of a code that are looked up at once; few codes are longer.
const LOOKED_UP: u32 = 10;
/// In place of a run of zeros: no coefficient follows.
const END_OF_BLOCK: u8 = 64;

/// The symbols of a table by their codes.
pub(super) struct Codes {
    /// By the next bits: the symbol, and the length of its code; length 0 where the code is longer.
    symbols: Box<[(u8, u8); 1 << LOOKED_UP]>,
    /// By the next bits: a whole coefficient.
    coefficients: Box<[Coefficient; 1 << LOOKED_UP]>,
    /// For each length, the first code that is longer, at the left of 16 bits.
    limits: [u32; 17],
    /// For each length, what is added to a code to give its symbol's place.
    offsets: [i32; 17],
    values: Vec<u8>,
}

/// A run of zeros, what follows it, and how many bits say both; 0 bits where they are not known.
#[derive(Debug, Clone, Copy, Default)]
struct Coefficient {
    value: i16,
    run: u8,
    bits: u8,
}

impl Codes {
    /// From how many codes there are of each length, and their symbols in order. None where they do not fit.
    pub(super) fn new(counts: [u8; 16], values: &[u8]) -> Option<Self> {
        let mut codes = Self {
            symbols: Box::new([(0, 0); 1 << LOOKED_UP]),
            coefficients: Box::new([Coefficient::default(); 1 << LOOKED_UP]),
            limits: [0; 17],
            offsets: [0; 17],
            values: values.to_vec(),
        };
        let (mut code, mut place) = (0_u32, 0_usize);
        for length in 1..=16_u32 {
            codes.offsets[length as usize] =
                i32::try_from(place).ok()? - i32::try_from(code).ok()?;
            for _ in 0..counts[length as usize - 1] {
                let symbol = *values.get(place)?;
                if code >> length != 0 {
                    return None;
                }
                codes.note(code, length, symbol);
                code += 1;
                place += 1;
            }
            codes.limits[length as usize] = code << (16 - length);
            code <<= 1;
        }
        (place == values.len()).then_some(codes)
    }

    fn note(&mut self, code: u32, length: u32, symbol: u8) {
        let Some(free) = LOOKED_UP.checked_sub(length) else {
            return;
        };
        let size = u32::from(symbol & 15);
        for rest in 0..1_u32 << free {
            let at = (code << free | rest) as usize;
            self.symbols[at] = (symbol, length as u8);
            self.coefficients[at] = if symbol == 0 {
                Coefficient {
                    value: 0,
                    run: END_OF_BLOCK,
                    bits: length as u8,
                }
            } else if size > 0 && size <= free {
                Coefficient {
                    value: signed(rest >> (free - size), size) as i16,
                    run: symbol >> 4,
                    bits: (length + size) as u8,
                }
            } else {
                Coefficient::default()
            };
        }
    }
}

/// The number that so many bits stand for.
fn signed(bits: u32, size: u32) -> i32 {
    let half = 1 << (size - 1);
    let bits = bits as i32;
    if bits < half {
        bits - 2 * half + 1
    } else {
        bits
    }
}

/// Coded data, read bit by bit. At a marker, or where they end, zeros follow; [`Bits::overran`] tells if any was used.
#[derive(Clone)]
pub(super) struct Bits<'a> {
    coded: &'a [u8],
    at: usize,
    /// The next bits, at the left.
    buffer: u64,
    count: u32,
    /// Zeros at the end of the buffer that no data stand for.
    padding: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(coded: &'a [u8]) -> Self {
        Self {
            coded,
            at: 0,
            buffer: 0,
            count: 0,
            padding: 0,
        }
    }

    /// More was read than there is.
    pub(super) fn overran(&self) -> bool {
        self.count < self.padding
    }

    /// Nothing but the rest of a byte is left before the next marker or the end.
    pub(super) fn is_used_up(&mut self) -> bool {
        self.refill();
        !self.overran() && self.count - self.padding < 8 && self.padding > 0
    }

    /// Goes on behind the restart marker of that number, which has to come now.
    pub(super) fn restart(&mut self, number: u8) -> Option<()> {
        if !self.is_used_up() {
            return None;
        }
        while self.coded.get(self.at + 1) == Some(&0xFF) {
            self.at += 1;
        }
        if self.coded.get(self.at..self.at + 2)? != [0xFF, 0xD0 + number] {
            return None;
        }
        *self = Self {
            at: self.at + 2,
            ..Self::new(self.coded)
        };
        Some(())
    }

    /// At least 32 bits are in the buffer afterwards.
    #[inline]
    fn refill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some(next) = self.coded.get(self.at..self.at + 8) {
            let word = u64::from_be_bytes([
                next[0], next[1], next[2], next[3], next[4], next[5], next[6], next[7],
            ]);
            if !has_marker_byte(word) && self.padding == 0 {
                // What is put in beyond whole bytes comes again, the same, with the next ones.
                self.buffer |= word >> self.count;
                let bytes = (64 - self.count) / 8;
                self.at += bytes as usize;
                self.count += bytes * 8;
                return;
            }
        }
        self.refill_slowly();
    }

    #[cold]
    fn refill_slowly(&mut self) {
        // What lies beyond the whole bytes may be of a marker now.
        self.buffer &= !(u64::MAX >> self.count);
        while self.count <= 56 {
            let byte = match *self.coded.get(self.at..).unwrap_or_default() {
                [0xFF, 0x00, ..] => {
                    self.at += 2;
                    0xFF
                }
                [0xFF, ..] | [] => {
                    self.padding += 8;
                    0
                }
                [byte, ..] => {
                    self.at += 1;
                    byte
                }
            };
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    #[inline]
    fn skip(&mut self, bits: u32) {
        self.buffer <<= bits;
        self.count -= bits;
    }

    /// Reads a code and gives its symbol; none where it is no code.
    #[inline]
    fn symbol(&mut self, codes: &Codes) -> Option<u8> {
        let (symbol, length) = codes.symbols[(self.buffer >> (64 - LOOKED_UP)) as usize];
        if length > 0 {
            self.skip(u32::from(length));
            return Some(symbol);
        }
        let next = (self.buffer >> 48) as u32;
        let length = (LOOKED_UP + 1..=16).find(|&length| next < codes.limits[length as usize])?;
        let code = (next >> (16 - length)) as i32;
        let place = usize::try_from(code + codes.offsets[length as usize]).ok()?;
        self.skip(length);
        codes.values.get(place).copied()
    }

    /// Reads a number of 1 to 15 bits.
    #[inline]
    fn number(&mut self, size: u32) -> i32 {
        let bits = (self.buffer >> (64 - size)) as u32;
        self.skip(size);
        signed(bits, size)
    }

    /// Reads by how much a block's mean differs from that of the one before.
    #[inline]
    pub(super) fn difference(&mut self, codes: &Codes) -> Option<i32> {
        self.refill();
        let size = u32::from(self.symbol(codes)?);
        match size {
            0 => Some(0),
            1..=11 => Some(self.number(size)),
            _ => None,
        }
    }

    /// Reads a block's other coefficients: `put` gets the place of each in zigzag order, 1 to 63, and its value.
    #[inline]
    pub(super) fn coefficients(
        &mut self,
        codes: &Codes,
        mut put: impl FnMut(usize, i32),
    ) -> Option<()> {
        let mut place = 1_usize;
        while place < 64 {
            self.refill();
            let known = codes.coefficients[(self.buffer >> (64 - LOOKED_UP)) as usize];
            if known.bits > 0 {
                self.skip(u32::from(known.bits));
                if known.run == END_OF_BLOCK {
                    return Some(());
                }
                place += usize::from(known.run);
                if place > 63 {
                    return None;
                }
                put(place, i32::from(known.value));
                place += 1;
                continue;
            }
            let symbol = self.symbol(codes)?;
            let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            match (run, size) {
                (0, 0) => return Some(()),
                (15, 0) => place += 16,
                (_, 0 | 11..) => return None,
                _ => {
                    place += run;
                    if place > 63 {
                        return None;
                    }
                    put(place, self.number(size));
                    place += 1;
                }
            }
        }
        // A run of zeros that goes on beyond the block.
        (place == 64).then_some(())
    }
}

/// Whether one of eight bytes is 0xFF.
#[inline]
fn has_marker_byte(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let inverse = !word;
    inverse.wrapping_sub(ONES) & word & (ONES << 7) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two codes of two bits, one of three, and one of twelve.
    fn codes() -> Codes {
        let mut counts = [0; 16];
        (counts[1], counts[2], counts[11]) = (2, 1, 1);
        Codes::new(counts, &[0x00, 0x02, 0x13, 0x01]).unwrap()
    }

    fn read(coded: &[u8]) -> (Option<()>, Vec<(usize, i32)>, bool) {
        let mut bits = Bits::new(coded);
        let mut found = Vec::new();
        let end = bits.coefficients(&codes(), |place, value| found.push((place, value)));
        (end, found, bits.overran())
    }

    #[test]
    fn coefficients_are_read_with_their_runs_and_signs() {
        // 01 11 | 100 010 | 101000000000 1 | 00: 3, a zero and then -5, 1, the end.
        let coded = [0b0111_1000, 0b1010_1000, 0b0000_0010, 0b0111_1111];
        assert_eq!(
            read(&coded),
            (Some(()), vec![(1, 3), (3, -5), (4, 1)], false)
        );
    }

    #[test]
    fn zeros_in_place_of_what_is_missing_are_told_from_data() {
        assert!(!read(&[0b0001_1111]).2);
        assert!(read(&[0b0111_0111, 0xFF, 0xD9]).2);
        assert!(read(&[]).2);
        // A stuffed byte is data: 01 11 01 11 | 1111 ...
        assert!(read(&[0b0111_0111, 0xFF, 0x00]).0.is_none());
    }

    #[test]
    fn what_is_no_code_and_what_leaves_the_block_are_refused() {
        assert_eq!(read(&[0xFE; 8]).0, None);
        // Runs of one zero and a coefficient fill 62 places; the next does not fit.
        let run = [0b1001_0010, 0b0100_1001, 0b0010_0100];
        assert_eq!(read(&run.repeat(12)).0, None);
    }

    #[test]
    fn tables_that_do_not_fit_are_none() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Codes::new(counts, &[1, 2, 3]).is_none());
        counts[0] = 1;
        assert!(Codes::new(counts, &[1, 2]).is_none());
        assert!(Codes::new(counts, &[]).is_none());
    }

    #[test]
    fn bytes_of_markers_are_seen_among_any_others() {
        let mut state = 1_u64;
        for _ in 0..10_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let word = state | state >> 7 & 0x7F00_7F00_7F00_7F00;
            let seen = word.to_be_bytes().contains(&0xFF);
            assert_eq!(has_marker_byte(word), seen, "{word:x}");
        }
    }
}
