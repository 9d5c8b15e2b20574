//! TensorFlow Lite networks, written anew as ONNX models: in memory, whenever one is loaded.
//!
//! TensorFlow keeps the channels of a picture last and ONNX keeps them first, so weights are laid out anew. What is not
//! understood is refused. A `PRelu`, which TensorFlow Lite spells with five operators, becomes one: it is what
//! [`super::graph`] knows a fast form of.

mod flat;
mod network;
mod prelu;
mod writer;

use network::{IDENTIFIER, Kind, Network, Operator, Sliding, Tensor};
use writer::{Attribute, Writer};

/// Name of a converted model's output.
const OUTPUT: &str = "output";
const INPUT: &str = "input";

/// Why a file cannot be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unconvertible {
    /// It is not a network, or a broken one.
    #[error("it is no TensorFlow Lite network, or it is damaged")]
    Malformed,
    /// It holds what is not known here.
    #[error("the TensorFlow Lite network has {0} that is not known here")]
    Unknown(&'static str),
}

impl From<flat::Malformed> for Unconvertible {
    fn from(flat::Malformed: flat::Malformed) -> Self {
        Self::Malformed
    }
}

/// Whether these are the bytes of a TensorFlow Lite network.
pub(super) fn is_network(file: &[u8]) -> bool {
    file.get(4..8) == Some(IDENTIFIER)
}

/// The same network as an ONNX model.
///
/// # Errors
/// [`Unconvertible`] for a file that is damaged or has more in it than is known here.
pub(super) fn to_onnx(file: &[u8]) -> Result<Vec<u8>, Unconvertible> {
    let network = Network::read(file)?;
    let mut conversion = Conversion {
        network: &network,
        writer: Writer::default(),
        room: file.len(),
    };
    let prelus = prelu::find(&network);
    for (index, operator) in network.operators.iter().enumerate() {
        if let Some(prelu) = prelus.at(index) {
            conversion.prelu(prelu, operator.output)?;
        } else if !prelus.covers(index) {
            conversion.convert(operator)?;
        }
    }
    let shape = |index: usize| channels_first(&network.tensors[index].shape);
    Ok(conversion.writer.finish(
        "network",
        (INPUT, &shape(network.input)),
        (OUTPUT, &shape(network.output)),
    ))
}

struct Conversion<'a> {
    network: &'a Network<'a>,
    writer: Writer,
    /// Bytes of constants that may still be written: a file says none of them twice.
    room: usize,
}

impl<'a> Conversion<'a> {
    fn convert(&mut self, operator: &Operator) -> Result<(), Unconvertible> {
        match operator.kind {
            Kind::Convolution(sliding) => self.convolution(operator, sliding, false),
            Kind::Depthwise(sliding) => self.convolution(operator, sliding, true),
            Kind::Add => self.of_two("Add", operator),
            Kind::Subtract => self.of_two("Sub", operator),
            Kind::Multiply => self.of_two("Mul", operator),
            Kind::Absolute => self.of_one("Abs", operator),
            Kind::Relu => self.of_one("Relu", operator),
            Kind::Reshape => self.reshape(operator),
        }
    }

    fn tensor(&self, index: usize) -> &'a Tensor<'a> {
        &self.network.tensors[index]
    }

    /// The name of a tensor that is worked out.
    fn name(&self, index: usize) -> String {
        if index == self.network.input {
            INPUT.to_owned()
        } else if index == self.network.output {
            OUTPUT.to_owned()
        } else {
            format!("tensor_{index}")
        }
    }

    /// Writes a constant, named after the tensor that it helps to work out.
    fn constant(
        &mut self,
        output: usize,
        role: &str,
        shape: &[usize],
        values: &[f32],
    ) -> Result<String, Unconvertible> {
        let room = self.room.checked_sub(size_of_val(values));
        self.room = room.ok_or(Unconvertible::Unknown("a constant in many places"))?;
        let name = format!("tensor_{output}/{role}");
        self.writer.constant(&name, shape, values);
        Ok(name)
    }

    fn convolution(
        &mut self,
        operator: &Operator,
        sliding: Sliding,
        depthwise: bool,
    ) -> Result<(), Unconvertible> {
        let &[input, filter, bias] = &operator.inputs[..] else {
            return Err(Unconvertible::Unknown("a convolution without a bias"));
        };
        let &[_, height, width, channels] = &self.tensor(input).shape[..] else {
            return Err(Unconvertible::Malformed);
        };
        let filters = if depthwise {
            Filters::depthwise(self.tensor(filter))?
        } else {
            Filters::whole(self.tensor(filter))?
        };
        let biases = self.tensor(bias).values();
        let biases = biases.ok_or(Unconvertible::Unknown("a bias that is not constant"))?;
        let [count, depth, rows, columns] = filters.shape;
        if depth * filters.groups != channels || biases.len() != count {
            return Err(Unconvertible::Malformed);
        }
        let output = operator.output;
        let weights = self.constant(output, "weights", &filters.shape, &filters.values)?;
        let bias = self.constant(output, "bias", &[count], &biases)?;
        let pads = sliding.pads([height, width], [rows, columns]);
        let attributes = [
            ("group", Attribute::Number(filters.groups as u64)),
            ("kernel_shape", Attribute::Numbers(vec![rows, columns])),
            ("pads", Attribute::Numbers(pads.to_vec())),
            ("strides", Attribute::Numbers(sliding.strides.to_vec())),
        ];
        let (input, output) = (self.name(input), self.name(output));
        let inputs = [&*input, &*weights, &*bias];
        self.writer.node("Conv", &inputs, &output, &attributes);
        Ok(())
    }

    fn prelu(&mut self, prelu: &prelu::Prelu, output: usize) -> Result<(), Unconvertible> {
        let shape = [prelu.slopes.len(), 1, 1];
        let slopes = self.constant(output, "slopes", &shape, &prelu.slopes)?;
        let (input, output) = (self.name(prelu.input), self.name(output));
        self.writer.node("PRelu", &[&input, &slopes], &output, &[]);
        Ok(())
    }

    fn of_one(&mut self, name: &str, operator: &Operator) -> Result<(), Unconvertible> {
        let [input] = operator.inputs[..] else {
            return Err(Unconvertible::Malformed);
        };
        let (input, output) = (self.name(input), self.name(operator.output));
        self.writer.node(name, &[&input], &output, &[]);
        Ok(())
    }

    /// A step of two tensors of one shape, or of one with a constant for each of its channels.
    fn of_two(&mut self, name: &str, operator: &Operator) -> Result<(), Unconvertible> {
        let &[a, b] = &operator.inputs[..] else {
            return Err(Unconvertible::Malformed);
        };
        let names = [(a, b, "first"), (b, a, "second")].map(|(of, other, role)| {
            if !self.tensor(of).is_constant() {
                return Ok(self.name(of));
            }
            let values = self.tensor(of).values();
            let values = values.filter(|v| is_per_channel(v, self.tensor(other)));
            let values = values.ok_or(Unconvertible::Unknown("a constant of a shape"))?;
            self.constant(operator.output, role, &[values.len(), 1, 1], &values)
        });
        let [first, second] = names;
        let both_computed = !self.tensor(a).is_constant() && !self.tensor(b).is_constant();
        if both_computed && self.tensor(a).shape != self.tensor(b).shape {
            return Err(Unconvertible::Unknown(
                "an operator on tensors of two shapes",
            ));
        }
        let output = self.name(operator.output);
        self.writer.node(name, &[&first?, &second?], &output, &[]);
        Ok(())
    }

    /// From one value for each channel to a list of them. Others would have to be laid out anew.
    fn reshape(&mut self, operator: &Operator) -> Result<(), Unconvertible> {
        let shapes = operator
            .inputs
            .first()
            .map(|input| &self.tensor(*input).shape[..]);
        let shapes = (shapes, &self.tensor(operator.output).shape[..]);
        let (Some(&[n, 1, 1, channels]), &[batch, values]) = shapes else {
            return Err(Unconvertible::Unknown("a change of shape"));
        };
        if (n, channels) != (batch, values) {
            return Err(Unconvertible::Unknown("a change of shape"));
        }
        let (input, output) = (self.name(operator.inputs[0]), self.name(operator.output));
        let axis = [("axis", Attribute::Number(1))];
        self.writer.node("Flatten", &[&input], &output, &axis);
        Ok(())
    }
}

/// The filters of a convolution as ONNX lays them out: of each filter the channels one after the other.
struct Filters {
    /// Filters, channels of each, rows, columns.
    shape: [usize; 4],
    /// Into how many parts the input's channels are divided.
    groups: usize,
    values: Vec<f32>,
}

impl Filters {
    /// Those that see all channels: filters, rows, columns, channels.
    fn whole(tensor: &Tensor<'_>) -> Result<Self, Unconvertible> {
        let ([filters, rows, columns, depth], values) = constant_of_four(tensor)?;
        let area = rows * columns;
        let of_channel = |filter: usize, channel: usize| {
            let values = &values;
            (0..area).map(move |place| values[(filter * area + place) * depth + channel])
        };
        let channels = (0..filters).flat_map(|f| (0..depth).map(move |c| (f, c)));
        Ok(Self {
            shape: [filters, depth, rows, columns],
            groups: 1,
            values: channels.flat_map(|(f, c)| of_channel(f, c)).collect(),
        })
    }

    /// Those that see a channel each: 1, rows, columns, channels.
    fn depthwise(tensor: &Tensor<'_>) -> Result<Self, Unconvertible> {
        let ([1, rows, columns, filters], values) = constant_of_four(tensor)? else {
            return Err(Unconvertible::Malformed);
        };
        let of_filter = |filter: usize| values.iter().skip(filter).step_by(filters).copied();
        Ok(Self {
            shape: [filters, 1, rows, columns],
            groups: filters,
            values: (0..filters).flat_map(of_filter).collect(),
        })
    }
}

/// The sides of a constant that has four, and its values.
fn constant_of_four(tensor: &Tensor<'_>) -> Result<([usize; 4], Vec<f32>), Unconvertible> {
    let sides = tensor.shape[..].try_into();
    let sides = sides.map_err(|_| Unconvertible::Malformed)?;
    let values = tensor.values();
    let values = values.ok_or(Unconvertible::Unknown("a filter that is not constant"))?;
    Ok((sides, values))
}

impl Sliding {
    /// Rows above, columns before, rows below and columns after. Of an odd number, one more comes after.
    fn pads(self, input: [usize; 2], filter: [usize; 2]) -> [usize; 4] {
        let mut pads = [0; 4];
        if self.padded {
            for axis in 0..2 {
                let steps = input[axis].div_ceil(self.strides[axis]).saturating_sub(1);
                let reached = steps * self.strides[axis] + filter[axis];
                let missing = reached.saturating_sub(input[axis]);
                pads[axis] = missing / 2;
                pads[axis + 2] = missing - missing / 2;
            }
        }
        pads
    }
}

/// Whether these are one value for each channel of a picture.
fn is_per_channel(values: &[f32], picture: &Tensor<'_>) -> bool {
    picture.shape.len() == 4 && picture.shape[3] == values.len()
}

/// A shape as ONNX has it.
fn channels_first(shape: &[usize]) -> Vec<usize> {
    match *shape {
        [n, height, width, channels] => vec![n, channels, height, width],
        _ => shape.to_vec(),
    }
}

#[cfg(test)]
mod tests;
