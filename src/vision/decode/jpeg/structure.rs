//! What a JPEG says of itself in its markers.

use memchr::memchr;

use super::MAX_SCANS;
use crate::vision::VisionError;

/// More than the decoder reads ahead.
const LOOK_AHEAD_BYTES: usize = 16;

/// What the markers say, from the first to the end of the image.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Structure {
    /// Low half of the frame's marker: 0 baseline, 1 extended, 2 progressive; any other is of another kind.
    pub(super) process: u8,
    precision: u8,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) components: Vec<Component>,
    /// The transform that Adobe's marker names.
    pub(super) adobe: Option<u8>,
    pub(super) scans: usize,
    /// Components in the first scan.
    first_scan: usize,
    /// Where the marker of the end stands.
    pub(super) end: usize,
}

/// One component's id and how many samples it has in a block of the grid, across and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) id: u8,
    pub(super) across: u32,
    pub(super) down: u32,
    /// For each coefficient, how many of its bits no scan has brought yet.
    missing_bits: [u8; 64],
}

impl Structure {
    /// Follows the markers from scan to scan. A file without an end has lost one part or another.
    pub(super) fn read(encoded: &[u8]) -> Result<Self, VisionError> {
        let mut structure = Self::default();
        let mut rest = encoded.get(2..).unwrap_or_default();
        loop {
            let (marker, after) = next_marker(rest).ok_or(VisionError::CorruptImage)?;
            rest = after;
            if marker == END_OF_IMAGE {
                structure.end = encoded.len() - rest.len() - 2;
                break;
            }
            if has_no_segment(marker) {
                continue;
            }
            let (segment, after) = split_segment(rest).ok_or(VisionError::CorruptImage)?;
            rest = after;
            structure
                .note(marker, segment)
                .ok_or(VisionError::CorruptImage)?;
            if structure.scans > MAX_SCANS {
                return Err(VisionError::UnsupportedImage);
            }
        }
        if structure.scans == 0 {
            return Err(VisionError::CorruptImage);
        }
        Ok(structure)
    }

    /// Takes down what a segment says; none where it cannot be.
    fn note(&mut self, marker: u8, segment: &[u8]) -> Option<()> {
        match marker {
            // 0xC4, 0xC8 and 0xCC are tables among the frames.
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                let [precision, h1, h0, w1, w0, count, components @ ..] = segment else {
                    return None;
                };
                // A second frame would be another picture under the same end.
                if !self.components.is_empty() || components.len() != 3 * usize::from(*count) {
                    return None;
                }
                self.process = marker & 0x0F;
                self.precision = *precision;
                self.height = u32::from(u16::from_be_bytes([*h1, *h0]));
                self.width = u32::from(u16::from_be_bytes([*w1, *w0]));
                let component = |bytes: &[u8]| Component {
                    id: bytes[0],
                    across: u32::from(bytes[1] >> 4),
                    down: u32::from(bytes[1] & 0x0F),
                    missing_bits: [u8::MAX; 64],
                };
                self.components = components.chunks_exact(3).map(component).collect();
            }
            START_OF_SCAN => {
                self.scans += 1;
                self.note_scan(segment)?;
            }
            0xEE if segment.starts_with(b"Adobe") => self.adobe = segment.get(11).copied(),
            _ => {}
        }
        Some(())
    }

    fn note_scan(&mut self, segment: &[u8]) -> Option<()> {
        let (&count, after) = segment.split_first()?;
        let (members, after) = after.split_at_checked(2 * usize::from(count))?;
        let &[from, to, bits] = after else {
            return None;
        };
        if self.scans == 1 {
            self.first_scan = usize::from(count);
        }
        let band = usize::from(from)..=usize::from(to);
        for member in members.chunks_exact(2) {
            let component = self.components.iter_mut().find(|c| c.id == member[0])?;
            let missing = component.missing_bits.get_mut(band.clone())?;
            missing.fill(bits & 0x0F);
        }
        Some(())
    }

    /// What the decoder gets. In place of the end of a sequential picture come more bytes than it looks ahead, and
    /// too few to make up for what may be missing.
    pub(super) fn to_decode(&self, encoded: &[u8]) -> Vec<u8> {
        if self.is_progressive() {
            return encoded[..self.end + 2].to_vec();
        }
        [&encoded[..self.end], &[0; LOOK_AHEAD_BYTES]].concat()
    }

    fn is_progressive(&self) -> bool {
        self.process == 2
    }

    pub(super) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    pub(super) fn require_supported(&self) -> Result<(), VisionError> {
        let colours = match (self.components.len(), self.adobe) {
            (1, _) => true,
            (3, Some(1)) => !self.ids_spell_rgb(),
            (3, _) => true,
            // Both are inverted, as Adobe writes them.
            (4, Some(0 | 2)) => true,
            _ => false,
        };
        let usual = self.has_a_usual_grid() && self.has_a_usual_order();
        if colours && self.process <= 2 && self.precision == 8 && usual {
            return Ok(());
        }
        Err(VisionError::UnsupportedImage)
    }

    pub(super) fn ids_spell_rgb(&self) -> bool {
        self.components.iter().map(|c| c.id).eq(*b"RGB")
    }

    /// The first component (and black) has the most samples, and the others have one in each block of the grid.
    fn has_a_usual_grid(&self) -> bool {
        let usual = |n: u32| matches!(n, 1 | 2 | 4);
        let [first, others @ ..] = self.components.as_slice() else {
            return false;
        };
        let is_first = |c: &Component| (c.across, c.down) == (first.across, first.down);
        let black_is_whole = others.get(2).is_none_or(is_first);
        let single = |c: &Component| (c.across, c.down) == (1, 1);
        usual(first.across)
            && usual(first.down)
            && first.down <= 2
            && black_is_whole
            && others.iter().take(2).all(single)
    }

    /// Sequential pictures whose components come one after the other are rare, and the decoder garbles some of them.
    fn has_a_usual_order(&self) -> bool {
        self.is_progressive() || self.first_scan == self.components.len()
    }

    pub(super) fn has_all_bits(&self) -> bool {
        let whole = |c: &Component| c.missing_bits.iter().all(|&bits| bits == 0);
        !self.is_progressive() || self.components.iter().all(whole)
    }

    /// What decoding allocates: the pixels, and all coefficients of a progressive picture.
    pub(super) fn decoding_bytes(&self) -> u64 {
        let pixels = u64::from(self.width) * u64::from(self.height);
        let channels = if self.components.len() == 1 { 1 } else { 3 };
        if !self.is_progressive() {
            return pixels * channels;
        }
        let most =
            |side: fn(&Component) -> u32| self.components.iter().map(side).max().unwrap_or(1);
        let blocks = u64::from(self.width.div_ceil(8 * most(|c| c.across)))
            * u64::from(self.height.div_ceil(8 * most(|c| c.down)));
        let samples: u64 = self
            .components
            .iter()
            .map(|c| u64::from(c.across * c.down) * 64)
            .sum();
        pixels * channels + blocks * samples * 2
    }
}

pub(super) const START_OF_SCAN: u8 = 0xDA;
pub(super) const END_OF_IMAGE: u8 = 0xD9;

/// Restart markers, and one that is reserved, stand alone; so does a second start.
pub(super) fn has_no_segment(marker: u8) -> bool {
    matches!(marker, 0x01 | 0xD0..=0xD8)
}

/// The next marker and what follows it. Coded data may lie before it: there a zero follows 0xFF.
pub(super) fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut rest = bytes;
    loop {
        let at = memchr(0xFF, rest)?;
        rest = &rest[at + 1..];
        match rest.first()? {
            // A stuffed byte, or padding before a marker.
            0x00 | 0xFF => {}
            &marker => return Some((marker, &rest[1..])),
        }
    }
}

/// A segment without its length, and what follows it.
pub(super) fn split_segment(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]));
    let segment = bytes.get(2..length)?;
    Some((segment, &bytes[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_progressive_picture_counts_its_coefficients() {
        let component = |across, down| Component {
            id: 1,
            across,
            down,
            missing_bits: [0; 64],
        };
        let structure = |process| Structure {
            process,
            width: 1600,
            height: 1600,
            components: vec![component(2, 2), component(1, 1), component(1, 1)],
            first_scan: 3,
            ..Structure::default()
        };
        let pixels = 1600 * 1600;
        assert_eq!(structure(0).decoding_bytes(), pixels * 3);
        assert_eq!(
            structure(2).decoding_bytes(),
            pixels * 3 + pixels * 3 / 2 * 2
        );
    }
}
