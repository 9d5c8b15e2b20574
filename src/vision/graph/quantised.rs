//! Weights that a file keeps as eight-bit numbers, with a scale for each block of them, as OpenCV Zoo's `int8bq` files do.
//!
//! ONNX Runtime would turn them into floats anew in every run, and refuses some of these files. Here it is done once, after
//! the definition of `DequantizeLinear` (ONNX operators, version 21): `(x - zero point) * scale`. Inputs and constants that
//! no node uses, which such files list too, are left out: the runtime would ask for the former. Large weights are taken out
//! on the way, and are never part of the message that is written.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::onnx::{INT8, attribute, graph_of_nodes, node, tensor, value};
use super::outside::{is_large, put_place};
use super::wire::{Field, fields, numbers};
use super::{Tensor, Weights, put_constant, shape_of, text, texts, with_graph};

/// The same model with all its weights as floats; the model as it is where there is nothing to do, or it cannot be done. Of
/// those that were not floats, the ones of at least so many bytes are beside it.
pub(in crate::vision) fn with_float_weights(
    model: &[u8],
    min_bytes: usize,
) -> (Cow<'_, [u8]>, Vec<Weights>) {
    if memchr::memmem::find(model, b"DequantizeLinear").is_none() {
        return (Cow::Borrowed(model), Vec::new());
    }
    let mut taken = Vec::new();
    match with_graph(model, |graph| rewrite(graph, min_bytes, &mut taken)) {
        Some(written) => (Cow::Owned(written), taken),
        None => (Cow::Borrowed(model), Vec::new()),
    }
}

fn rewrite(graph: &[u8], min_bytes: usize, taken: &mut Vec<Weights>) -> Option<Vec<u8>> {
    let fields = fields(graph)?;
    let constants = constants(&fields)?;
    let mut weights = HashMap::new();
    let mut used: HashSet<&[u8]> = outputs(&fields)?;
    for (index, field) in fields.iter().enumerate() {
        if field.number != graph_of_nodes::NODE {
            continue;
        }
        let node = self::fields(field.bytes()?)?;
        if holds_graph(&node)? {
            return None;
        }
        match Quantised::read(&node, &constants) {
            Some(quantised) => {
                weights.insert(index, quantised);
            }
            None => used.extend(texts(&node, node::INPUT)),
        }
    }
    if weights.is_empty() {
        return None;
    }
    let mut written = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        match (weights.get(&index), field.number) {
            (Some(quantised), _) if is_large(quantised.values.len(), min_bytes) => {
                put_place(&mut written, quantised.output, &quantised.dims);
                taken.push(quantised.weights()?);
            }
            (Some(quantised), _) => {
                let values = quantised.floats();
                put_constant(&mut written, quantised.output, &quantised.dims, values);
            }
            (None, graph_of_nodes::INPUT) => {
                let name = name_of(field, value::NAME)?;
                if used.contains(name) && !constants.contains_key(name) {
                    written.extend(field.raw);
                }
            }
            (None, graph_of_nodes::INITIALIZER)
                if !used.contains(name_of(field, tensor::NAME)?) => {}
            _ => written.extend(field.raw),
        }
    }
    Some(written)
}

/// The constant tensors, by name.
fn constants<'a>(graph: &[Field<'a>]) -> Option<HashMap<&'a [u8], &'a [u8]>> {
    let constants = graph
        .iter()
        .filter(|field| field.number == graph_of_nodes::INITIALIZER);
    constants
        .map(|field| Some((name_of(field, tensor::NAME)?, field.bytes()?)))
        .collect()
}

fn outputs<'a>(graph: &[Field<'a>]) -> Option<HashSet<&'a [u8]>> {
    let outputs = graph
        .iter()
        .filter(|field| field.number == graph_of_nodes::OUTPUT);
    outputs.map(|field| name_of(field, value::NAME)).collect()
}

fn name_of<'a>(field: &Field<'a>, number: u64) -> Option<&'a [u8]> {
    text(&fields(field.bytes()?)?, number)
}

/// Whether a node holds a graph, whose nodes may use anything around it.
fn holds_graph(node: &[Field<'_>]) -> Option<bool> {
    for attribute in node.iter().filter(|f| f.number == node::ATTRIBUTE) {
        let attribute = fields(attribute.bytes()?)?;
        let is_graph = |f: &Field<'_>| matches!(f.number, attribute::GRAPH | attribute::GRAPHS);
        if attribute.iter().any(is_graph) {
            return Some(true);
        }
    }
    Some(false)
}

/// A `DequantizeLinear` of constants.
struct Quantised<'a> {
    output: &'a [u8],
    dims: Vec<u64>,
    values: Vec<i8>,
    scales: Vec<f32>,
    zero_points: Vec<i8>,
    spread: Spread,
}

impl<'a> Quantised<'a> {
    /// None where the node is another, or says something that is not expected of it.
    fn read(node: &[Field<'a>], constants: &HashMap<&'a [u8], &'a [u8]>) -> Option<Self> {
        if text(node, node::OP_TYPE)? != b"DequantizeLinear" {
            return None;
        }
        let (&[weights, scales, zero_points], &[output]) =
            (&*texts(node, node::INPUT), &*texts(node, node::OUTPUT))
        else {
            return None;
        };
        let (dims, values) = bytes_of(constants.get(weights)?)?;
        let scales = Tensor::read(constants.get(scales)?)?;
        let (_, zero_points) = bytes_of(constants.get(zero_points)?)?;
        let axis = number(node, b"axis")?.unwrap_or(1);
        let block = number(node, b"block_size")?.unwrap_or(0);
        let spread = Spread::of(&dims, &scales.dims, axis, block)?;
        (zero_points.len() == scales.values.len()).then_some(Self {
            output,
            dims,
            values,
            scales: scales.values,
            zero_points,
            spread,
        })
    }

    fn floats(&self) -> impl ExactSizeIterator<Item = f32> {
        self.values.iter().enumerate().map(|(index, value)| {
            let scale = self.spread.scale_of(index);
            let difference = i16::from(*value) - i16::from(self.zero_points[scale]);
            f32::from(difference) * self.scales[scale]
        })
    }

    fn weights(&self) -> Option<Weights> {
        Weights::new(self.output, &self.dims, self.floats().collect())
    }
}

/// Which scale counts for which value.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Spread {
    /// There is one.
    One,
    /// Of the steps along an axis, which lie `inner` values apart, so many share one.
    Blocks {
        length: usize,
        inner: usize,
        block: usize,
    },
}

impl Spread {
    /// None where scales are not by the block: the runtime does well with those of whole axes.
    fn of(dims: &[u64], scales: &[u64], axis: i64, block: i64) -> Option<Self> {
        if scales.iter().product::<u64>() == 1 {
            return Some(Self::One);
        }
        let rank = i64::try_from(dims.len()).ok()?;
        let axis = usize::try_from(if axis < 0 { axis + rank } else { axis }).ok()?;
        let block = u64::try_from(block).ok().filter(|block| *block > 0)?;
        let length = *dims.get(axis)?;
        let mut blocks = dims.to_vec();
        blocks[axis] = length.div_ceil(block);
        let size = |number: u64| usize::try_from(number).ok();
        (blocks == scales).then_some(Self::Blocks {
            length: size(length)?,
            inner: size(dims[axis + 1..].iter().product())?,
            block: size(block)?,
        })
    }

    fn scale_of(self, index: usize) -> usize {
        match self {
            Self::One => 0,
            Self::Blocks {
                length,
                inner,
                block,
            } => {
                let (outer, rest) = (index / (length * inner), index % (length * inner));
                let (step, within) = (rest / inner, rest % inner);
                (outer * length.div_ceil(block) + step / block) * inner + within
            }
        }
    }
}

/// Shape and values of a tensor of eight-bit numbers; none where it is of others, or its values are not in the message.
fn bytes_of(message: &[u8]) -> Option<(Vec<u64>, Vec<i8>)> {
    let fields = fields(message)?;
    let (dims, count) = shape_of(&fields, INT8)?;
    let bytes = text(&fields, tensor::RAW_DATA)?.iter();
    let values: Vec<i8> = bytes.map(|byte| byte.cast_signed()).collect();
    (count == values.len() as u64).then_some((dims, values))
}

/// An attribute that is a number, where the node has it.
fn number(node: &[Field<'_>], name: &[u8]) -> Option<Option<i64>> {
    for attribute in node.iter().filter(|f| f.number == node::ATTRIBUTE) {
        let attribute = fields(attribute.bytes()?)?;
        if text(&attribute, attribute::NAME) == Some(name) {
            let number = numbers(&attribute, attribute::INT)?.last().copied();
            return Some(number.map(u64::cast_signed));
        }
    }
    Some(None)
}

#[cfg(test)]
mod tests {
    use super::super::examples::{self, floats, tensor_of};
    use super::super::onnx::FLOAT;
    use super::super::wire::{put_bytes, put_number};
    use super::*;

    /// With its values where such files have them.
    fn raw_tensor(name: &str, kind: u64, dims: &[u64], values: &[u8]) -> Vec<u8> {
        tensor_of(name, kind, dims, tensor::RAW_DATA, values)
    }

    fn node_of(operator: &str, inputs: &[&str], output: &str, numbers: &[(&str, i64)]) -> Vec<u8> {
        let mut message = examples::node_of(operator, inputs, output);
        for (name, number) in numbers {
            let mut attribute = Vec::new();
            put_bytes(&mut attribute, attribute::NAME, name.as_bytes());
            put_number(&mut attribute, attribute::INT, number.cast_unsigned());
            put_bytes(&mut message, node::ATTRIBUTE, &attribute);
        }
        message
    }

    /// `y = x @ w`, where `w` has 2 x 5 values in blocks of 3, and a constant and an input that nobody uses.
    fn model_of(weights: &[u8], attributes: &[(&str, i64)]) -> Vec<u8> {
        let named = |name: &str| {
            let mut message = Vec::new();
            put_bytes(&mut message, value::NAME, name.as_bytes());
            message
        };
        let inputs = ["q", "s", "z"];
        let mut graph = Vec::new();
        for node in [
            node_of("DequantizeLinear", &inputs, "w", attributes),
            node_of("MatMul", &["x", "w"], "y", &[]),
        ] {
            put_bytes(&mut graph, graph_of_nodes::NODE, &node);
        }
        let scales = floats(&[0.5, 2.0, 0.25, 1.0]);
        for constant in [
            raw_tensor("q", INT8, &[2, 5], weights),
            raw_tensor("s", FLOAT, &[2, 2], &scales),
            raw_tensor("z", INT8, &[2, 2], &[0, 1, 0xFF, 0]),
            raw_tensor("idle", FLOAT, &[1], &floats(&[1.0])),
        ] {
            put_bytes(&mut graph, graph_of_nodes::INITIALIZER, &constant);
        }
        for input in ["x", "q", "idle", "nobody's"] {
            put_bytes(&mut graph, graph_of_nodes::INPUT, &named(input));
        }
        put_bytes(&mut graph, graph_of_nodes::OUTPUT, &named("y"));
        let mut model = Vec::new();
        put_bytes(&mut model, super::super::model::GRAPH, &graph);
        model
    }

    fn names(graph: &[Field<'_>], kind: u64, number: u64) -> Vec<String> {
        let of = graph.iter().filter(|field| field.number == kind);
        of.map(|field| String::from_utf8(name_of(field, number).unwrap().to_vec()).unwrap())
            .collect()
    }

    const WEIGHTS: [u8; 10] = [1, 2, 3, 4, 5, 0xFE, 0x80, 0x7F, 8, 9];

    #[test]
    fn weights_become_floats_by_the_scale_of_their_block() {
        let model = model_of(&WEIGHTS, &[("axis", 1), ("block_size", 3)]);
        let (written, taken) = with_float_weights(&model, 41);
        assert_eq!(taken, []);
        let written = fields(&written).unwrap();
        let graph = fields(text(&written, super::super::model::GRAPH).unwrap()).unwrap();
        assert_eq!(
            names(&graph, graph_of_nodes::NODE, node::OP_TYPE),
            ["MatMul"]
        );
        assert_eq!(names(&graph, graph_of_nodes::INPUT, value::NAME), ["x"]);
        assert_eq!(names(&graph, graph_of_nodes::OUTPUT, value::NAME), ["y"]);
        let constants: Vec<_> = graph
            .iter()
            .filter(|field| field.number == graph_of_nodes::INITIALIZER)
            .map(|field| Tensor::read(field.bytes().unwrap()).unwrap())
            .collect();
        let [weights] = constants.as_slice() else {
            panic!("{constants:?}");
        };
        assert_eq!((weights.name, &*weights.dims), (&b"w"[..], &[2, 5][..]));
        // Of the first row less 0 by 0.5 and less 1 by 2, of the second less -1 by 0.25 and less 0 by 1.
        let expected = [0.5, 1.0, 1.5, 6.0, 8.0, -0.25, -31.75, 32.0, 8.0, 9.0];
        assert_eq!(weights.values, expected);
        let (_, taken) = with_float_weights(&model, 40);
        let weights = Weights::new(b"w", &[2, 5], expected.to_vec());
        assert_eq!(taken, [weights.unwrap()]);
    }

    #[test]
    fn an_axis_may_be_counted_from_the_end_and_be_any() {
        let spread = |dims: &[u64], scales: &[u64], axis, block| {
            let spread = Spread::of(dims, scales, axis, block)?;
            let count = dims.iter().product::<u64>() as usize;
            Some(
                (0..count)
                    .map(|index| spread.scale_of(index))
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(spread(&[2, 2], &[], 0, 0), Some(vec![0; 4]));
        assert_eq!(spread(&[2, 2], &[1], 1, 64), Some(vec![0; 4]));
        assert_eq!(spread(&[5], &[3], 0, 2), Some(vec![0, 0, 1, 1, 2]));
        assert_eq!(spread(&[1, 4], &[1, 2], -1, 2), Some(vec![0, 0, 1, 1]));
        let first = Some(vec![0, 1, 0, 1, 2, 3]);
        assert_eq!(spread(&[3, 2], &[2, 2], 0, 2), first);
        for (scales, axis, block) in [(&[2][..], 0, 0), (&[2, 2], 2, 2), (&[3, 2], 1, 2)] {
            assert_eq!(spread(&[2, 4], scales, axis, block), None);
        }
    }

    #[test]
    fn what_is_not_understood_is_used_as_it_is() {
        let mut with_graph = model_of(&WEIGHTS, &[]);
        let mut graph_of = Vec::new();
        put_bytes(&mut graph_of, attribute::GRAPH, b"");
        let mut node = node_of("If", &["x"], "z", &[]);
        put_bytes(&mut node, node::ATTRIBUTE, &graph_of);
        let mut graph = Vec::new();
        put_bytes(&mut graph, graph_of_nodes::NODE, &node);
        put_bytes(&mut with_graph, super::super::model::GRAPH, &graph);
        for (why, model) in [
            ("whole axes", model_of(&WEIGHTS, &[("axis", 1)])),
            ("cut weights", model_of(&WEIGHTS[1..], &[("block_size", 3)])),
            ("graphs inside", with_graph),
            ("no model", b"DequantizeLinear".to_vec()),
            ("nothing", Vec::new()),
        ] {
            assert!(
                matches!(with_float_weights(&model, 0), (Cow::Borrowed(_), taken) if taken.is_empty()),
                "{why}"
            );
        }
    }
}
