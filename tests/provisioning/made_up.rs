//! Files of detectors in both layouts, made up so that the faces of three photographs come out where they are.

use likeness::domain::face::{BoundingBox, Face, Point};

use crate::onnx::{Output, by_columns};
use crate::own_models::fixture;

/// The photographs that a detector is tried on, the narrowest first.
pub const PICTURES: [&str; 3] = ["biden.jpg", "obama2.jpg", "obama.jpg"];
const STRIDES: [u32; 3] = [8, 16, 32];

/// A detector that knows where the faces of three photographs are.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Of 640 x 640 pixels, with numbers for names and open sides.
    Scrfd,
    /// The same, without points.
    ScrfdWithoutPoints,
    /// Of 480 x 640 pixels.
    YuNet,
}

impl Kind {
    /// Names of what is given of each stride, and how many values a row has.
    fn kinds(self) -> &'static [(&'static str, usize)] {
        match self {
            Self::Scrfd => &[("score", 1), ("bbox", 4), ("kps", 10)],
            Self::ScrfdWithoutPoints => &[("score", 1), ("bbox", 4)],
            Self::YuNet => &[("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)],
        }
    }

    fn canvas(self) -> (u32, u32) {
        match self {
            Self::Scrfd | Self::ScrfdWithoutPoints => (640, 640),
            Self::YuNet => (480, 640),
        }
    }

    fn anchors(self) -> usize {
        match self {
            Self::Scrfd | Self::ScrfdWithoutPoints => 2,
            Self::YuNet => 1,
        }
    }

    /// What is given of a face of this box and these points, in strides from the corner of its cell.
    fn row(self, [left, top, right, bottom]: [f32; 4], points: &[f32]) -> Vec<Vec<f32>> {
        match self {
            Self::Scrfd | Self::ScrfdWithoutPoints => {
                vec![vec![0.9], vec![-left, -top, right, bottom], points.to_vec()]
            }
            Self::YuNet => {
                let middle = [(left + right) / 2.0, (top + bottom) / 2.0];
                let sides = [(right - left).ln(), (bottom - top).ln()];
                let bounds = [middle, sides].concat();
                vec![vec![1.0], vec![0.81], bounds, points.to_vec()]
            }
        }
    }
}

/// Where a picture lies on a canvas.
struct Frame {
    left: f32,
    top: f32,
    scale: [f32; 2],
}

impl Frame {
    fn of(picture: &str, canvas: (u32, u32)) -> Self {
        let picture = image::load_from_memory(&fixture(picture)).unwrap();
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let (across, down) = (canvas.0 as f32, canvas.1 as f32);
        let scale = (across / width).min(down / height);
        let (wide, high) = ((width * scale).round(), (height * scale).round());
        Self {
            left: ((across - wide) / 2.0).floor(),
            top: ((down - high) / 2.0).floor(),
            scale: [wide / width, high / height],
        }
    }

    fn place(&self, x: f32, y: f32) -> [f32; 2] {
        [self.left + x * self.scale[0], self.top + y * self.scale[1]]
    }
}

/// The three faces, each in one stride, moved across by some pixels of the canvas.
pub fn detector(kind: Kind, faces: &[Face; 3], moved: f32) -> Vec<u8> {
    let canvas = kind.canvas();
    let frames = PICTURES.map(|picture| Frame::of(picture, canvas));
    let mut outputs = Vec::new();
    for (level, stride) in STRIDES.into_iter().enumerate() {
        let columns = canvas.0 / stride;
        let rows = kind.anchors() * (columns * canvas.1 / stride) as usize;
        for (at, (name, values)) in kind.kinds().iter().enumerate() {
            let nothing = || vec![0.0; rows * values];
            let mut values_of = [nothing(), nothing(), nothing()];
            let cell = cell(&faces[level], &frames[level], stride as f32, moved);
            let row = kind.anchors() * (cell.row * columns + cell.column + 1) as usize - 1;
            let found = &kind.row(cell.bounds, &cell.points)[at];
            values_of[level][row * values..][..*values].copy_from_slice(found);
            outputs.push(output(kind, (name, stride), [rows, *values], values_of));
        }
    }
    let input = match kind {
        Kind::Scrfd | Kind::ScrfdWithoutPoints => [1, 3, -1, -1],
        Kind::YuNet => [1, 3, canvas.1.into(), canvas.0.into()],
    };
    let just_inside = [1, 2].map(|wider: usize| frames[wider].left as i64 + 1);
    by_columns(&input, just_inside, &outputs)
}

/// A face, in strides from the corner of the cell in its middle.
struct Cell {
    column: u32,
    row: u32,
    bounds: [f32; 4],
    points: Vec<f32>,
}

fn cell(face: &Face, frame: &Frame, stride: f32, moved: f32) -> Cell {
    let place = |x: f32, y: f32| {
        let [x, y] = frame.place(x, y);
        [(x + moved) / stride, y / stride]
    };
    let BoundingBox {
        x,
        y,
        width,
        height,
    } = face.bounding_box;
    let [column, row] = place(x + width / 2.0, y + height / 2.0).map(f32::floor);
    let from_corner = |[x, y]: [f32; 2]| [x - column, y - row];
    let [left, top] = from_corner(place(x, y));
    let [right, bottom] = from_corner(place(x + width, y + height));
    let points = face.landmarks.all();
    Cell {
        column: column as u32,
        row: row as u32,
        bounds: [left, top, right, bottom],
        points: points
            .map(|Point { x, y }| from_corner(place(x, y)))
            .concat(),
    }
}

fn output(
    kind: Kind,
    (name, stride): (&str, u32),
    [rows, values]: [usize; 2],
    values_of: [Vec<f32>; 3],
) -> Output {
    let [rows, values] = [rows as u64, values as u64];
    let (name, shape, told) = match kind {
        // Told by their shapes alone, and these by a run.
        Kind::Scrfd | Kind::ScrfdWithoutPoints => (
            format!("{values}.{stride}"),
            vec![rows, values],
            vec![-1, values as i64],
        ),
        Kind::YuNet => (
            format!("{name}_{stride}"),
            vec![1, rows, values],
            vec![1, rows as i64, values as i64],
        ),
    };
    Output {
        name,
        told,
        shape,
        values: values_of,
    }
}
