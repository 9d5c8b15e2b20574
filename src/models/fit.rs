//! What a file says of its network, and whether that can be an embedder.

use super::add::NewModel;
use crate::assets::sha256_of_bytes;
use crate::domain::embedder::{OwnInput, OwnManifest};
use crate::domain::network::InputLayout;
use crate::vision::Interface;

/// Side of the input where the file leaves it open: that of faces as ArcFace has them.
const USUAL_SIDE: i64 = 112;
/// Sides that are taken.
const SIDES: std::ops::RangeInclusive<i64> = 32..=512;
/// Lengths of templates that are taken; the database holds no longer ones.
const DIMENSIONS: std::ops::RangeInclusive<i64> = 16..=4000;
/// What is said of it, and what its file says, put together; or what does not fit.
pub(super) fn manifest(
    new: &NewModel,
    interface: &Interface,
    graph: &[u8],
) -> Result<OwnManifest, String> {
    if !(new.mean.is_finite() && new.scale.is_finite() && new.scale > 0.0) {
        return Err("the mean has to be a number, and the scale one above 0".to_owned());
    }
    let (layout, side) = input(interface)?;
    let (output, dimensions) = output(interface, new.output.as_deref())?;
    let mut manifest = OwnManifest {
        name: new.name.clone(),
        id: String::new(),
        sha256: sha256_of_bytes(graph),
        licence: new.licence.clone(),
        origin: new.origin.clone(),
        input: OwnInput {
            layout,
            channels: new.channels,
            side,
            mean: new.mean,
            scale: new.scale,
        },
        output,
        dimensions,
        mirror: new.mirror,
    };
    let OwnInput { mean, scale, .. } = manifest.input;
    let depends = format!(
        "{} {layout:?} {:?} {side} {mean} {scale} {} {}",
        manifest.sha256, new.channels, manifest.output, new.mirror
    );
    let hash = sha256_of_bytes(depends.as_bytes());
    manifest.id = format!("{}-{}", new.name, &hash[..8]);
    Ok(manifest)
}

fn input(interface: &Interface) -> Result<(InputLayout, u32), String> {
    let [(_, shape)] = interface.inputs.as_slice() else {
        return Err(format!(
            "it takes {} inputs, and an embedder one",
            interface.inputs.len()
        ));
    };
    let (layout, height, width) = match shape.as_slice() {
        [1 | -1, 3, height, width] => (InputLayout::Nchw, *height, *width),
        [1 | -1, height, width, 3] => (InputLayout::Nhwc, *height, *width),
        _ => {
            return Err(format!(
                "its input has the shape {shape:?}, and one colour picture is [1, 3, side, side] or [1, side, side, 3]"
            ));
        }
    };
    let side = if height == -1 { USUAL_SIDE } else { height };
    if (width != -1 && width != side) || !SIDES.contains(&side) {
        return Err(format!(
            "its input is {width} x {height}, and has to be a square of {} to {}",
            SIDES.start(),
            SIDES.end()
        ));
    }
    Ok((layout, side as u32))
}

fn output(interface: &Interface, wanted: Option<&str>) -> Result<(String, usize), String> {
    let names = || {
        let names: Vec<&str> = interface
            .outputs
            .iter()
            .map(|output| output.0.as_str())
            .collect();
        names.join(", ")
    };
    let found = match (wanted, interface.outputs.as_slice()) {
        (Some(wanted), outputs) => outputs.iter().find(|(name, _)| name == wanted),
        (None, [only]) => Some(only),
        (None, _) => {
            return Err(format!(
                "it has several outputs, name one of them: {}",
                names()
            ));
        }
    };
    let Some((name, shape)) = found else {
        return Err(format!("it has no such output, but {}", names()));
    };
    let values = match shape.as_slice() {
        [1 | -1, sides @ ..] if !sides.is_empty() && sides.iter().all(|side| *side > 0) => sides
            .iter()
            .try_fold(1_i64, |product, side| product.checked_mul(*side)),
        _ => None,
    };
    match values.filter(|values| DIMENSIONS.contains(values)) {
        Some(values) => Ok((name.clone(), values as usize)),
        None => Err(format!(
            "its output {name} has the shape {shape:?}, and a template is [1, {} to {}]",
            DIMENSIONS.start(),
            DIMENSIONS.end()
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::domain::network::ChannelOrder;

    fn new() -> NewModel {
        NewModel {
            name: "mine".to_owned(),
            file: PathBuf::from("mine.onnx"),
            licence: "ours".to_owned(),
            origin: "here".to_owned(),
            channels: ChannelOrder::Rgb,
            mean: 127.5,
            scale: 1.0 / 127.5,
            output: None,
            mirror: false,
        }
    }

    fn interface(input: &[i64], outputs: &[(&str, &[i64])]) -> Interface {
        let named = |(name, shape): &(&str, &[i64])| ((*name).to_owned(), shape.to_vec());
        Interface {
            inputs: vec![("input".to_owned(), input.to_vec())],
            outputs: outputs.iter().map(named).collect(),
        }
    }

    #[test]
    fn what_the_file_says_becomes_the_manifest() {
        for (input, output, layout, side, dimensions) in [
            (
                &[1, 3, 112, 112][..],
                &[1, 512][..],
                InputLayout::Nchw,
                112,
                512,
            ),
            (&[-1, 3, -1, -1], &[-1, 256], InputLayout::Nchw, 112, 256),
            (
                &[1, 160, 160, 3],
                &[1, 128, 1, 1],
                InputLayout::Nhwc,
                160,
                128,
            ),
        ] {
            let interface = interface(input, &[("e", output)]);
            let made = manifest(&new(), &interface, b"abc").unwrap();
            assert_eq!((made.input.layout, made.input.side), (layout, side));
            assert_eq!((made.output.as_str(), made.dimensions), ("e", dimensions));
        }
    }

    #[test]
    fn whatever_changes_templates_changes_the_id() {
        let interface = interface(&[1, 3, 112, 112], &[("a", &[1, 512]), ("b", &[1, 512])]);
        let a = NewModel {
            output: Some("a".to_owned()),
            ..new()
        };
        let id = |new: &NewModel, graph: &[u8]| manifest(new, &interface, graph).unwrap().id;
        let first = id(&a, b"abc");
        assert!(first.starts_with("mine-") && first.len() == 13, "{first}");
        assert_eq!(
            first,
            id(
                &NewModel {
                    licence: "other".to_owned(),
                    ..a.clone()
                },
                b"abc"
            )
        );
        for other in [
            NewModel {
                output: Some("b".to_owned()),
                ..a.clone()
            },
            NewModel {
                channels: ChannelOrder::Bgr,
                ..a.clone()
            },
            NewModel {
                mean: 127.0,
                ..a.clone()
            },
            NewModel {
                scale: 1.0,
                ..a.clone()
            },
            NewModel {
                mirror: true,
                ..a.clone()
            },
        ] {
            assert_ne!(first, id(&other, b"abc"), "{other:?}");
        }
        assert_ne!(first, id(&a, b"abd"));
    }

    #[test]
    fn what_cannot_be_an_embedder_is_refused_with_the_reason() {
        let square: &[i64] = &[1, 3, 112, 112];
        for (input, outputs, reason) in [
            (
                &[1, 1, 64, 64][..],
                &[("e", &[1, 512][..])][..],
                "[1, 1, 64, 64]",
            ),
            (&[2, 3, 112, 112], &[("e", &[2, 512])], "[2, 3, 112, 112]"),
            (&[1, 3, 112, 96], &[("e", &[1, 512])], "96 x 112"),
            (&[1, 3, 1024, 1024], &[("e", &[1, 512])], "1024"),
            (&[1, 3], &[("e", &[1, 512])], "[1, 3]"),
            (square, &[("e", &[1, 5000])], "[1, 5000]"),
            (square, &[("e", &[1, -1])], "[1, -1]"),
            (square, &[("e", &[512])], "[512]"),
            (
                square,
                &[("a", &[1, 512]), ("b", &[1, 512])],
                "name one of them: a, b",
            ),
            (square, &[], "several outputs"),
        ] {
            let refused = manifest(&new(), &interface(input, outputs), b"abc").unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
        let named = NewModel {
            output: Some("c".to_owned()),
            ..new()
        };
        let refused = manifest(&named, &interface(square, &[("e", &[1, 512])]), b"abc");
        assert!(refused.unwrap_err().contains("no such output, but e"));
        for (mean, scale) in [(f32::NAN, 1.0), (0.0, 0.0), (0.0, f32::INFINITY)] {
            let new = NewModel {
                mean,
                scale,
                ..new()
            };
            assert!(manifest(&new, &interface(square, &[("e", &[1, 512])]), b"abc").is_err());
        }
        let two = Interface {
            inputs: vec![Default::default(); 2],
            ..interface(square, &[("e", &[1, 512])])
        };
        assert!(
            manifest(&new(), &two, b"abc")
                .unwrap_err()
                .contains("2 inputs")
        );
    }
}
