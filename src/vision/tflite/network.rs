//! What a TensorFlow Lite file says: tensors, and the operators that work one out of others.

use super::Unconvertible;
use super::flat::Table;

/// What stands before the end of the first eight bytes of every file.
pub(super) const IDENTIFIER: &[u8] = b"TFL3";

/// Indices of the fields of the tables in TensorFlow Lite's schema.
mod field {
    pub(super) const MODEL_OPERATOR_CODES: usize = 1;
    pub(super) const MODEL_SUBGRAPHS: usize = 2;
    pub(super) const MODEL_BUFFERS: usize = 4;
    pub(super) const CODE_OLD: usize = 0;
    pub(super) const CODE: usize = 3;
    pub(super) const SUBGRAPH_TENSORS: usize = 0;
    pub(super) const SUBGRAPH_INPUTS: usize = 1;
    pub(super) const SUBGRAPH_OUTPUTS: usize = 2;
    pub(super) const SUBGRAPH_OPERATORS: usize = 3;
    pub(super) const TENSOR_SHAPE: usize = 0;
    pub(super) const TENSOR_TYPE: usize = 1;
    pub(super) const TENSOR_BUFFER: usize = 2;
    pub(super) const OPERATOR_CODE: usize = 0;
    pub(super) const OPERATOR_INPUTS: usize = 1;
    pub(super) const OPERATOR_OUTPUTS: usize = 2;
    pub(super) const OPERATOR_OPTIONS: usize = 4;
    pub(super) const BUFFER_DATA: usize = 0;
}
/// Fields of the options of convolutions. Those of depthwise ones have one more in between.
mod convolution {
    pub(super) const PADDING: usize = 0;
    pub(super) const STRIDE_WIDTH: usize = 1;
    pub(super) const STRIDE_HEIGHT: usize = 2;
    pub(super) const ACTIVATION: usize = 3;
    pub(super) const DILATION_WIDTH: usize = 4;
    pub(super) const DILATION_HEIGHT: usize = 5;
    pub(super) const DEPTHWISE_MULTIPLIER: usize = 3;
    pub(super) const DEPTHWISE_MORE: usize = 1;
}
/// The field of the options of sums, differences and products.
const ACTIVATION: usize = 0;
/// The element type that numbers of four bytes with a fraction have.
const FLOAT: u8 = 0;
/// No side of a tensor is longer.
const MAX_SIDE: usize = 1 << 16;

/// A network.
#[derive(Debug)]
pub(super) struct Network<'a> {
    pub(super) tensors: Vec<Tensor<'a>>,
    /// In the order that they run in.
    pub(super) operators: Vec<Operator>,
    pub(super) input: usize,
    pub(super) output: usize,
}

/// A tensor; a constant one has values.
#[derive(Debug)]
pub(super) struct Tensor<'a> {
    pub(super) shape: Vec<usize>,
    is_float: bool,
    /// As they lie in the file; empty where the tensor is worked out.
    bytes: &'a [u8],
}

/// A step.
#[derive(Debug)]
pub(super) struct Operator {
    pub(super) kind: Kind,
    pub(super) inputs: Vec<usize>,
    pub(super) output: usize,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Convolution(Sliding),
    /// Each channel with a filter of its own.
    Depthwise(Sliding),
    Add,
    Subtract,
    Multiply,
    Absolute,
    Relu,
    Reshape,
}

/// How a filter is moved over its input. Of two numbers the first is that of the height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sliding {
    pub(super) strides: [usize; 2],
    /// Whether the input is surrounded by zeros, so that the output has a value for each step within it.
    pub(super) padded: bool,
}

impl Tensor<'_> {
    /// The values of a constant; none where it is none, or of another type or number than its shape says.
    pub(super) fn values(&self) -> Option<Vec<f32>> {
        let count = self
            .shape
            .iter()
            .try_fold(1_usize, |n, s| n.checked_mul(*s))?;
        let right = self.is_float && count > 0 && count.checked_mul(4)? == self.bytes.len();
        let values = self.bytes.as_chunks().0.iter();
        right.then(|| values.map(|value| f32::from_le_bytes(*value)).collect())
    }

    pub(super) fn is_constant(&self) -> bool {
        !self.bytes.is_empty()
    }
}

impl<'a> Network<'a> {
    /// Reads a file.
    pub(super) fn read(file: &'a [u8]) -> Result<Self, Unconvertible> {
        if !super::is_network(file) {
            return Err(Unconvertible::Malformed);
        }
        let model = Table::root(file)?;
        let codes = model.tables(field::MODEL_OPERATOR_CODES)?;
        let codes = codes.iter().map(code).collect::<Result<Vec<_>, _>>()?;
        let buffers = model.tables(field::MODEL_BUFFERS)?;
        let [graph] = model.tables(field::MODEL_SUBGRAPHS)?[..] else {
            return Err(Unconvertible::Unknown("more than one graph, or none"));
        };
        let tensors = graph.tables(field::SUBGRAPH_TENSORS)?;
        let tensors = tensors.iter().map(|table| tensor(table, &buffers));
        let tensors = tensors.collect::<Result<Vec<_>, _>>()?;
        let operators = graph.tables(field::SUBGRAPH_OPERATORS)?;
        let operators = operators.iter().map(|table| operator(table, &codes));
        let network = Self {
            tensors,
            operators: operators.collect::<Result<_, _>>()?,
            input: one(&graph.numbers(field::SUBGRAPH_INPUTS)?)?,
            output: one(&graph.numbers(field::SUBGRAPH_OUTPUTS)?)?,
        };
        let named = network.operators.iter();
        let named = named.flat_map(|o| o.inputs.iter().chain([&o.output]));
        let named = named.chain([&network.input, &network.output]);
        if named
            .into_iter()
            .any(|index| *index >= network.tensors.len())
        {
            return Err(Unconvertible::Malformed);
        }
        Ok(network)
    }
}

/// The number of an operator. Those up to 127 were kept in one byte before.
fn code(table: &Table<'_>) -> Result<usize, Unconvertible> {
    let old = usize::from(table.byte(field::CODE_OLD, 0)?);
    Ok(old.max(table.number(field::CODE, 0)?))
}

fn tensor<'a>(table: &Table<'a>, buffers: &[Table<'a>]) -> Result<Tensor<'a>, Unconvertible> {
    let shape = table.numbers(field::TENSOR_SHAPE)?;
    let buffer = buffers.get(table.number(field::TENSOR_BUFFER, 0)?);
    if shape.iter().any(|side| *side > MAX_SIDE) {
        return Err(Unconvertible::Malformed);
    }
    Ok(Tensor {
        shape,
        is_float: table.byte(field::TENSOR_TYPE, FLOAT)? == FLOAT,
        bytes: buffer
            .ok_or(Unconvertible::Malformed)?
            .bytes(field::BUFFER_DATA)?,
    })
}

fn operator(table: &Table<'_>, codes: &[usize]) -> Result<Operator, Unconvertible> {
    let code = codes.get(table.number(field::OPERATOR_CODE, 0)?);
    let options = table.table(field::OPERATOR_OPTIONS)?;
    let kind = match code.ok_or(Unconvertible::Malformed)? {
        3 => Kind::Convolution(sliding(options.as_ref(), false)?),
        4 => Kind::Depthwise(sliding(options.as_ref(), true)?),
        0 => plain(Kind::Add, options.as_ref())?,
        41 => plain(Kind::Subtract, options.as_ref())?,
        18 => plain(Kind::Multiply, options.as_ref())?,
        101 => Kind::Absolute,
        19 => Kind::Relu,
        22 => Kind::Reshape,
        _ => return Err(Unconvertible::Unknown("an operator")),
    };
    Ok(Operator {
        kind,
        inputs: table.numbers(field::OPERATOR_INPUTS)?,
        output: one(&table.numbers(field::OPERATOR_OUTPUTS)?)?,
    })
}

/// A step of two inputs, which is not to do anything else at the same time.
fn plain(kind: Kind, options: Option<&Table<'_>>) -> Result<Kind, Unconvertible> {
    let activation = options.map_or(Ok(0), |options| options.byte(ACTIVATION, 0))?;
    without_activation(activation).map(|()| kind)
}

fn without_activation(activation: u8) -> Result<(), Unconvertible> {
    let refused = Err(Unconvertible::Unknown("an activation within an operator"));
    if activation == 0 { Ok(()) } else { refused }
}

fn sliding(options: Option<&Table<'_>>, depthwise: bool) -> Result<Sliding, Unconvertible> {
    let options = options.ok_or(Unconvertible::Malformed)?;
    let more = if depthwise {
        convolution::DEPTHWISE_MORE
    } else {
        0
    };
    without_activation(options.byte(convolution::ACTIVATION + more, 0)?)?;
    let multiplier = if depthwise {
        options.number(convolution::DEPTHWISE_MULTIPLIER, 0)?
    } else {
        1
    };
    let dilations = [
        options.number(convolution::DILATION_HEIGHT + more, 1)?,
        options.number(convolution::DILATION_WIDTH + more, 1)?,
    ];
    if multiplier != 1 || dilations != [1, 1] {
        return Err(Unconvertible::Unknown("a dilated or widening convolution"));
    }
    let strides = [
        options.number(convolution::STRIDE_HEIGHT, 0)?,
        options.number(convolution::STRIDE_WIDTH, 0)?,
    ];
    if strides
        .iter()
        .any(|stride| !(1..=MAX_SIDE).contains(stride))
    {
        return Err(Unconvertible::Malformed);
    }
    Ok(Sliding {
        strides,
        padded: options.byte(convolution::PADDING, 0)? == 0,
    })
}

fn one(numbers: &[usize]) -> Result<usize, Unconvertible> {
    match numbers {
        [number] => Ok(*number),
        _ => Err(Unconvertible::Unknown("several inputs or outputs, or none")),
    }
}
