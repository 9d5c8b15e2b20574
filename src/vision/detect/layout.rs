//! Which of a graph's outputs is what, and so whether it is laid out as one of the two kinds of detector that are known.
//!
//! Both look at cells of 8, 16 and 32 pixels. `SCRFD` gives for two anchors in each a score, the distances of the box's edges and
//! five points, nine outputs in all, which insightface's exports name by numbers; they are told by their rows and values.
//! `YuNet` gives for each cell a class, an objectness, a box and five points, twelve outputs, which are told by their names.

use super::canvas::Canvas;
use crate::domain::detector::DetectorLayout;
use crate::vision::session::Interface;

/// Sides of the cells, in pixels.
pub(super) const STRIDES: [u32; 3] = [8, 16, 32];

/// A detector's outputs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Recognised {
    /// What they are.
    pub(crate) layout: DetectorLayout,
    /// Their names, stride by stride.
    pub(crate) outputs: Vec<String>,
}

/// What a graph gives of one stride: names, and how many values each row has.
type Kinds = &'static [(&'static str, usize)];

/// What a layout gives of each stride.
pub(super) const fn kinds(layout: DetectorLayout) -> Kinds {
    match layout {
        DetectorLayout::Scrfd => &[("score", 1), ("bbox", 4), ("kps", 10)],
        DetectorLayout::YuNet => &[("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)],
    }
}

/// How many rows a layout gives of one stride.
pub(super) const fn rows(layout: DetectorLayout, canvas: Canvas, stride: u32) -> usize {
    let cells = (canvas.width / stride) as usize * (canvas.height / stride) as usize;
    match layout {
        DetectorLayout::Scrfd => 2 * cells,
        DetectorLayout::YuNet => cells,
    }
}

/// Finds out what a graph gives for a canvas, from what it says of itself or, where that does not tell, from what it gives
/// when it is run.
///
/// # Errors
/// Why it is neither of the two kinds.
pub(crate) fn recognise(
    said: &Interface,
    canvas: Canvas,
    run: impl FnOnce() -> Result<Interface, String>,
) -> Result<Recognised, String> {
    match recognised(&said.outputs, canvas) {
        Some(recognised) => Ok(recognised),
        None => {
            let given = run()?.outputs;
            recognised(&given, canvas).ok_or_else(|| refusal(&given, canvas))
        }
    }
}

fn recognised(outputs: &[(String, Vec<i64>)], canvas: Canvas) -> Option<Recognised> {
    let all = |layout: DetectorLayout, is: fn(&Wanted, &(String, Vec<i64>)) -> bool| {
        let wanted = wanted(layout, canvas);
        if wanted.len() != outputs.len() {
            return None;
        }
        let name = |wanted: &Wanted| {
            let output = outputs.iter().find(|output| is(wanted, output));
            output.map(|(name, _)| name.clone())
        };
        let outputs = wanted.iter().map(name).collect::<Option<_>>()?;
        Some(Recognised { layout, outputs })
    };
    all(DetectorLayout::YuNet, Wanted::is_named)
        .or_else(|| all(DetectorLayout::Scrfd, Wanted::is_named))
        .or_else(|| all(DetectorLayout::Scrfd, Wanted::is_shaped))
}

/// An output that a layout has.
struct Wanted {
    name: String,
    rows: i64,
    values: i64,
}

fn wanted(layout: DetectorLayout, canvas: Canvas) -> Vec<Wanted> {
    let of_stride = |stride: u32| {
        kinds(layout).iter().map(move |(kind, values)| Wanted {
            name: format!("{kind}_{stride}"),
            rows: rows(layout, canvas, stride) as i64,
            values: *values as i64,
        })
    };
    STRIDES.into_iter().flat_map(of_stride).collect()
}

impl Wanted {
    /// Whether an output has the name, and as many values.
    fn is_named(&self, (name, shape): &(String, Vec<i64>)) -> bool {
        let product = shape
            .iter()
            .try_fold(1_i64, |product, side| product.checked_mul(*side));
        let open = shape.iter().any(|side| *side < 1);
        *name == self.name && !open && product == Some(self.rows * self.values)
    }

    /// Whether an output has so many rows of so many values, maybe in a batch of one.
    fn is_shaped(&self, (_, shape): &(String, Vec<i64>)) -> bool {
        match shape.as_slice() {
            [1, matrix @ ..] if matrix.len() == 2 => *matrix == [self.rows, self.values],
            matrix => *matrix == [self.rows, self.values],
        }
    }
}

fn refusal(outputs: &[(String, Vec<i64>)], canvas: Canvas) -> String {
    let mut wanted = wanted(DetectorLayout::Scrfd, canvas);
    wanted.retain(|wanted| wanted.values != 10);
    let is_given = |wanted: &Wanted| outputs.iter().any(|output| wanted.is_shaped(output));
    if outputs.len() == wanted.len() && wanted.iter().all(is_given) {
        return "it gives scores and boxes as SCRFD does, but no points: the eyes, the nose and the corners of the mouth are \
                needed to align a face"
            .to_owned();
    }
    let outputs: Vec<String> = outputs
        .iter()
        .map(|(name, shape)| format!("{name} {shape:?}"))
        .collect();
    format!(
        "for a picture of {} x {} it gives {}: neither the nine outputs of SCRFD with points nor the twelve of YuNet \
         (cls_, obj_, bbox_ and kps_ 8, 16 and 32)",
        canvas.width,
        canvas.height,
        outputs.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANVAS: Canvas = Canvas {
        width: 640,
        height: 320,
    };
    /// Rows that SCRFD gives for it.
    const ROWS: [i64; 3] = [6400, 1600, 400];

    type Outputs = Vec<(String, Vec<i64>)>;

    fn interface(outputs: &Outputs) -> Interface {
        Interface {
            inputs: vec![("input".to_owned(), CANVAS.shape().to_vec())],
            outputs: outputs.clone(),
        }
    }

    /// What is made of outputs that a graph tells of itself.
    fn told(outputs: &Outputs) -> Result<Recognised, String> {
        recognise(&interface(outputs), CANVAS, || Ok(interface(outputs)))
    }

    /// Outputs of three strides for each number of values, in the order of insightface's exports: all scores first.
    fn numbered(values: &[i64], shape: impl Fn(i64, i64) -> Vec<i64>) -> Outputs {
        let all = values
            .iter()
            .flat_map(|values| ROWS.map(|rows| shape(rows, *values)));
        all.enumerate()
            .map(|(index, shape)| ((448 + index).to_string(), shape))
            .collect()
    }

    fn yunet() -> Outputs {
        let of = |(kind, values): (&str, i64)| {
            [(8, 3200), (16, 800), (32, 200)]
                .map(|(stride, rows)| (format!("{kind}_{stride}"), vec![1, rows, values]))
        };
        [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)]
            .map(of)
            .concat()
    }

    #[test]
    fn scrfd_is_told_by_the_shapes_of_its_outputs() {
        let expected = [
            "448", "451", "454", "449", "452", "455", "450", "453", "456",
        ];
        for shape in [
            |rows, values| vec![rows, values],
            |rows, values| vec![1, rows, values],
        ] {
            let mut outputs = numbered(&[1, 4, 10], shape);
            for _ in 0..2 {
                let found = told(&outputs).unwrap();
                assert_eq!(found.layout, DetectorLayout::Scrfd);
                assert_eq!(found.outputs, expected);
                outputs.reverse();
            }
        }
    }

    #[test]
    fn scrfd_is_told_by_its_names_where_scores_have_no_axis_of_their_own() {
        let outputs: Outputs = [("kps", 10), ("bbox", 4), ("score", 1)]
            .into_iter()
            .flat_map(|(kind, values)| {
                STRIDES.into_iter().zip(ROWS).map(move |(stride, rows)| {
                    let shape = if values == 1 {
                        vec![1, rows]
                    } else {
                        vec![1, rows, values]
                    };
                    (format!("{kind}_{stride}"), shape)
                })
            })
            .collect();
        let found = told(&outputs).unwrap();
        assert_eq!(found.layout, DetectorLayout::Scrfd);
        assert_eq!(
            found.outputs[..4],
            ["score_8", "bbox_8", "kps_8", "score_16"]
        );
    }

    #[test]
    fn yunet_is_told_by_its_names() {
        let found = told(&yunet()).unwrap();
        assert_eq!(found.layout, DetectorLayout::YuNet);
        assert_eq!(
            found.outputs[..5],
            ["cls_8", "obj_8", "bbox_8", "kps_8", "cls_16"]
        );
        let mut renamed = yunet();
        renamed[0].0 = "class_8".to_owned();
        assert!(told(&renamed).unwrap_err().contains("class_8 [1, 3200, 1]"));
    }

    #[test]
    fn what_a_graph_leaves_open_is_told_by_a_run() {
        let open = numbered(&[1, 4, 10], |_, values| vec![-1, values]);
        let given = numbered(&[1, 4, 10], |rows, values| vec![rows, values]);
        let run = || Ok(interface(&given));
        let found = recognise(&interface(&open), CANVAS, run).unwrap();
        assert_eq!(found, told(&given).unwrap());
        let failed = recognise(&interface(&open), CANVAS, || Err("no".to_owned()));
        assert_eq!(failed, Err("no".to_owned()));
        assert!(told(&open).is_err());
    }

    #[test]
    fn what_is_no_detector_with_points_is_refused() {
        let pairs = |values: &[i64]| numbered(values, |rows, values| vec![rows, values]);
        let refused = told(&pairs(&[1, 4])).unwrap_err();
        assert!(refused.contains("but no points"), "{refused}");
        let mut other_rows = pairs(&[1, 4, 10]);
        other_rows[8].1 = vec![100, 10];
        for outputs in [vec![], pairs(&[1, 4, 8]), pairs(&[1, 4, 10, 2]), other_rows] {
            let refused = told(&outputs).unwrap_err();
            assert!(
                refused.contains("640 x 320") && refused.contains("neither"),
                "{refused}"
            );
        }
    }
}
