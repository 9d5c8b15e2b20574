//! From a picture to what a network takes of it.

use image::{Rgb, Rgb32FImage, RgbImage};

use crate::domain::network::{ChannelOrder, Input, InputLayout};

/// A picture of the size that a network takes.
pub(super) fn tensor(picture: &RgbImage, input: &Input) -> Vec<f32> {
    tensor_on(picture.dimensions(), (0, 0), picture, input)
}

/// The same on a canvas of zeros, of so many pixels, with the picture's corner at a place of it.
pub(super) fn tensor_on(
    canvas: (u32, u32),
    corner: (u32, u32),
    picture: &RgbImage,
    input: &Input,
) -> Vec<f32> {
    let planes = match input.channels {
        ChannelOrder::Rgb => colours([0, 1, 2], canvas, corner, picture, input),
        ChannelOrder::Bgr => colours([2, 1, 0], canvas, corner, picture, input),
        ChannelOrder::Grey => grey(canvas, corner, picture, input),
    };
    in_layout(planes, canvas, input.layout)
}

/// An aligned face, whose values are not rounded, of the size that a network takes.
pub(super) fn tensor_of_face(face: &Rgb32FImage, input: &Input) -> Vec<f32> {
    let (mean, scale) = (input.mean.each(), input.scale.each());
    let plane = |colour: usize| {
        let value = move |pixel: &Rgb<f32>| (pixel.0[colour] - mean[colour]) * scale[colour];
        face.pixels().map(value)
    };
    let planes: Vec<f32> = match input.channels {
        ChannelOrder::Rgb => [0, 1, 2].into_iter().flat_map(plane).collect(),
        ChannelOrder::Bgr => [2, 1, 0].into_iter().flat_map(plane).collect(),
        ChannelOrder::Grey => {
            let (mean, scale) = (input.mean.of_luminance(), input.scale.of_luminance());
            let luminances = face.pixels().map(|pixel| luminance_of(pixel.0));
            luminances.map(|value| (value - mean) * scale).collect()
        }
    };
    in_layout(planes, face.dimensions(), input.layout)
}

/// Three planes, of these colours of a pixel.
fn colours(
    order: [usize; 3],
    canvas: (u32, u32),
    corner: (u32, u32),
    picture: &RgbImage,
    input: &Input,
) -> Vec<f32> {
    let area = (canvas.0 * canvas.1) as usize;
    let (mean, scale) = (input.mean.each(), input.scale.each());
    // What each byte becomes: quicker to look up than to work out.
    let tables = order.map(|colour| {
        let value = |byte: usize| (byte as f32 - mean[colour]) * scale[colour];
        std::array::from_fn::<f32, 256, _>(value)
    });
    let mut tensor = vec![0.0; 3 * area];
    let (first, others) = tensor.split_at_mut(area);
    let (second, third) = others.split_at_mut(area);
    for (start, row) in rows(canvas, corner, picture) {
        let planes = first[start..].iter_mut().zip(&mut second[start..]);
        let planes = planes.zip(&mut third[start..]);
        for (((first, second), third), pixel) in planes.zip(row.chunks_exact(3)) {
            *first = tables[0][usize::from(pixel[order[0]])];
            *second = tables[1][usize::from(pixel[order[1]])];
            *third = tables[2][usize::from(pixel[order[2]])];
        }
    }
    tensor
}

/// One plane, of luminance.
fn grey(canvas: (u32, u32), corner: (u32, u32), picture: &RgbImage, input: &Input) -> Vec<f32> {
    let (mean, scale) = (input.mean.of_luminance(), input.scale.of_luminance());
    let mut tensor = vec![0.0; (canvas.0 * canvas.1) as usize];
    for (start, row) in rows(canvas, corner, picture) {
        for (value, pixel) in tensor[start..].iter_mut().zip(row.chunks_exact(3)) {
            *value = (luminance_of([pixel[0], pixel[1], pixel[2]].map(f32::from)) - mean) * scale;
        }
    }
    tensor
}

/// The rows of a picture, and where each begins on a canvas.
fn rows(
    (width, _): (u32, u32),
    (left, top): (u32, u32),
    picture: &RgbImage,
) -> impl Iterator<Item = (usize, &[u8])> {
    let [width, left, top] = [width, left, top].map(|n| n as usize);
    let starts = (top * width + left..).step_by(width.max(1));
    let row = 3 * picture.width().max(1) as usize;
    starts.zip(picture.as_raw().chunks_exact(row))
}

/// Planes of so many pixels, in the order that a network takes.
fn in_layout(planes: Vec<f32>, (width, height): (u32, u32), layout: InputLayout) -> Vec<f32> {
    let area = (width * height) as usize;
    let pixel = |at: usize| planes.iter().skip(at).step_by(area.max(1)).copied();
    match layout {
        InputLayout::Nchw => planes,
        InputLayout::Nhwc => (0..area).flat_map(pixel).collect(),
    }
}

/// A picture whose values may be other than whole numbers, with those of this one.
pub(super) fn exact(picture: &RgbImage) -> Rgb32FImage {
    let mut exact = Rgb32FImage::new(picture.width(), picture.height());
    for (value, byte) in exact.iter_mut().zip(picture.iter()) {
        *value = f32::from(*byte);
    }
    exact
}

/// The picture with values that are rounded.
pub(super) fn rounded(face: &Rgb32FImage) -> RgbImage {
    let (width, height) = face.dimensions();
    let round = |value: f32| (value + 0.5) as u8;
    RgbImage::from_fn(width, height, |x, y| Rgb(face.get_pixel(x, y).0.map(round)))
}

/// Luminance by the weights of ITU-R BT.601, 0 to 255.
pub(super) fn luminance(image: &RgbImage) -> Vec<f32> {
    image
        .pixels()
        .map(|pixel| luminance_of(pixel.0.map(f32::from)))
        .collect()
}

/// Luminance of one pixel.
pub(super) fn luminance_of([red, green, blue]: [f32; 3]) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::network::ByColour;

    fn input(
        layout: InputLayout,
        channels: ChannelOrder,
        mean: ByColour,
        scale: ByColour,
    ) -> Input {
        Input {
            pictures: 1,
            layout,
            channels,
            width: None,
            height: None,
            mean,
            scale,
        }
    }

    fn two_pixels() -> RgbImage {
        RgbImage::from_raw(2, 1, vec![10, 20, 30, 40, 50, 60]).unwrap()
    }

    #[test]
    fn a_picture_is_laid_out_as_the_network_takes_it() {
        use ChannelOrder::{Bgr, Grey, Rgb};
        use InputLayout::{Nchw, Nhwc};
        let (none, one) = (ByColour::All(0.0), ByColour::All(1.0));
        let (mean, scale) = (
            ByColour::Each([10.0, 0.0, 1.0]),
            ByColour::Each([2.0, 0.5, 1.0]),
        );
        for (layout, channels, mean, scale, expected) in [
            (
                Nchw,
                Rgb,
                none,
                one,
                &[10.0, 40.0, 20.0, 50.0, 30.0, 60.0][..],
            ),
            (Nchw, Bgr, none, one, &[30.0, 60.0, 20.0, 50.0, 10.0, 40.0]),
            (Nhwc, Rgb, none, one, &[10.0, 20.0, 30.0, 40.0, 50.0, 60.0]),
            (Nhwc, Bgr, none, one, &[30.0, 20.0, 10.0, 60.0, 50.0, 40.0]),
            (Nchw, Rgb, mean, scale, &[0.0, 60.0, 10.0, 25.0, 29.0, 59.0]),
            (Nchw, Bgr, mean, scale, &[29.0, 59.0, 10.0, 25.0, 0.0, 60.0]),
            (
                Nchw,
                Grey,
                ByColour::All(8.15),
                ByColour::All(2.0),
                &[20.0, 80.0],
            ),
        ] {
            let input = input(layout, channels, mean, scale);
            let face = exact(&two_pixels());
            for found in [tensor(&two_pixels(), &input), tensor_of_face(&face, &input)] {
                assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(expected) {
                    assert!(
                        (found - expected).abs() < 1e-4,
                        "{layout:?} {channels:?}: {found} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn around_a_picture_on_a_larger_canvas_there_are_zeros() {
        let (mean, scale) = (ByColour::All(1.0), ByColour::Each([1.0, 1.0, 2.0]));
        let on_canvas = |channels| {
            let input = input(InputLayout::Nchw, channels, mean, scale);
            tensor_on((3, 2), (1, 1), &two_pixels(), &input)
        };
        let expected = [
            [0.0, 0.0, 0.0, 0.0, 9.0, 39.0],
            [0.0, 0.0, 0.0, 0.0, 19.0, 49.0],
            [0.0, 0.0, 0.0, 0.0, 58.0, 118.0],
        ];
        assert_eq!(on_canvas(ChannelOrder::Rgb), expected.concat());
        let grey = on_canvas(ChannelOrder::Grey);
        assert_eq!(grey[..4], [0.0; 4]);
        assert!(grey[4] > 0.0 && grey[5] > grey[4]);
    }
}
