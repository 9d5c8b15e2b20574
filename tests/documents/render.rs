//! Pages with a zone, written with the glyphs of `src/vision/document/ocr_b.png`, and with a part of it forged.

use image::imageops::{self, FilterType};
use image::{GrayImage, Luma, Rgb, RgbImage};
use rand::RngExt as _;
use rand::rngs::StdRng;

const ALPHABET: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<";
/// Size of a glyph's cell: its width is the pitch of the zone's characters.
const CELL: (u32, u32) = (40, 64);
/// Distance of two lines at that size.
const ROW: u32 = 96;

/// How a part of a zone was put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    /// Everything is set in another font.
    WholeFont,
    /// Six characters are.
    SixInAnotherFont,
    /// One is.
    OneInAnotherFont,
    /// Six characters in the right font stand a little off the line.
    SixOffTheLine,
    /// They are a tenth smaller.
    SixSmaller,
}

impl Forgery {
    pub const ALL: [Self; 5] = [
        Self::WholeFont,
        Self::SixInAnotherFont,
        Self::OneInAnotherFont,
        Self::SixOffTheLine,
        Self::SixSmaller,
    ];

    /// How many characters of the last line but one, or of the only one, are put in.
    fn length(self) -> usize {
        match self {
            Self::WholeFont => usize::MAX,
            Self::OneInAnotherFont => 1,
            Self::SixInAnotherFont | Self::SixOffTheLine | Self::SixSmaller => 6,
        }
    }
}

/// Which characters of a zone are forged, and how.
#[derive(Debug, Clone, Copy)]
pub struct Forged {
    pub how: Forgery,
    /// The line, and its first character.
    pub line: usize,
    pub from: usize,
}

impl Forged {
    fn at(forged: Option<Self>, line: usize, column: usize) -> Option<Forgery> {
        let Self {
            how,
            line: wanted,
            from,
        } = forged?;
        let inside = line == wanted && (from..from + how.length().min(99)).contains(&column);
        (how == Forgery::WholeFont || inside).then_some(how)
    }
}

/// The glyphs of two fonts.
pub struct Font {
    ocr_b: GrayImage,
    another: GrayImage,
}

impl Font {
    pub fn load() -> Self {
        let open = |path: &str| {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
            image::open(path).unwrap().into_luma8()
        };
        Self {
            ocr_b: open("src/vision/document/ocr_b.png"),
            another: open("fixtures/another_font.png"),
        }
    }

    fn glyph(&self, character: char, forgery: Option<Forgery>) -> Option<GrayImage> {
        let index = ALPHABET.find(character)? as u32;
        let sheet = match forgery {
            Some(Forgery::WholeFont | Forgery::SixInAnotherFont | Forgery::OneInAnotherFont) => {
                &self.another
            }
            Some(Forgery::SixOffTheLine | Forgery::SixSmaller) | None => &self.ocr_b,
        };
        let glyph = imageops::crop_imm(sheet, index * CELL.0, 0, CELL.0, CELL.1).to_image();
        if forgery != Some(Forgery::SixSmaller) {
            return Some(glyph);
        }
        let (width, height) = (CELL.0 * 9 / 10, CELL.1 * 9 / 10);
        let smaller = imageops::resize(&glyph, width, height, FilterType::CatmullRom);
        let mut cell = GrayImage::from_pixel(CELL.0, CELL.1, Luma([255]));
        let (left, top) = ((CELL.0 - width) / 2, (CELL.1 - height) / 2);
        imageops::replace(&mut cell, &smaller, left.into(), top.into());
        Some(cell)
    }

    /// Lines of text, dark on white, with `pitch` pixels for a character.
    fn write(&self, lines: &[String], pitch: f64, forged: Option<Forged>) -> GrayImage {
        let columns = lines.iter().map(String::len).max().unwrap_or(0) as u32;
        let size = (columns * CELL.0, lines.len() as u32 * ROW);
        let mut page = GrayImage::from_pixel(size.0, size.1, Luma([255]));
        for (row, line) in lines.iter().enumerate() {
            for (column, character) in line.chars().enumerate() {
                let forgery = Forged::at(forged, row, column);
                let Some(glyph) = self.glyph(character, forgery) else {
                    continue;
                };
                let off = u32::from(forgery == Some(Forgery::SixOffTheLine)) * CELL.0 * 3 / 40;
                let (x, y) = (
                    column as u32 * CELL.0,
                    row as u32 * ROW + (ROW - CELL.1) / 2 + off,
                );
                imageops::replace(&mut page, &glyph, x.into(), y.into());
            }
        }
        let scaled = |length: u32| {
            (f64::from(length) * pitch / f64::from(CELL.0))
                .round()
                .max(1.0) as u32
        };
        imageops::resize(
            &page,
            scaled(size.0),
            scaled(size.1),
            FilterType::CatmullRom,
        )
    }

    /// A page with the zone at its foot, other text and a dark picture above it, on a cluttered desk.
    pub fn page(&self, zone: &[String], pitch: f64, rng: &mut StdRng) -> RgbImage {
        self.forged_page(zone, pitch, None, rng)
    }

    /// The same with a part of the zone forged.
    pub fn forged_page(
        &self,
        zone: &[String],
        pitch: f64,
        forged: Option<Forged>,
        rng: &mut StdRng,
    ) -> RgbImage {
        let zone = self.write(zone, pitch, forged);
        let (width, height) = (
            zone.width() + 2 * (pitch * 2.0) as u32,
            zone.height() + zone.width() / 2,
        );
        let margin = (pitch * rng.random_range(3.0..8.0)) as u32;
        let mut desk = RgbImage::from_fn(width + 2 * margin, height + 2 * margin, |x, y| {
            let stripe = if (x / 9 + y / 23) % 3 == 0 { 18 } else { 0 };
            Rgb([84 + stripe, 72 + stripe, 62])
        });
        let paper = RgbImage::from_fn(width, height, |x, y| {
            let wave = ((f64::from(x) / 17.0).sin() * (f64::from(y) / 13.0).cos() * 9.0) as i32;
            let tone = |base: i32| (base + wave).clamp(0, 255) as u8;
            Rgb([tone(232), tone(236), tone(234)])
        });
        imageops::replace(&mut desk, &paper, margin.into(), margin.into());
        let (left, top) = (margin + (pitch * 2.0) as u32, margin);
        for y in 0..height / 3 {
            for x in 0..width / 5 {
                let tone = (60 + (x * 7 + y * 3) % 90) as u8;
                desk.put_pixel(
                    left + x,
                    top + height / 12 + y,
                    Rgb([tone, tone - 20, tone / 2]),
                );
            }
        }
        for row in 0..5_u32 {
            let words: String = (0..rng.random_range(6..20))
                .map(|_| ALPHABET.as_bytes()[rng.random_range(0..36)] as char)
                .collect();
            let text = self.write(&[words], pitch * rng.random_range(0.45..0.75), None);
            let y = top + height / 12 + row * height / 10;
            darken(&mut desk, &text, left + width / 4, y, 0.8);
        }
        darken(
            &mut desk,
            &zone,
            left,
            margin + height - zone.height() - (pitch * 1.2) as u32,
            0.9,
        );
        desk
    }
}

/// Prints onto a page; ink lets some of it through.
fn darken(page: &mut RgbImage, ink: &GrayImage, left: u32, top: u32, strength: f32) {
    for (x, y, tone) in ink.enumerate_pixels() {
        let (x, y) = (left + x, top + y);
        if x >= page.width() || y >= page.height() {
            continue;
        }
        let light = 1.0 - strength * (1.0 - f32::from(tone.0[0]) / 255.0);
        let pixel = page.get_pixel_mut(x, y);
        pixel.0 = pixel.0.map(|channel| (f32::from(channel) * light) as u8);
    }
}
