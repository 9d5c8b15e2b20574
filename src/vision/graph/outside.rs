//! Large weights taken out of a model, so that they can be handed to the runtime beside it.

use std::collections::HashSet;

use super::onnx::{FLOAT, entry, graph_of_nodes, tensor, value};
use super::wire::{fields, put_bytes, put_number};
use super::{Tensor, text, with_graph};

/// Weights that a model names and does not hold.
#[derive(Debug, PartialEq)]
pub(in crate::vision) struct Weights {
    pub name: String,
    pub dims: Vec<i64>,
    pub values: Vec<f32>,
}

/// The model without the constants of floats that take at least so many bytes, and these; none where it has none.
pub(in crate::vision) fn without_large_weights(
    model: &[u8],
    min_bytes: usize,
) -> Option<(Vec<u8>, Vec<Weights>)> {
    let mut taken = Vec::new();
    let model = with_graph(model, |graph| rewrite(graph, min_bytes, &mut taken))?;
    (!taken.is_empty()).then_some((model, taken))
}

fn rewrite(graph: &[u8], min_bytes: usize, taken: &mut Vec<Weights>) -> Option<Vec<u8>> {
    let fields = fields(graph)?;
    let mut replaceable = HashSet::new();
    for input in fields.iter().filter(|f| f.number == graph_of_nodes::INPUT) {
        replaceable.extend(text(&self::fields(input.bytes()?)?, value::NAME));
    }
    let mut written = Vec::new();
    for field in &fields {
        let constant = field
            .bytes()
            .filter(|_| field.number == graph_of_nodes::INITIALIZER)
            .filter(|message| message.len() >= min_bytes)
            .and_then(Tensor::read)
            .filter(|tensor| is_large(tensor.values.len(), min_bytes))
            // What a run may be given in its place is no constant.
            .filter(|tensor| !replaceable.contains(tensor.name));
        match constant {
            Some(Tensor { name, dims, values }) => {
                put_place(&mut written, name, &dims);
                taken.push(Weights::new(name, &dims, values)?);
            }
            None => written.extend(field.raw),
        }
    }
    Some(written)
}

/// Whether so many floats take at least so many bytes.
pub(super) fn is_large(values: usize, min_bytes: usize) -> bool {
    values.saturating_mul(size_of::<f32>()) >= min_bytes
}

/// Writes a constant that says that its values are somewhere else. Whoever names its values never looks there.
pub(super) fn put_place(graph: &mut Vec<u8>, name: &[u8], dims: &[u64]) {
    let mut location = Vec::new();
    put_bytes(&mut location, entry::KEY, b"location");
    put_bytes(&mut location, entry::VALUE, b"beside the model");
    let mut message = Vec::new();
    for &dim in dims {
        put_number(&mut message, tensor::DIMS, dim);
    }
    put_number(&mut message, tensor::DATA_TYPE, FLOAT);
    put_bytes(&mut message, tensor::NAME, name);
    put_bytes(&mut message, tensor::EXTERNAL_DATA, &location);
    put_number(&mut message, tensor::DATA_LOCATION, tensor::EXTERNAL);
    put_bytes(graph, graph_of_nodes::INITIALIZER, &message);
}

impl Weights {
    /// None where the runtime could not have such a name or such sides.
    pub(super) fn new(name: &[u8], dims: &[u64], values: Vec<f32>) -> Option<Self> {
        let dims = dims.iter().map(|dim| i64::try_from(*dim).ok());
        Some(Self {
            name: String::from_utf8(name.to_vec()).ok()?,
            dims: dims.collect::<Option<_>>()?,
            values,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{floats, tensor_of};
    use super::super::model;
    use super::*;

    /// A model of constants, one of which is an input as well.
    fn model_of(constants: &[(&str, &[f32])], input: &str) -> Vec<u8> {
        let mut graph = Vec::new();
        for (name, values) in constants {
            let dims = [1, values.len() as u64];
            let constant = tensor_of(name, FLOAT, &dims, tensor::RAW_DATA, &floats(values));
            put_bytes(&mut graph, graph_of_nodes::INITIALIZER, &constant);
        }
        let mut named = Vec::new();
        put_bytes(&mut named, value::NAME, input.as_bytes());
        put_bytes(&mut graph, graph_of_nodes::INPUT, &named);
        let mut model = Vec::new();
        put_bytes(&mut model, model::GRAPH, &graph);
        model
    }

    #[test]
    fn large_weights_are_taken_out_and_small_ones_and_inputs_stay() {
        let large = [0.5, -1.0, 2.0, 8.0];
        let constants: [(&str, &[f32]); 3] =
            [("small", &large[..3]), ("large", &large), ("input", &large)];
        let model = model_of(&constants, "input");
        let (written, taken) = without_large_weights(&model, 16).unwrap();
        let expected = Weights {
            name: "large".to_owned(),
            dims: vec![1, 4],
            values: large.to_vec(),
        };
        assert_eq!(taken, [expected]);
        let written = fields(&written).unwrap();
        let graph = fields(text(&written, model::GRAPH).unwrap()).unwrap();
        let constants = graph
            .iter()
            .filter(|field| field.number == graph_of_nodes::INITIALIZER);
        let constants: Vec<_> = constants
            .map(|field| {
                let message = field.bytes().unwrap();
                let name = text(&fields(message).unwrap(), tensor::NAME).unwrap();
                (name, Tensor::read(message).is_some())
            })
            .collect();
        let expected = [(&b"small"[..], true), (b"large", false), (b"input", true)];
        assert_eq!(constants, expected);
    }

    #[test]
    fn a_model_without_large_weights_is_left_alone() {
        let model = model_of(&[("small", &[1.0, 2.0])], "x");
        assert_eq!(without_large_weights(&model, 16), None);
        assert_eq!(without_large_weights(b"no model", 1), None);
    }
}
