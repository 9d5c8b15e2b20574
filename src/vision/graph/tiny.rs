//! Weights that are next to nothing made nothing.
//!
//! Training shrinks the weights of channels that nothing listens to without end. What they make of a picture is smaller than
//! a float can say with all its bits (subnormal, IEEE 754), and for such numbers some processors take a hundred times as long:
//! nine tenths of the time of `fr_feature` went there.

use std::collections::HashSet;

use super::onnx::{FLOAT, graph_of_nodes, model, node, tensor};
use super::wire::{fields, ranges};
use super::{shape_of, text, texts};

/// Weights below this are nothing: the sum that such a product goes into does not know it, and the product of two weights
/// from here on is far from the smallest normal float, 1.2e-38.
const TINY: f32 = 1e-16;
/// Operators that add up products of what they are given and their weights.
const SUMS_OF_PRODUCTS: [&[u8]; 3] = [b"Conv", b"Gemm", b"MatMul"];

/// Makes the tiny weights of a model nothing, in place; what is not understood stays as it is.
pub(in crate::vision) fn clear_tiny_weights(model: &mut [u8]) {
    for graph in ranges(model, model::GRAPH).unwrap_or_default() {
        clear_in_graph(&mut model[graph]);
    }
}

fn clear_in_graph(graph: &mut [u8]) -> Option<()> {
    let weights = weights(graph)?;
    for constant in ranges(graph, graph_of_nodes::INITIALIZER)? {
        let constant = &mut graph[constant];
        let name = text(&fields(constant)?, tensor::NAME).map(<[u8]>::to_vec);
        if name.is_some_and(|name| weights.contains(&name)) {
            clear_in_tensor(constant);
        }
    }
    Some(())
}

/// The names of what stands for weights.
fn weights(graph: &[u8]) -> Option<HashSet<Vec<u8>>> {
    let mut weights = HashSet::new();
    for range in ranges(graph, graph_of_nodes::NODE)? {
        let node = fields(&graph[range])?;
        if SUMS_OF_PRODUCTS.contains(&text(&node, node::OP_TYPE)?) {
            let inputs = texts(&node, node::INPUT);
            weights.extend(inputs.into_iter().skip(1).map(<[u8]>::to_vec));
        }
    }
    Some(weights)
}

fn clear_in_tensor(message: &mut [u8]) -> Option<()> {
    shape_of(&fields(message)?, FLOAT)?;
    for number in [tensor::RAW_DATA, tensor::FLOAT_DATA] {
        for values in ranges(message, number)? {
            for value in message[values].as_chunks_mut().0 {
                if f32::from_le_bytes(*value).abs() < TINY {
                    *value = [0; 4];
                }
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::examples::{floats, node_of, tensor_of};
    use super::super::wire::put_bytes;
    use super::super::{Tensor, initializers};
    use super::*;

    const VALUES: [f32; 6] = [1.0, -1e-15, 1e-17, -1e-40, f32::INFINITY, 0.0];

    fn constant(name: &str, kind: u64, field: u64) -> Vec<u8> {
        let dims = [VALUES.len() as u64];
        tensor_of(name, kind, &dims, field, &floats(&VALUES))
    }

    fn model_of(nodes: &[Vec<u8>], constants: &[Vec<u8>]) -> Vec<u8> {
        let mut graph = Vec::new();
        for node in nodes {
            put_bytes(&mut graph, graph_of_nodes::NODE, node);
        }
        for constant in constants {
            put_bytes(&mut graph, graph_of_nodes::INITIALIZER, constant);
        }
        let mut model = Vec::new();
        put_bytes(&mut model, model::GRAPH, &graph);
        model
    }

    #[test]
    fn tiny_weights_are_cleared_and_other_constants_stay() {
        let nodes = [
            node_of("Conv", &["x", "weights", "bias"], "y"),
            node_of("Div", &["x", "divisor"], "y"),
        ];
        let constants = [
            constant("weights", FLOAT, tensor::RAW_DATA),
            constant("bias", FLOAT, tensor::FLOAT_DATA),
            constant("divisor", FLOAT, tensor::RAW_DATA),
        ];
        let mut model = model_of(&nodes, &constants);
        clear_tiny_weights(&mut model);
        let graph = text(&fields(&model).unwrap(), model::GRAPH).unwrap();
        let constants = initializers(&fields(graph).unwrap()).unwrap();
        let values = |tensor: &Tensor<'_>| tensor.values.clone();
        let [weights, bias, divisor] = &*constants.iter().map(values).collect::<Vec<_>>() else {
            panic!("{constants:?}");
        };
        let cleared = [1.0, -1e-15, 0.0, 0.0, f32::INFINITY, 0.0];
        assert_eq!((&**weights, &**bias), (&cleared[..], &cleared[..]));
        assert_eq!(**divisor, VALUES);
    }

    #[test]
    fn what_is_not_understood_stays_as_it_is() {
        let node = [node_of("MatMul", &["x", "weights"], "y")];
        let weights = constant("weights", FLOAT, tensor::RAW_DATA);
        let integers = constant("weights", FLOAT + 1, tensor::RAW_DATA);
        let mut cut_off = model_of(&node, &[weights]);
        cut_off.pop();
        for model in [model_of(&node, &[integers]), cut_off, Vec::new()] {
            let mut cleared = model.clone();
            clear_tiny_weights(&mut cleared);
            assert_eq!(cleared, model);
        }
    }
}
