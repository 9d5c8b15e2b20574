//! PNG chunk by chunk: every depth and kind of colour, interlaced or not.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Mutex;

use flate2::write::ZlibEncoder;
use flate2::{Compress, Compression, FlushCompress};

/// What the header says of the pixels.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    pub width: u32,
    pub height: u32,
    pub depth: u8,
    /// 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha.
    pub colour: u8,
    pub interlaced: bool,
}

impl Header {
    fn channels(self) -> usize {
        match self.colour {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        }
    }

    pub fn chunk(self) -> Vec<u8> {
        let mut content = self.width.to_be_bytes().to_vec();
        content.extend(self.height.to_be_bytes());
        content.extend([self.depth, self.colour, 0, 0, u8::from(self.interlaced)]);
        chunk(b"IHDR", &content)
    }
}

pub const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

pub fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut out = (content.len() as u32).to_be_bytes().to_vec();
    out.extend(name);
    out.extend(content);
    let mut crc = flate2::Crc::new();
    crc.update(name);
    crc.update(content);
    out.extend(crc.sum().to_be_bytes());
    out
}

pub fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// So many zeros, deflated without ever being held; each number of them once, since it takes seconds.
pub fn deflated_zeros(bytes: usize) -> Vec<u8> {
    static KNOWN: Mutex<BTreeMap<usize, Vec<u8>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap();
    let deflated = known.entry(bytes).or_insert_with(|| deflate_zeros(bytes));
    deflated.clone()
}

/// A block of zeros that follows zeros is always the same, so that one of them stands for all.
fn deflate_zeros(bytes: usize) -> Vec<u8> {
    const BLOCK: usize = 1 << 20;
    let block = vec![0; BLOCK];
    let mut encoder = Compress::new(Compression::best(), false);
    let mut deflate = |zeros: &[u8], flush| {
        let mut out = Vec::with_capacity(16 << 10);
        encoder.compress_vec(zeros, &mut out, flush).unwrap();
        out
    };
    // The header of zlib, for the best compression.
    let mut out = vec![0x78, 0xDA];
    if bytes >= BLOCK {
        out.extend(deflate(&block, FlushCompress::Sync));
        let later = deflate(&block, FlushCompress::Sync);
        (1..bytes / BLOCK).for_each(|_| out.extend(&later));
    }
    out.extend(deflate(&block[..bytes % BLOCK], FlushCompress::Finish));
    // Adler's checksum: the sum of the bytes is 1 from the start on, and is added to the other sum for each.
    out.extend(((bytes % 65_521) as u16).to_be_bytes());
    out.extend(1_u16.to_be_bytes());
    out
}

/// A whole file. `before` and `after` are chunks around the pixels; `sample` gives a channel's value at a place.
pub fn png(
    header: Header,
    before: &[Vec<u8>],
    sample: impl Fn(u32, u32, usize) -> u16,
    after: &[Vec<u8>],
) -> Vec<u8> {
    const WHOLE: &[[u32; 4]] = &[[0, 0, 1, 1]];
    // First column and row of each pass, and the steps.
    const ADAM7: &[[u32; 4]] = &[
        [0, 0, 8, 8],
        [4, 0, 8, 8],
        [0, 4, 4, 8],
        [2, 0, 4, 4],
        [0, 2, 2, 4],
        [1, 0, 2, 2],
        [0, 1, 1, 2],
    ];
    let mut rows = Vec::new();
    for &[left, top, right, down] in if header.interlaced { ADAM7 } else { WHOLE } {
        if left >= header.width {
            continue;
        }
        for y in (top..header.height).step_by(down as usize) {
            rows.push(0);
            let xs = (left..header.width).step_by(right as usize);
            let row = xs.flat_map(|x| (0..header.channels()).map(move |c| (x, c)));
            pack(&mut rows, header.depth, row.map(|(x, c)| sample(x, y, c)));
        }
    }
    let mut out = SIGNATURE.to_vec();
    out.extend(header.chunk());
    out.extend(before.concat());
    out.extend(chunk(b"IDAT", &deflated(&rows)));
    out.extend(after.concat());
    out.extend(chunk(b"IEND", b""));
    out
}

fn pack(out: &mut Vec<u8>, depth: u8, samples: impl Iterator<Item = u16>) {
    let (mut held, mut count) = (0_u8, 0);
    for sample in samples {
        match depth {
            16 => out.extend(sample.to_be_bytes()),
            8 => out.push(sample as u8),
            _ => {
                held = held << depth | sample as u8;
                count += depth;
                if count == 8 {
                    out.push(held);
                    (held, count) = (0, 0);
                }
            }
        }
    }
    if count > 0 {
        out.push(held << (8 - count));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::ZlibDecoder;

    use super::*;

    #[test]
    fn zeros_are_as_many_as_they_should_be() {
        for bytes in [0, 1, 1 << 20, (1 << 20) - 1, (3 << 20) + 70_000] {
            let mut inflated = Vec::new();
            let deflated = deflated_zeros(bytes);
            let mut decoder = ZlibDecoder::new(&deflated[..]);
            decoder.read_to_end(&mut inflated).unwrap();
            assert_eq!(inflated, vec![0; bytes]);
            assert!(deflated.len() < 2_000 + bytes / 900, "{}", deflated.len());
        }
    }
}
