//! From a detector's outputs to the faces that they tell of.
//!
//! The formulas are those of the projects whose networks these are: `SCRFD` in insightface's `detection/scrfd`
//! (`tools/scrfd.py`: distances and points in strides from the cell's corner), `YuNet` in OpenCV's `FaceDetectorYN`
//! (`modules/objdetect/src/face_detect.cpp`: the mean of two scores, an exponential for the sides). Both tell first the eye on the
//! picture's left, then that on its right, the nose, and the corners of the mouth on the left and on the right.

use super::canvas::Canvas;
use super::find::Find;
use super::layout::{STRIDES, kinds, rows};
use crate::domain::detector::DetectorLayout;

/// Anchors of a cell in `SCRFD`.
const ANCHORS: usize = 2;

/// The faces in a detector's outputs, which come stride by stride; or what is wrong with them.
pub(super) fn finds(
    layout: DetectorLayout,
    canvas: Canvas,
    min_confidence: f32,
    outputs: &[Vec<f32>],
) -> Result<Vec<Find>, String> {
    let mut found = Vec::new();
    let kinds = kinds(layout);
    for (stride, outputs) in STRIDES.into_iter().zip(outputs.chunks(kinds.len())) {
        let rows = rows(layout, canvas, stride);
        for (values, (kind, wanted)) in outputs.iter().zip(kinds) {
            if values.len() != rows * wanted {
                let length = values.len();
                return Err(format!(
                    "the detector gave {length} values for {kind}_{stride}"
                ));
            }
        }
        let level = Level {
            stride: stride.into(),
            columns: (canvas.width / stride) as usize,
        };
        found.extend(match (layout, outputs) {
            (DetectorLayout::Scrfd, [scores, boxes, points]) => {
                level.scrfd([scores, boxes, points], min_confidence)
            }
            (DetectorLayout::YuNet, [classes, objects, boxes, points]) => {
                level.yunet([classes, objects, boxes, points], min_confidence)
            }
            _ => return Err(format!("the detector gave too little for stride {stride}")),
        });
    }
    Ok(found)
}

/// The cells of one size.
struct Level {
    stride: f64,
    columns: usize,
}

impl Level {
    /// Column and row of a cell.
    fn cell(&self, index: usize) -> (f64, f64) {
        ((index % self.columns) as f64, (index / self.columns) as f64)
    }

    fn scrfd(&self, [scores, boxes, points]: [&[f32]; 3], min_confidence: f32) -> Vec<Find> {
        let rows = boxes.chunks_exact(4).zip(points.chunks_exact(10));
        let sure = scores.iter().zip(rows).enumerate();
        sure.filter(|(_, (score, _))| **score >= min_confidence)
            .map(|(row, (score, (edges, points)))| {
                let (column, line) = self.cell(row / ANCHORS);
                let from_corner =
                    |x: f64, y: f64| ((column + x) * self.stride, (line + y) * self.stride);
                let [left, top, right, bottom] = [0, 1, 2, 3].map(|edge| f64::from(edges[edge]));
                Find {
                    left_top: from_corner(-left, -top),
                    right_bottom: from_corner(right, bottom),
                    confidence: *score,
                    points: Some(five(points, from_corner)),
                }
            })
            .collect()
    }

    fn yunet(
        &self,
        [classes, objects, boxes, points]: [&[f32]; 4],
        min_confidence: f32,
    ) -> Vec<Find> {
        let scores = classes.iter().zip(objects).map(|(class, object)| {
            // What is not a number stays none, and is below every bound.
            (class.clamp(0.0, 1.0) * object.clamp(0.0, 1.0)).sqrt()
        });
        let rows = boxes.chunks_exact(4).zip(points.chunks_exact(10));
        let sure = scores.zip(rows).enumerate();
        sure.filter(|(_, (score, _))| *score >= min_confidence)
            .map(|(cell, (score, (sides, points)))| {
                let (column, line) = self.cell(cell);
                let from_corner =
                    |x: f64, y: f64| ((column + x) * self.stride, (line + y) * self.stride);
                let [x, y, width, height] = [0, 1, 2, 3].map(|side| f64::from(sides[side]));
                let (half_width, half_height) = (width.exp() / 2.0, height.exp() / 2.0);
                Find {
                    left_top: from_corner(x - half_width, y - half_height),
                    right_bottom: from_corner(x + half_width, y + half_height),
                    confidence: score,
                    points: Some(five(points, from_corner)),
                }
            })
            .collect()
    }
}

fn five(values: &[f32], place: impl Fn(f64, f64) -> (f64, f64)) -> [(f64, f64); 5] {
    std::array::from_fn(|point| {
        place(
            f64::from(values[2 * point]),
            f64::from(values[2 * point + 1]),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 8 x 4, 4 x 2 and 2 x 1 cells.
    const CANVAS: Canvas = Canvas {
        width: 64,
        height: 32,
    };
    const POINTS: [f32; 10] = [0.25, 0.5, 0.75, 0.5, 0.5, 1.0, 0.25, 1.5, 0.75, 1.5];

    /// Outputs of zeros, as many as a layout has.
    fn nothing(layout: DetectorLayout) -> Vec<Vec<f32>> {
        let of_stride = |stride| {
            let rows = rows(layout, CANVAS, stride);
            kinds(layout)
                .iter()
                .map(move |(_, values)| vec![0.0; rows * values])
        };
        STRIDES.into_iter().flat_map(of_stride).collect()
    }

    fn put(output: &mut [f32], row: usize, values: &[f32]) {
        output[row * values.len()..][..values.len()].copy_from_slice(values);
    }

    #[test]
    fn scrfd_tells_distances_and_points_in_strides_from_the_corner_of_a_cell() {
        let layout = DetectorLayout::Scrfd;
        let mut outputs = nothing(layout);
        assert_eq!(finds(layout, CANVAS, 0.5, &outputs), Ok(vec![]));
        // The second anchor of the cell in column 2 and row 1, of four columns of 16 pixels; and one that is not sure.
        let row = 2 * (4 + 2) + 1;
        put(&mut outputs[3], row, &[0.75]);
        put(&mut outputs[4], row, &[1.0, 0.5, 1.5, 2.0]);
        put(&mut outputs[5], row, &POINTS);
        put(&mut outputs[0], 3, &[0.49]);
        put(&mut outputs[6], 1, &[f32::NAN]);
        let expected = Find {
            left_top: (16.0, 8.0),
            right_bottom: (56.0, 48.0),
            confidence: 0.75,
            points: Some([
                (36.0, 24.0),
                (44.0, 24.0),
                (40.0, 32.0),
                (36.0, 40.0),
                (44.0, 40.0),
            ]),
        };
        assert_eq!(finds(layout, CANVAS, 0.5, &outputs), Ok(vec![expected]));
    }

    #[test]
    fn yunet_tells_a_centre_an_exponential_size_and_two_scores() {
        let layout = DetectorLayout::YuNet;
        let mut outputs = nothing(layout);
        assert_eq!(finds(layout, CANVAS, 0.5, &outputs), Ok(vec![]));
        // The cell in column 3 and row 2, of eight columns of 8 pixels; its class is cut to 1. Another is as sure of one of
        // both only.
        let cell = 2 * 8 + 3;
        put(&mut outputs[0], cell, &[1.5]);
        put(&mut outputs[1], cell, &[0.25]);
        put(
            &mut outputs[2],
            cell,
            &[0.5, 0.25, 2.0_f32.ln(), 4.0_f32.ln()],
        );
        put(&mut outputs[3], cell, &POINTS);
        put(&mut outputs[4], 0, &[1.0]);
        put(&mut outputs[5], 0, &[0.24]);
        put(&mut outputs[8], 1, &[1.0]);
        put(&mut outputs[9], 1, &[f32::NAN]);
        let found = finds(layout, CANVAS, 0.5, &outputs).unwrap();
        let [find] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(find.confidence, 0.5);
        let near =
            |(x, y): (f64, f64), (a, b): (f64, f64)| (x - a).abs() < 1e-5 && (y - b).abs() < 1e-5;
        assert!(near(find.left_top, (20.0, 2.0)), "{find:?}");
        assert!(near(find.right_bottom, (36.0, 34.0)), "{find:?}");
        let expected = [
            (26.0, 20.0),
            (30.0, 20.0),
            (28.0, 24.0),
            (26.0, 28.0),
            (30.0, 28.0),
        ];
        assert_eq!(find.points, Some(expected));
    }

    #[test]
    fn the_largest_cells_come_last() {
        let mut outputs = nothing(DetectorLayout::Scrfd);
        put(&mut outputs[6], 2, &[1.0]);
        put(&mut outputs[7], 2, &[0.5, 0.0, 0.5, 1.0]);
        let found = finds(DetectorLayout::Scrfd, CANVAS, 0.5, &outputs).unwrap();
        assert_eq!(
            (found[0].left_top, found[0].right_bottom),
            ((16.0, 0.0), (48.0, 32.0))
        );
    }

    #[test]
    fn outputs_of_another_length_are_a_fault() {
        for layout in [DetectorLayout::Scrfd, DetectorLayout::YuNet] {
            let mut outputs = nothing(layout);
            outputs[2].push(0.0);
            let fault = finds(layout, CANVAS, 0.5, &outputs).unwrap_err();
            assert!(fault.contains("values for"), "{fault}");
            outputs.truncate(1);
            assert!(finds(layout, CANVAS, 0.5, &outputs).is_err());
        }
    }
}
