//! Sequential JPEGs at a half, a quarter or an eighth of their size, and parts of them at any of these or in full.
//!
//! All data are read once from the first bit to the last, and every code, run and restart has to be right: whatever is
//! not, makes the picture one for the full decoder to judge. Where each line of blocks begins is kept, so that a part of
//! the picture can be decoded again without what is above it.

use std::ops::Range;

use image::RgbImage;

use super::codes::{Bits, Codes};
use super::structure::{START_OF_SCAN, Structure, has_no_segment, next_marker, split_segment};
use super::transform::{Transform, ZIGZAG};

const QUANTISATION: u8 = 0xDB;
const HUFFMAN: u8 = 0xC4;
const RESTART_INTERVAL: u8 = 0xDD;

/// One colour's samples in the picture.
struct Plane {
    /// Blocks in a unit, across and down.
    across: usize,
    down: usize,
    /// The divisors, in the file's order.
    quantisation: [f32; 64],
    means: usize,
    details: usize,
}

/// A picture whose tables are read.
pub(in crate::vision) struct Sequential<'a> {
    width: usize,
    height: usize,
    planes: Vec<Plane>,
    codes: Vec<Codes>,
    /// Units between restart markers; 0 for none.
    interval: usize,
    /// Pixels of a unit, across and down.
    unit: (usize, usize),
    coded: &'a [u8],
    /// Where lines of units begin, as far as they were read.
    lines: Vec<Place<'a>>,
}

/// Where in the data a line of units begins.
#[derive(Clone)]
struct Place<'a> {
    bits: Bits<'a>,
    means: [i32; 3],
    /// Units until the next restart marker, and its number.
    until_restart: usize,
    restart: u8,
}

/// Some of the picture's pixels.
pub(in crate::vision) struct Part {
    /// Reduced; one channel is repeated three times.
    pub(in crate::vision) pixels: RgbImage,
    /// In pixels of the whole picture.
    pub(in crate::vision) left: u32,
    pub(in crate::vision) top: u32,
}

impl<'a> Sequential<'a> {
    /// None where the picture is of another kind than nearly all are.
    pub(super) fn read(encoded: &'a [u8], structure: &Structure) -> Option<Self> {
        let colours = match (structure.components.len(), structure.adobe) {
            (1, _) | (3, None | Some(1)) => !structure.ids_spell_rgb(),
            _ => false,
        };
        if structure.process > 1 || structure.scans != 1 || !colours {
            return None;
        }
        let mut tables = Tables::default();
        let mut rest = encoded.get(2..)?;
        loop {
            let (marker, after) = next_marker(rest)?;
            rest = after;
            if has_no_segment(marker) {
                continue;
            }
            let (segment, after) = split_segment(rest)?;
            rest = after;
            if marker == START_OF_SCAN {
                let coded = rest.get(..rest.len() - (encoded.len() - structure.end))?;
                return tables.finish(structure, segment, coded);
            }
            tables.note(marker, segment)?;
        }
    }

    /// Reads the whole picture; none where anything is wrong with it.
    pub(in crate::vision) fn decode(&mut self, reduction: usize) -> Option<Part> {
        self.lines.clear();
        let (columns, rows) = self.units();
        let start = Place {
            bits: Bits::new(self.coded),
            means: [0; 3],
            until_restart: self.interval,
            restart: 0,
        };
        let (part, mut end, lines) = self.decode_from(start, reduction, 0..columns, 0..rows)?;
        self.lines = lines;
        end.bits.is_used_up().then_some(part)
    }

    /// Reads a part of a picture that was read as a whole before. Edges are in pixels of the whole picture; the part may
    /// reach a little beyond them.
    pub(in crate::vision) fn decode_part(
        &self,
        reduction: usize,
        across: Range<usize>,
        down: Range<usize>,
    ) -> Option<Part> {
        let (columns, rows) = self.units();
        let units = |pixels: Range<usize>, unit: usize, all: usize| {
            let first = (pixels.start / unit).min(all - 1);
            first..pixels.end.div_ceil(unit).clamp(first + 1, all)
        };
        let (columns, rows) = (
            units(across, self.unit.0, columns),
            units(down, self.unit.1, rows),
        );
        let start = self.lines.get(rows.start)?.clone();
        let (part, ..) = self.decode_from(start, reduction, columns, rows)?;
        Some(part)
    }

    fn units(&self) -> (usize, usize) {
        (
            self.width.div_ceil(self.unit.0),
            self.height.div_ceil(self.unit.1),
        )
    }

    /// Reads lines of units and makes pixels of some of their columns. Also gives where it ended, and the lines' places.
    fn decode_from(
        &self,
        mut place: Place<'a>,
        reduction: usize,
        columns: Range<usize>,
        rows: Range<usize>,
    ) -> Option<(Part, Place<'a>, Vec<Place<'a>>)> {
        let (across, down) = (self.unit.0 / reduction, self.unit.1 / reduction);
        let (left, top) = (columns.start * self.unit.0, rows.start * self.unit.1);
        // A last column or row of which only a part is in the picture counts, if the picture is no smaller.
        let cut = |pixels: usize, first: usize, units: usize, side: usize| {
            ((pixels - first).div_ceil(reduction)).min(units * side)
        };
        let width = cut(self.width, left, columns.len(), across);
        let height = cut(self.height, top, rows.len(), down);
        let mut pixels = Vec::with_capacity(width * height * 3);
        let stride = columns.len() * across;
        let mut strips = vec![vec![0; stride * down]; self.planes.len()];
        let transforms: Vec<Transform> = self
            .planes
            .iter()
            .map(|plane| Transform::to(across / plane.across, down / plane.down))
            .collect();
        let mut lines = Vec::with_capacity(rows.len());
        let all_columns = self.units().0;
        for row in rows.clone() {
            lines.push(place.clone());
            for column in 0..all_columns {
                let at = columns
                    .contains(&column)
                    .then(|| (column - columns.start) * across);
                self.unit_at(&mut place, at, stride, &transforms, &mut strips)?;
            }
            if place.bits.overran() {
                return None;
            }
            let left_over = height - (row - rows.start) * down;
            for y in 0..down.min(left_over) {
                let line = y * stride..y * stride + width;
                append(&mut pixels, strips.iter().map(|strip| &strip[line.clone()]));
            }
        }
        let pixels = RgbImage::from_raw(width as u32, height as u32, pixels)?;
        let (left, top) = (left as u32, top as u32);
        Some((Part { pixels, left, top }, place, lines))
    }

    /// Reads the blocks of a unit, and writes their samples where one is wanted: `at` is its first column.
    #[inline]
    fn unit_at(
        &self,
        place: &mut Place<'a>,
        at: Option<usize>,
        stride: usize,
        transforms: &[Transform],
        strips: &mut [Vec<u8>],
    ) -> Option<()> {
        if self.interval > 0 {
            if place.until_restart == 0 {
                place.bits.restart(place.restart)?;
                place.restart = (place.restart + 1) % 8;
                place.until_restart = self.interval;
                place.means = [0; 3];
            }
            place.until_restart -= 1;
        }
        for (index, plane) in self.planes.iter().enumerate() {
            let transform = transforms[index];
            for y in 0..plane.down {
                for x in 0..plane.across {
                    let mut block = [0.0; 64];
                    let mean = &mut place.means[index];
                    let last = self.block(plane, &mut place.bits, mean, &mut block)?;
                    if let Some(at) = at {
                        let (across, down) = transform.samples();
                        let first = y * down * stride + at + x * across;
                        transform.write(&block, last, &mut strips[index][first..], stride);
                    }
                }
            }
        }
        Some(())
    }

    /// Reads a block, and gives the place of its last coefficient.
    #[inline]
    fn block(
        &self,
        plane: &Plane,
        bits: &mut Bits<'a>,
        mean: &mut i32,
        block: &mut [f32; 64],
    ) -> Option<usize> {
        *mean = mean.wrapping_add(bits.difference(&self.codes[plane.means])?);
        block[0] = *mean as f32 * plane.quantisation[0];
        let mut last = 0;
        bits.coefficients(&self.codes[plane.details], |place, value| {
            block[usize::from(ZIGZAG[place & 63])] = value as f32 * plane.quantisation[place & 63];
            last = place;
        })?;
        Some(last)
    }
}

/// The tables as they are read.
#[derive(Default)]
struct Tables {
    quantisation: [Option<[f32; 64]>; 4],
    /// Those of the means, then those of the rest.
    codes: [Option<Codes>; 8],
    interval: usize,
    /// For each component of the frame, its table of divisors.
    divisors: Vec<u8>,
}

impl Tables {
    /// Takes down a segment; none where it cannot be.
    fn note(&mut self, marker: u8, mut segment: &[u8]) -> Option<()> {
        match marker {
            QUANTISATION => {
                while let Some((&head, after)) = segment.split_first() {
                    let (wide, number) = (head >> 4, usize::from(head & 15));
                    let bytes = if wide == 0 { 64 } else { 128 };
                    let (values, after) = after.split_at_checked(bytes)?;
                    let mut table = [0.0; 64];
                    for (value, bytes) in table.iter_mut().zip(values.chunks_exact(bytes / 64)) {
                        *value = bytes.iter().fold(0.0, |sum, b| sum * 256.0 + f32::from(*b));
                    }
                    *self.quantisation.get_mut(number)? = Some(table);
                    segment = after;
                }
            }
            HUFFMAN => {
                while let Some((&head, after)) = segment.split_first() {
                    let (counts, after) = after.split_first_chunk::<16>()?;
                    let total = counts.iter().map(|&count| usize::from(count)).sum();
                    let (values, after) = after.split_at_checked(total)?;
                    let (class, number) = (usize::from(head >> 4), usize::from(head & 15));
                    if class > 1 || number > 3 {
                        return None;
                    }
                    self.codes[class * 4 + number] = Some(Codes::new(*counts, values)?);
                    segment = after;
                }
            }
            RESTART_INTERVAL => {
                let &[high, low] = segment else {
                    return None;
                };
                self.interval = usize::from(u16::from_be_bytes([high, low]));
            }
            0xC0 | 0xC1 => {
                let components = segment.get(6..)?.chunks_exact(3);
                self.divisors = components.map(|component| component[2]).collect();
            }
            _ => {}
        }
        Some(())
    }

    /// Puts a picture together at its scan; none where a table is missing.
    fn finish<'a>(
        mut self,
        structure: &Structure,
        scan: &[u8],
        coded: &'a [u8],
    ) -> Option<Sequential<'a>> {
        let (&count, after) = scan.split_first()?;
        let (members, after) = after.split_at_checked(2 * usize::from(count))?;
        let same_order = members.chunks_exact(2).map(|member| member[0]);
        if after != [0, 63, 0] || !same_order.eq(structure.components.iter().map(|c| c.id)) {
            return None;
        }
        let mut codes = Vec::new();
        // Each table of codes is moved out once, at its first use.
        let mut places = [None; 8];
        let mut place_of = |table: usize| {
            if places[table].is_none() {
                codes.push(self.codes[table].take()?);
                places[table] = Some(codes.len() - 1);
            }
            places[table]
        };
        let mut planes = Vec::new();
        // Blocks of a picture of one component come line by line, whatever its grid says.
        let single = structure.components.len() == 1;
        let components = structure.components.iter().zip(&self.divisors);
        for ((component, divisors), member) in components.zip(members.chunks_exact(2)) {
            let (means, details) = (usize::from(member[1] >> 4), usize::from(member[1] & 15));
            if means > 3 || details > 3 {
                return None;
            }
            let of = |samples: u32| if single { 1 } else { samples as usize };
            planes.push(Plane {
                across: of(component.across),
                down: of(component.down),
                quantisation: (*self.quantisation.get(usize::from(*divisors))?)?,
                means: place_of(means)?,
                details: place_of(4 + details)?,
            });
        }
        let first = planes.first()?;
        let unit = (8 * first.across, 8 * first.down);
        (planes.len() == structure.components.len()).then_some(Sequential {
            width: structure.width as usize,
            height: structure.height as usize,
            planes,
            codes,
            interval: self.interval,
            unit,
            coded,
            lines: Vec::new(),
        })
    }
}

/// Appends a line of pixels, made of the samples of each colour.
fn append<'s>(pixels: &mut Vec<u8>, samples: impl ExactSizeIterator<Item = &'s [u8]>) {
    let samples: Vec<&[u8]> = samples.collect();
    let begin = pixels.len();
    pixels.resize(begin + samples[0].len() * 3, 0);
    let line = pixels[begin..].chunks_exact_mut(3);
    if let &[luma, blue, red] = &*samples {
        for (((pixel, luma), blue), red) in line.zip(luma).zip(blue).zip(red) {
            pixel.copy_from_slice(&colour(*luma, *blue, *red));
        }
    } else {
        for (pixel, grey) in line.zip(samples[0]) {
            pixel.fill(*grey);
        }
    }
}

/// Red, green and blue by ITU-R BT.601 over the whole range, as JFIF has it.
#[inline]
fn colour(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let luma = (i32::from(luma) << 16) + HALF;
    let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
    [
        luma + 91_881 * red,
        luma - 22_554 * blue - 46_802 * red,
        luma + 116_130 * blue,
    ]
    .map(|value| (value >> 16).clamp(0, 255) as u8)
}
