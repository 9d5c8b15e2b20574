//! What a file says of what its network takes, and whether that can be a detector.

use super::add_detector::NewDetector;
use crate::assets::sha256_of_bytes;
use crate::domain::detector::DetectorManifest;
use crate::vision::{Canvas, Interface, Recognised};

/// Side of the input where the file leaves it open.
const USUAL_SIDE: i64 = 640;
/// Sides are multiples of the largest cells', so that there are whole ones only.
const CELL: i64 = 32;
const MAX_SIDE: i64 = 1280;

/// The pixels that a network looks at, or why it cannot be a detector.
pub(super) fn canvas(interface: &Interface) -> Result<Canvas, String> {
    let [(_, shape)] = interface.inputs.as_slice() else {
        let count = interface.inputs.len();
        return Err(format!("it takes {count} inputs, and a detector one"));
    };
    let [1 | -1, 3, height, width] = shape.as_slice() else {
        return Err(format!(
            "its input has the shape {shape:?}, and one colour picture is [1, 3, height, width]"
        ));
    };
    let [width, height] = [*width, *height].map(|side| if side == -1 { USUAL_SIDE } else { side });
    let fits = |side: i64| (CELL..=MAX_SIDE).contains(&side) && side % CELL == 0;
    if !fits(width) || !fits(height) {
        return Err(format!(
            "its input is {width} x {height}, and sides have to be multiples of {CELL} and at most {MAX_SIDE}"
        ));
    }
    Ok(Canvas {
        width: width as u32,
        height: height as u32,
    })
}

/// What is said and found of it, put together; or what does not fit.
pub(super) fn manifest(
    new: &NewDetector,
    Recognised { layout, outputs }: Recognised,
    Canvas { width, height }: Canvas,
    graph: &[u8],
) -> Result<DetectorManifest, String> {
    let min_confidence = new.min_confidence;
    // Written so that what is not a number is refused.
    if !(min_confidence > 0.0 && min_confidence < 1.0) {
        return Err("the least confidence has to be above 0 and below 1".to_owned());
    }
    let sha256 = sha256_of_bytes(graph);
    let depends = format!("{sha256} {layout} {width} {height} {min_confidence}");
    let hash = sha256_of_bytes(depends.as_bytes());
    Ok(DetectorManifest {
        name: new.name.clone(),
        id: format!("{}-{}", new.name, &hash[..8]),
        sha256,
        licence: new.licence.clone(),
        origin: new.origin.clone(),
        layout,
        outputs,
        width,
        height,
        min_confidence,
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::domain::detector::DetectorLayout;

    fn of(layout: DetectorLayout) -> Recognised {
        let outputs = vec!["448".to_owned()];
        Recognised { layout, outputs }
    }

    fn new() -> NewDetector {
        NewDetector {
            name: "mine".to_owned(),
            file: PathBuf::from("mine.onnx"),
            licence: "ours".to_owned(),
            origin: "here".to_owned(),
            min_confidence: 0.5,
        }
    }

    fn canvas_of(input: &[i64]) -> Result<(u32, u32), String> {
        let interface = Interface {
            inputs: vec![("input".to_owned(), input.to_vec())],
            outputs: vec![],
        };
        canvas(&interface).map(|canvas| (canvas.width, canvas.height))
    }

    #[test]
    fn a_canvas_is_as_large_as_the_input_and_640_pixels_where_that_is_open() {
        for (input, expected) in [
            ([1, 3, 320, 640], (640, 320)),
            ([-1, 3, 1280, 32], (32, 1280)),
            ([1, 3, -1, -1], (640, 640)),
            ([1, 3, 480, -1], (640, 480)),
        ] {
            assert_eq!(canvas_of(&input), Ok(expected));
        }
        for (input, reason) in [
            (&[1, 3, 320, 330][..], "330 x 320"),
            (&[1, 3, 1312, 640], "640 x 1312"),
            (&[1, 3, 0, 640], "640 x 0"),
            (&[1, 1, 640, 640], "one colour picture"),
            (&[1, 640, 640, 3], "one colour picture"),
            (&[2, 3, 640, 640], "one colour picture"),
            (&[], "one colour picture"),
        ] {
            let refused = canvas_of(input).unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
        let two = Interface {
            inputs: vec![Default::default(); 2],
            outputs: vec![],
        };
        assert!(canvas(&two).unwrap_err().contains("2 inputs"));
    }

    #[test]
    fn whatever_changes_finds_changes_the_id() {
        let canvas = |width, height| Canvas { width, height };
        let id = |new: &NewDetector, layout, canvas, graph: &[u8]| {
            manifest(new, of(layout), canvas, graph).unwrap().id
        };
        let first = id(&new(), DetectorLayout::Scrfd, canvas(640, 320), b"abc");
        assert!(first.starts_with("mine-") && first.len() == 13, "{first}");
        let other_licence = NewDetector {
            licence: "other".to_owned(),
            ..new()
        };
        let same = id(
            &other_licence,
            DetectorLayout::Scrfd,
            canvas(640, 320),
            b"abc",
        );
        assert_eq!(first, same);
        let surer = NewDetector {
            min_confidence: 0.6,
            ..new()
        };
        for other in [
            id(&surer, DetectorLayout::Scrfd, canvas(640, 320), b"abc"),
            id(&new(), DetectorLayout::YuNet, canvas(640, 320), b"abc"),
            id(&new(), DetectorLayout::Scrfd, canvas(320, 640), b"abc"),
            id(&new(), DetectorLayout::Scrfd, canvas(640, 320), b"abd"),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn a_confidence_is_above_zero_and_below_one() {
        let canvas = Canvas {
            width: 640,
            height: 640,
        };
        for min_confidence in [0.0, 1.0, -0.5, f32::NAN] {
            let new = NewDetector {
                min_confidence,
                ..new()
            };
            let refused = manifest(&new, of(DetectorLayout::Scrfd), canvas, b"abc").unwrap_err();
            assert!(refused.contains("confidence"), "{refused}");
        }
    }
}
