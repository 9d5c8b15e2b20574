//! Writes an ONNX model: nodes, constants, and what goes in and comes out.

use crate::vision::graph::onnx::{
    FLOAT, attribute, graph_of_nodes, model, node, opset, tensor, value,
};
use crate::vision::graph::wire::{put_bytes, put_number};

/// The version of the format, and that of the operators that are used.
const IR_VERSION: u64 = 7;
const OPSET: u64 = 13;

/// A graph in the making.
#[derive(Debug, Default)]
pub(super) struct Writer {
    graph: Vec<u8>,
}

/// What a node has beside its inputs.
#[derive(Debug)]
pub(super) enum Attribute {
    Number(u64),
    Numbers(Vec<usize>),
}

impl Writer {
    /// A step that makes one tensor of others.
    pub(super) fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        attributes: &[(&str, Attribute)],
    ) {
        let mut message = Vec::new();
        for input in inputs {
            put_bytes(&mut message, node::INPUT, input.as_bytes());
        }
        put_bytes(&mut message, node::OUTPUT, output.as_bytes());
        put_bytes(&mut message, node::NAME, output.as_bytes());
        put_bytes(&mut message, node::OP_TYPE, operator.as_bytes());
        for (name, value) in attributes {
            let mut message_of_attribute = Vec::new();
            put_bytes(&mut message_of_attribute, attribute::NAME, name.as_bytes());
            let kind = match value {
                Attribute::Number(number) => {
                    put_number(&mut message_of_attribute, attribute::INT, *number);
                    attribute::TYPE_INT
                }
                Attribute::Numbers(numbers) => {
                    for number in numbers {
                        put_number(&mut message_of_attribute, attribute::INTS, *number as u64);
                    }
                    attribute::TYPE_INTS
                }
            };
            put_number(&mut message_of_attribute, attribute::TYPE, kind);
            put_bytes(&mut message, node::ATTRIBUTE, &message_of_attribute);
        }
        put_bytes(&mut self.graph, graph_of_nodes::NODE, &message);
    }

    /// A constant tensor.
    pub(super) fn constant(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let mut message = Vec::new();
        for side in shape {
            put_number(&mut message, tensor::DIMS, *side as u64);
        }
        put_number(&mut message, tensor::DATA_TYPE, FLOAT);
        put_bytes(&mut message, tensor::NAME, name.as_bytes());
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        put_bytes(&mut message, tensor::RAW_DATA, &bytes);
        put_bytes(&mut self.graph, graph_of_nodes::INITIALIZER, &message);
    }

    /// The whole model.
    pub(super) fn finish(
        mut self,
        name: &str,
        (input, input_shape): (&str, &[usize]),
        (output, output_shape): (&str, &[usize]),
    ) -> Vec<u8> {
        put_bytes(&mut self.graph, graph_of_nodes::NAME, name.as_bytes());
        let ends = [
            (graph_of_nodes::INPUT, input, input_shape),
            (graph_of_nodes::OUTPUT, output, output_shape),
        ];
        for (number, name, shape) in ends {
            put_bytes(&mut self.graph, number, &value_of(name, shape));
        }
        let mut import = Vec::new();
        put_number(&mut import, opset::VERSION, OPSET);
        let mut written = Vec::with_capacity(self.graph.len() + 64);
        put_number(&mut written, model::IR_VERSION, IR_VERSION);
        put_bytes(&mut written, model::PRODUCER_NAME, b"likeness");
        put_bytes(&mut written, model::GRAPH, &self.graph);
        put_bytes(&mut written, model::OPSET_IMPORT, &import);
        written
    }
}

/// The name and the type of an input or output.
fn value_of(name: &str, sides: &[usize]) -> Vec<u8> {
    let mut shape = Vec::new();
    for side in sides {
        let mut dim = Vec::new();
        put_number(&mut dim, value::DIM_VALUE, *side as u64);
        put_bytes(&mut shape, value::DIM, &dim);
    }
    let mut of_tensor = Vec::new();
    put_number(&mut of_tensor, value::ELEMENT_TYPE, FLOAT);
    put_bytes(&mut of_tensor, value::SHAPE, &shape);
    let mut kind = Vec::new();
    put_bytes(&mut kind, value::TENSOR_TYPE, &of_tensor);
    let mut message = Vec::new();
    put_bytes(&mut message, value::NAME, name.as_bytes());
    put_bytes(&mut message, value::TYPE, &kind);
    message
}
