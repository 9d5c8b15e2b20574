//! Parts of models that tests are written with.

use super::onnx::{node, tensor};
use super::wire::{put_bytes, put_number};

pub fn node_of(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let mut message = Vec::new();
    for input in inputs {
        put_bytes(&mut message, node::INPUT, input.as_bytes());
    }
    put_bytes(&mut message, node::OUTPUT, output.as_bytes());
    put_bytes(&mut message, node::OP_TYPE, operator.as_bytes());
    message
}

/// A constant tensor, whose values are in that field.
pub fn tensor_of(name: &str, kind: u64, dims: &[u64], field: u64, values: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    for &dim in dims {
        put_number(&mut message, tensor::DIMS, dim);
    }
    put_number(&mut message, tensor::DATA_TYPE, kind);
    put_bytes(&mut message, tensor::NAME, name.as_bytes());
    put_bytes(&mut message, field, values);
    message
}

pub fn floats(values: &[f32]) -> Vec<u8> {
    let bytes = values.iter().map(|value| value.to_le_bytes());
    bytes.flatten().collect()
}
