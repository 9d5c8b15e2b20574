//! A plain JPEG encoder with every legal oddity on a switch. Fixed-length codes: the files are large and simple.

mod coding;

use image::RgbImage;
use image::metadata::Orientation;

use coding::{Bits, IDLE, Pass, ac_table, dc_table};

/// How the components mean colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    Grey,
    YCbCr,
    Rgb,
    /// As Adobe writes it: inverted.
    Cmyk,
    /// The same with its first three through the transform.
    Ycck,
}

/// In which order the coefficients come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scans {
    /// All components in one scan.
    Interleaved,
    /// One scan for each component.
    Separate,
    /// First the means, then the detail, some of it bit by bit.
    Progressive,
    /// The same with the means of each component in a scan of its own.
    ProgressiveSeparate,
}

/// One way to write a picture.
#[derive(Debug, Clone)]
pub struct Jpeg {
    pub colour: Colour,
    /// Samples across and down, for each component.
    pub grid: [(usize, usize); 4],
    pub scans: Scans,
    /// Blocks between restart markers; 0 writes none.
    pub restart: u16,
    /// The transform in Adobe's marker.
    pub adobe: Option<u8>,
    pub orientation: Option<Orientation>,
    /// Segments to put in after the start, whole with their markers.
    pub extra: Vec<u8>,
    pub ids: [u8; 4],
    /// Further refinements of nothing at the end, for a picture of many scans.
    pub idle_scans: usize,
}

impl Default for Jpeg {
    fn default() -> Self {
        Self {
            colour: Colour::YCbCr,
            grid: [(1, 1); 4],
            scans: Scans::Interleaved,
            restart: 0,
            adobe: None,
            orientation: None,
            extra: Vec::new(),
            ids: [1, 2, 3, 4],
            idle_scans: 0,
        }
    }
}

const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];
/// Every coefficient is divided by this.
const QUANTUM: u8 = 3;

/// Blocks of coefficients in zigzag order.
struct Plane {
    across: usize,
    down: usize,
    /// Blocks in a row, whole groups.
    stride: usize,
    /// Blocks that hold pixels, which scans of one component are made of.
    width: usize,
    height: usize,
    blocks: Vec<[i32; 64]>,
}

impl Jpeg {
    /// The picture in this way.
    pub fn encode(&self, image: &RgbImage) -> Vec<u8> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let planes = self.planes(image);
        let count = planes.len();
        let mut out = vec![0xFF, 0xD8];
        out.extend(&self.extra);
        if let Some(orientation) = self.orientation {
            let mut exif = b"Exif\0\0".to_vec();
            exif.extend(super::exif(orientation));
            segment(&mut out, 0xE1, &exif);
        }
        if let Some(transform) = self.adobe {
            let mut adobe = b"Adobe\0\x64\0\0\0\0".to_vec();
            adobe.push(transform);
            segment(&mut out, 0xEE, &adobe);
        }
        let mut table = vec![0];
        table.extend([QUANTUM; 64]);
        segment(&mut out, 0xDB, &table);
        let progressive = matches!(self.scans, Scans::Progressive | Scans::ProgressiveSeparate);
        let mut frame = vec![8];
        frame.extend((height as u16).to_be_bytes());
        frame.extend((width as u16).to_be_bytes());
        frame.push(count as u8);
        for (plane, id) in planes.iter().zip(self.ids) {
            frame.extend([id, (plane.across << 4 | plane.down) as u8, 0]);
        }
        segment(&mut out, if progressive { 0xC2 } else { 0xC0 }, &frame);
        segment(&mut out, 0xC4, &dc_table());
        segment(&mut out, 0xC4, &ac_table());
        if self.restart > 0 {
            segment(&mut out, 0xDD, &self.restart.to_be_bytes());
        }
        let all: Vec<usize> = (0..count).collect();
        let mut scan = |members: &[usize], from, to, high, low| {
            self.scan(
                &mut out,
                &planes,
                members,
                Pass {
                    from,
                    to,
                    high,
                    low,
                },
            );
        };
        match self.scans {
            Scans::Interleaved => scan(&all, 0, 63, 0, 0),
            Scans::Separate => all.iter().for_each(|&k| scan(&[k], 0, 63, 0, 0)),
            Scans::Progressive => scan(&all, 0, 0, 0, 1),
            Scans::ProgressiveSeparate => all.iter().for_each(|&k| scan(&[k], 0, 0, 0, 1)),
        }
        if progressive {
            all.iter().for_each(|&k| scan(&[k], 1, 5, 0, 0));
            all.iter().for_each(|&k| scan(&[k], 6, 63, 0, 1));
            all.iter().for_each(|&k| scan(&[k], 6, 63, 1, 0));
            scan(&all, 0, 0, 1, 0);
            (0..self.idle_scans).for_each(|_| scan(&[0], 63, 63, IDLE, 0));
        }
        out.extend([0xFF, 0xD9]);
        out
    }

    fn planes(&self, image: &RgbImage) -> Vec<Plane> {
        let count = match self.colour {
            Colour::Grey => 1,
            Colour::YCbCr | Colour::Rgb => 3,
            Colour::Cmyk | Colour::Ycck => 4,
        };
        let grid = &self.grid[..count];
        let most = |side: fn(&(usize, usize)) -> usize| grid.iter().map(side).max().unwrap();
        let (most_across, most_down) = (most(|g| g.0), most(|g| g.1));
        let (width, height) = (image.width() as usize, image.height() as usize);
        let plane = |(index, &(across, down)): (usize, &(usize, usize))| {
            let (step_x, step_y) = (most_across / across, most_down / down);
            let stride = width.div_ceil(8 * most_across) * across;
            let rows = height.div_ceil(8 * most_down) * down;
            let sample = |x: usize, y: usize| {
                let mut sum = 0.0;
                for dy in 0..step_y {
                    for dx in 0..step_x {
                        let (x, y) = (x * step_x + dx, y * step_y + dy);
                        let pixel =
                            image.get_pixel(x.min(width - 1) as u32, y.min(height - 1) as u32);
                        sum += self.component(pixel.0, index);
                    }
                }
                sum / (step_x * step_y) as f32 - 128.0
            };
            let mut blocks = Vec::with_capacity(stride * rows);
            for by in 0..rows {
                for bx in 0..stride {
                    let mut block = [0.0; 64];
                    for (i, value) in block.iter_mut().enumerate() {
                        *value = sample(bx * 8 + i % 8, by * 8 + i / 8);
                    }
                    blocks.push(transform(&block));
                }
            }
            Plane {
                across,
                down,
                stride,
                width: (width * across).div_ceil(8 * most_across),
                height: (height * down).div_ceil(8 * most_down),
                blocks,
            }
        };
        grid.iter().enumerate().map(plane).collect()
    }

    fn component(&self, [r, g, b]: [u8; 3], index: usize) -> f32 {
        let [r, g, b] = [r, g, b].map(f32::from);
        match self.colour {
            Colour::Grey | Colour::YCbCr => ycc([r, g, b])[index],
            Colour::Rgb => [r, g, b][index],
            Colour::Cmyk | Colour::Ycck => {
                // As much black as there is in every ink, halved, so that all four matter.
                let black = (255.0 - r.max(g).max(b)) / 2.0;
                let white = 255.0 - black;
                let inverted = [r, g, b].map(|c| c * 255.0 / white);
                match (self.colour, index) {
                    (_, 3) => white,
                    (Colour::Ycck, _) => ycc(inverted.map(|c| 255.0 - c))[index],
                    _ => inverted[index],
                }
            }
        }
    }

    fn scan(&self, out: &mut Vec<u8>, planes: &[Plane], members: &[usize], pass: Pass) {
        let mut header = vec![members.len() as u8];
        members
            .iter()
            .for_each(|&k| header.extend([self.ids[k], 0]));
        header.extend([pass.from as u8, pass.to as u8, pass.high << 4 | pass.low]);
        segment(out, 0xDA, &header);
        let mut bits = Bits::default();
        let mut means = [0; 4];
        let (columns, rows) = match members {
            [only] => (planes[*only].width, planes[*only].height),
            _ => (
                planes[0].stride / planes[0].across,
                planes[0].blocks.len() / planes[0].stride / planes[0].down,
            ),
        };
        for unit in 0..columns * rows {
            if self.restart > 0 && unit > 0 && unit % usize::from(self.restart) == 0 {
                bits.finish();
                let number = (unit / usize::from(self.restart) - 1) % 8;
                bits.bytes.extend([0xFF, 0xD0 + number as u8]);
                means = [0; 4];
            }
            let (x, y) = (unit % columns, unit / columns);
            for &k in members {
                let plane = &planes[k];
                let (across, down) = if members.len() == 1 {
                    (1, 1)
                } else {
                    (plane.across, plane.down)
                };
                for dy in 0..down {
                    for dx in 0..across {
                        let at = (y * down + dy) * plane.stride + x * across + dx;
                        pass.write(&mut bits, &plane.blocks[at], &mut means[k]);
                    }
                }
            }
        }
        bits.finish();
        out.extend(bits.bytes);
    }
}

fn ycc([r, g, b]: [f32; 3]) -> [f32; 3] {
    [
        0.299 * r + 0.587 * g + 0.114 * b,
        128.0 - 0.168_736 * r - 0.331_264 * g + 0.5 * b,
        128.0 + 0.5 * r - 0.418_688 * g - 0.081_312 * b,
    ]
}

/// The cosine transform of a block, quantised, in zigzag order.
fn transform(block: &[f32; 64]) -> [i32; 64] {
    static COSINES: std::sync::OnceLock<[[f32; 8]; 8]> = std::sync::OnceLock::new();
    let cosines = COSINES.get_or_init(|| {
        std::array::from_fn(|u| {
            std::array::from_fn(|x| {
                let scale = if u == 0 { 0.125_f32.sqrt() } else { 0.5 };
                scale * ((2 * x + 1) as f32 * u as f32 * std::f32::consts::PI / 16.0).cos()
            })
        })
    });
    let mut rows = [0.0; 64];
    for y in 0..8 {
        for u in 0..8 {
            rows[y * 8 + u] = (0..8).map(|x| block[y * 8 + x] * cosines[u][x]).sum();
        }
    }
    ZIGZAG.map(|at| {
        let (v, u) = (at / 8, at % 8);
        let value: f32 = (0..8).map(|y| rows[y * 8 + u] * cosines[v][y]).sum();
        (value / f32::from(QUANTUM)).round() as i32
    })
}

/// A marker with its segment.
pub fn segment(out: &mut Vec<u8>, marker: u8, content: &[u8]) {
    out.extend([0xFF, marker]);
    out.extend((content.len() as u16 + 2).to_be_bytes());
    out.extend(content);
}
