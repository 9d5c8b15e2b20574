//! A network in which every operator occurs, written here by hand.

use super::*;
use crate::vision::graph::{onnx, wire};

/// Writes FlatBuffers front to back: every object lies behind what refers to it.
#[derive(Default)]
struct File {
    bytes: Vec<u8>,
}

/// What a field of a table holds.
#[derive(Clone)]
enum Value {
    Byte(u8),
    Number(i32),
    Numbers(Vec<i32>),
    Bytes(Vec<u8>),
    Table(Fields),
    Tables(Vec<Fields>),
}

/// A table: its fields by their indices.
type Fields = Vec<(usize, Value)>;

impl File {
    fn of(root: &Fields) -> Vec<u8> {
        let mut file = Self::default();
        file.bytes.extend([0; 4]);
        file.bytes.extend(IDENTIFIER);
        let at = file.table(root);
        file.bytes[..4].copy_from_slice(&(at as u32).to_le_bytes());
        file.bytes
    }

    fn number(&mut self, number: i32) -> usize {
        self.bytes.extend(number.to_le_bytes());
        self.bytes.len() - 4
    }

    /// Makes the distance at a place lead to the end.
    fn lead_here(&mut self, at: usize) {
        let distance = (self.bytes.len() - at) as u32;
        self.bytes[at..at + 4].copy_from_slice(&distance.to_le_bytes());
    }

    fn table(&mut self, fields: &Fields) -> usize {
        let count = fields.iter().map(|(index, _)| index + 1).max().unwrap_or(0);
        let list = self.bytes.len();
        let mut distances = vec![0_u16; count];
        for (place, (index, _)) in fields.iter().enumerate() {
            distances[*index] = 4 + 4 * place as u16;
        }
        let lengths = [4 + 2 * count as u16, 4 + 4 * fields.len() as u16];
        for short in lengths.into_iter().chain(distances) {
            self.bytes.extend(short.to_le_bytes());
        }
        let at = self.number(0);
        let back = (at - list) as i32;
        self.bytes[at..at + 4].copy_from_slice(&back.to_le_bytes());
        let places: Vec<usize> = fields.iter().map(|_| self.number(0)).collect();
        for (place, (_, value)) in places.into_iter().zip(fields) {
            self.value(place, value);
        }
        at
    }

    fn value(&mut self, place: usize, value: &Value) {
        match value {
            Value::Byte(byte) => self.bytes[place] = *byte,
            Value::Number(number) => {
                self.bytes[place..place + 4].copy_from_slice(&number.to_le_bytes());
            }
            Value::Numbers(numbers) => {
                self.lead_here(place);
                self.number(numbers.len() as i32);
                self.bytes
                    .extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
            }
            Value::Bytes(bytes) => {
                self.lead_here(place);
                self.number(bytes.len() as i32);
                self.bytes.extend(bytes);
            }
            Value::Table(fields) => {
                let at = self.table(fields);
                let distance = (at - place) as u32;
                self.bytes[place..place + 4].copy_from_slice(&distance.to_le_bytes());
            }
            Value::Tables(tables) => {
                self.lead_here(place);
                self.number(tables.len() as i32);
                let places: Vec<usize> = tables.iter().map(|_| self.number(0)).collect();
                for (place, fields) in places.into_iter().zip(tables) {
                    let at = self.table(fields);
                    let distance = (at - place) as u32;
                    self.bytes[place..place + 4].copy_from_slice(&distance.to_le_bytes());
                }
            }
        }
    }
}

fn tensor(shape: &[i32], buffer: i32) -> Fields {
    vec![
        (0, Value::Numbers(shape.to_vec())),
        (1, Value::Byte(0)),
        (2, Value::Number(buffer)),
    ]
}

fn operator(code: i32, inputs: &[i32], output: i32, options: Option<Fields>) -> Fields {
    let mut fields = vec![
        (0, Value::Number(code)),
        (1, Value::Numbers(inputs.to_vec())),
        (2, Value::Numbers(vec![output])),
    ];
    fields.extend(options.map(|options| (4, Value::Table(options))));
    fields
}

fn floats(values: impl IntoIterator<Item = f32>) -> Fields {
    let bytes = values.into_iter().flat_map(f32::to_le_bytes).collect();
    vec![(0, Value::Bytes(bytes))]
}

/// Places of the operators in the list of codes below.
const ADD: i32 = 0;
const CONV: i32 = 1;
const DEPTHWISE: i32 = 2;
const MULTIPLY: i32 = 3;
const RELU: i32 = 4;
const RESHAPE: i32 = 5;
const SUBTRACT: i32 = 6;
const ABSOLUTE: i32 = 7;
const CODES: [u8; 8] = [0, 3, 4, 18, 19, 22, 41, 101];

/// A picture of 3 x 4 pixels with 2 channels; a convolution to 2, a `PRelu`, a depthwise convolution to one pixel, and
/// its values as a list.
fn network() -> Fields {
    let convolution = vec![
        (0, Value::Byte(0)),
        (1, Value::Number(2)),
        (2, Value::Number(1)),
    ];
    let depthwise = vec![
        (0, Value::Byte(1)),
        (1, Value::Number(1)),
        (2, Value::Number(1)),
        (3, Value::Number(1)),
    ];
    let pixels = [1, 3, 2, 2];
    let tensors = vec![
        tensor(&[1, 3, 4, 2], 0),
        tensor(&[2, 3, 3, 2], 1),
        tensor(&[2], 2),
        tensor(&pixels, 0),
        tensor(&pixels, 0),
        tensor(&pixels, 0),
        tensor(&pixels, 0),
        tensor(&[2], 3),
        tensor(&pixels, 0),
        tensor(&pixels, 0),
        tensor(&[1, 3, 2, 2], 4),
        tensor(&[2], 2),
        tensor(&[1, 1, 1, 2], 0),
        tensor(&[1, 2], 0),
    ];
    let operators = vec![
        operator(CONV, &[0, 1, 2], 3, Some(convolution)),
        operator(RELU, &[3], 4, None),
        operator(ABSOLUTE, &[3], 5, None),
        operator(SUBTRACT, &[3, 5], 6, Some(Vec::new())),
        operator(MULTIPLY, &[7, 6], 8, Some(Vec::new())),
        operator(ADD, &[4, 8], 9, Some(Vec::new())),
        operator(DEPTHWISE, &[9, 10, 11], 12, Some(depthwise)),
        operator(RESHAPE, &[12], 13, None),
    ];
    let graph = vec![
        (0, Value::Tables(tensors)),
        (1, Value::Numbers(vec![0])),
        (2, Value::Numbers(vec![13])),
        (3, Value::Tables(operators)),
    ];
    let buffers = vec![
        Vec::new(),
        floats((0..36).map(|n| n as f32)),
        floats([0.5, -0.5]),
        floats([0.125, -1.0]),
        floats((0..12).map(|n| n as f32)),
    ];
    let codes = CODES.map(|code| vec![(0, Value::Byte(code))]).to_vec();
    vec![
        (1, Value::Tables(codes)),
        (2, Value::Tables(vec![graph])),
        (4, Value::Tables(buffers)),
    ]
}

/// The part of the graph with a number, message by message.
fn messages(model: &[u8], number: u64) -> Vec<Vec<u8>> {
    let inside = |message: &[u8], number: u64| -> Vec<Vec<u8>> {
        let fields = wire::fields(message).unwrap();
        let of = fields.iter().filter(|field| field.number == number);
        of.map(|field| field.bytes().unwrap().to_vec()).collect()
    };
    inside(&inside(model, onnx::model::GRAPH)[0], number)
}

fn texts(message: &[u8], number: u64) -> String {
    let fields = wire::fields(message).unwrap();
    let of = fields.iter().filter(|field| field.number == number);
    let texts = of.map(|field| String::from_utf8_lossy(field.bytes().unwrap()).into_owned());
    texts.collect::<Vec<_>>().join(",")
}

fn values(model: &[u8], name: &str) -> Vec<f32> {
    let constants = messages(model, onnx::graph_of_nodes::INITIALIZER);
    let constant = constants
        .iter()
        .find(|constant| texts(constant, onnx::tensor::NAME) == name);
    let fields = wire::fields(constant.unwrap()).unwrap();
    let raw = fields
        .iter()
        .find(|field| field.number == onnx::tensor::RAW_DATA);
    let values = raw.unwrap().bytes().unwrap().as_chunks().0.iter();
    values.map(|value| f32::from_le_bytes(*value)).collect()
}

#[test]
fn a_network_becomes_convolutions_and_a_prelu() {
    let file = File::of(&network());
    assert!(is_network(&file));
    let model = to_onnx(&file).unwrap();
    let nodes: Vec<String> = messages(&model, onnx::graph_of_nodes::NODE)
        .iter()
        .map(|node| {
            let [operator, inputs, output] =
                [onnx::node::OP_TYPE, onnx::node::INPUT, onnx::node::OUTPUT]
                    .map(|number| texts(node, number));
            format!("{output}={operator}({inputs})")
        })
        .collect();
    let expected = [
        "tensor_3=Conv(input,tensor_3/weights,tensor_3/bias)",
        "tensor_9=PRelu(tensor_3,tensor_9/slopes)",
        "tensor_12=Conv(tensor_9,tensor_12/weights,tensor_12/bias)",
        "output=Flatten(tensor_12)",
    ];
    assert_eq!(nodes, expected);
    assert_eq!(values(&model, "tensor_9/slopes"), [0.25, -2.0]);
    // Of the first filter, its first channel: every second number.
    let weights = values(&model, "tensor_3/weights");
    assert_eq!(
        weights[..9],
        [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0]
    );
    assert_eq!(weights[9..12], [1.0, 3.0, 5.0]);
    let depthwise = values(&model, "tensor_12/weights");
    assert_eq!(depthwise[..6], [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
}

#[test]
fn an_odd_row_of_zeros_comes_after_the_picture() {
    let sliding = |strides, padded| Sliding { strides, padded };
    assert_eq!(sliding([1, 2], true).pads([3, 4], [3, 3]), [1, 0, 1, 1]);
    assert_eq!(sliding([2, 2], true).pads([112, 112], [3, 3]), [0, 0, 1, 1]);
    assert_eq!(sliding([1, 1], true).pads([7, 7], [1, 1]), [0, 0, 0, 0]);
    assert_eq!(sliding([1, 1], false).pads([7, 7], [3, 3]), [0, 0, 0, 0]);
}

#[test]
fn what_only_looks_like_a_prelu_keeps_its_operators() {
    // The absolute value is that of another tensor; the product is needed elsewhere; a slope is missing.
    for (operator, inputs) in [(2, vec![4]), (7, vec![8]), (4, vec![9, 6])] {
        let mut network = network();
        let Value::Tables(graphs) = &mut network[1].1 else {
            panic!("the second field is the graph");
        };
        let Value::Tables(operators) = &mut graphs[0][3].1 else {
            panic!("the last field is the operators");
        };
        operators[operator][1].1 = Value::Numbers(inputs);
        let converted = Network::read(&File::of(&network)).map(|network| {
            let found = prelu::find(&network);
            (0..8).any(|index| found.at(index).is_some())
        });
        assert_eq!(converted, Ok(false), "{operator}");
    }
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    let with = |code: usize, other: u8| {
        let mut network = network();
        let Value::Tables(codes) = &mut network[0].1 else {
            panic!("the first field is the codes");
        };
        codes[code] = vec![(0, Value::Byte(other))];
        to_onnx(&File::of(&network))
    };
    let error = with(4, 77).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the TensorFlow Lite network has an operator that is not known here"
    );
    // A convolution has no options of its own as a sum.
    assert!(with(1, 0).is_err());
}

#[test]
fn damaged_files_are_refused_or_converted_without_a_panic() {
    let file = File::of(&network());
    for length in 0..file.len() {
        assert!(to_onnx(&file[..length]).is_err(), "{length}");
    }
    let mut damaged = file.clone();
    let mut refused = 0;
    for at in 0..file.len() {
        for byte in [0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF] {
            damaged[at] = byte;
            refused += usize::from(to_onnx(&damaged).is_err());
        }
        damaged[at] = file[at];
    }
    assert!(refused > file.len(), "{refused} of {}", 7 * file.len());
    for not_a_network in [&b""[..], b"TFL3", b"\x08\0\0\0TFL3", &[0xFF; 64]] {
        assert_eq!(to_onnx(not_a_network), Err(Unconvertible::Malformed));
    }
}

#[test]
fn the_fuzzer_starts_from_this_network() {
    let seed = include_bytes!("../../../fuzz/seeds/tflite/network");
    assert_eq!(seed[..], File::of(&network())[..]);
}
