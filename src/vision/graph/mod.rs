//! Writes a model's graph anew, in memory, where the runtime is slow at what it says and there is a fast way to say
//! the same. The file stays as it was published.
//!
//! ONNX Runtime works `PRelu` off value by value, with a branch that depends on the data; multiplication, maximum and
//! addition it does in vectors. With slopes `a` that are nowhere above 1, `PRelu(x)` is `max(x, a * x)`; with any others
//! it is `a * x + (1 - a) * relu(x)`.

#[cfg(test)]
mod examples;
pub(super) mod onnx;
mod outside;
mod quantised;
mod tiny;
pub(super) mod wire;

use std::borrow::Cow;

use onnx::{FLOAT, graph_of_nodes, model, node, opset, tensor};
pub(super) use outside::{Weights, without_large_weights};
pub(super) use quantised::with_float_weights;
pub(super) use tiny::clear_tiny_weights;
use wire::{Field, fields, numbers, put_bytes, put_head, put_number};

/// From this version on `Max` and `Mul` fit the shapes of their inputs to each other.
const MIN_OPSET: u64 = 8;

/// The same model without `PRelu`; the model as it is where it cannot be written anew.
pub(super) fn without_prelu(model: &[u8]) -> Cow<'_, [u8]> {
    // Most models have none, and are not taken apart to see that.
    if memchr::memmem::find(model, b"PRelu").is_none() {
        return Cow::Borrowed(model);
    }
    let rewritten = || {
        let is_new_enough = opset_version(&fields(model)?)? >= MIN_OPSET;
        is_new_enough.then(|| with_graph(model, rewrite_graph))?
    };
    rewritten().map_or(Cow::Borrowed(model), Cow::Owned)
}

/// The model with another graph, which is made of its own.
fn with_graph(model: &[u8], mut rewrite: impl FnMut(&[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let fields = fields(model)?;
    let mut written = Vec::with_capacity(model.len() + model.len() / 64);
    for field in &fields {
        match field.bytes() {
            Some(graph) if field.number == model::GRAPH => {
                put_bytes(&mut written, model::GRAPH, &rewrite(graph)?);
            }
            _ => written.extend(field.raw),
        }
    }
    Some(written)
}

/// The version of ONNX's own operators.
fn opset_version(model: &[Field<'_>]) -> Option<u64> {
    let imports = model.iter().filter(|f| f.number == model::OPSET_IMPORT);
    for import in imports {
        let import = fields(import.bytes()?)?;
        let domain = text(&import, opset::DOMAIN).unwrap_or_default();
        if matches!(domain, b"" | b"ai.onnx") {
            return numbers(&import, opset::VERSION)?.last().copied();
        }
    }
    None
}

/// The graph with other nodes in place of each `PRelu`, in the same places: nodes stand in the order that they run in.
fn rewrite_graph(graph: &[u8]) -> Option<Vec<u8>> {
    let fields = fields(graph)?;
    let slopes = initializers(&fields)?;
    let mut written = Vec::with_capacity(graph.len() + graph.len() / 64);
    let mut count = 0;
    for field in &fields {
        let prelu = match field.bytes() {
            Some(node) if field.number == graph_of_nodes::NODE => Prelu::read(node, &slopes),
            _ => None,
        };
        if let Some(prelu) = prelu {
            prelu.write_without(&mut written);
            count += 1;
        } else {
            written.extend(field.raw);
        }
    }
    (count > 0).then_some(written)
}

/// The constant tensors of floats, by name.
fn initializers<'a>(graph: &[Field<'a>]) -> Option<Vec<Tensor<'a>>> {
    let mut tensors = Vec::new();
    for field in graph {
        if field.number == graph_of_nodes::INITIALIZER {
            tensors.extend(Tensor::read(field.bytes()?));
        }
    }
    Some(tensors)
}

fn text<'a>(message: &[Field<'a>], number: u64) -> Option<&'a [u8]> {
    let field = message.iter().rfind(|field| field.number == number)?;
    field.bytes()
}

/// Every text of a repeated field.
fn texts<'a>(message: &[Field<'a>], number: u64) -> Vec<&'a [u8]> {
    let of = message.iter().filter(|field| field.number == number);
    of.filter_map(Field::bytes).collect()
}

/// The sides of a tensor and how many values it has; none where they are of another kind, or not in the message.
fn shape_of(tensor: &[Field<'_>], kind: u64) -> Option<(Vec<u64>, u64)> {
    let elsewhere = |at: &u64| *at != 0;
    if numbers(tensor, tensor::DATA_TYPE)? != [kind]
        || numbers(tensor, tensor::DATA_LOCATION)?
            .iter()
            .any(elsewhere)
    {
        return None;
    }
    let dims = numbers(tensor, tensor::DIMS)?;
    let count = dims.iter().try_fold(1_u64, |n, dim| n.checked_mul(*dim))?;
    Some((dims, count))
}

/// A constant tensor.
#[derive(Debug)]
struct Tensor<'a> {
    name: &'a [u8],
    dims: Vec<u64>,
    values: Vec<f32>,
}

impl<'a> Tensor<'a> {
    /// None where its values are not floats, or not in the message.
    fn read(message: &'a [u8]) -> Option<Self> {
        let fields = fields(message)?;
        let (dims, count) = shape_of(&fields, FLOAT)?;
        let packed = [tensor::RAW_DATA, tensor::FLOAT_DATA]
            .iter()
            .find_map(|&number| text(&fields, number))?;
        let values = packed.chunks_exact(4).map(|v| [v[0], v[1], v[2], v[3]]);
        let values: Vec<f32> = values.map(f32::from_le_bytes).collect();
        (count == values.len() as u64 && packed.len() == values.len() * 4).then_some(Self {
            name: text(&fields, tensor::NAME)?,
            dims,
            values,
        })
    }
}

/// Writes a constant tensor as a field of the graph, value by value: there are large ones.
fn put_constant(
    graph: &mut Vec<u8>,
    name: &[u8],
    dims: &[u64],
    values: impl ExactSizeIterator<Item = f32>,
) {
    let length = values.len() * size_of::<f32>();
    let mut head = Vec::new();
    for &dim in dims {
        put_number(&mut head, tensor::DIMS, dim);
    }
    put_number(&mut head, tensor::DATA_TYPE, FLOAT);
    put_bytes(&mut head, tensor::NAME, name);
    put_head(&mut head, tensor::RAW_DATA, length);
    put_head(graph, graph_of_nodes::INITIALIZER, head.len() + length);
    graph.extend(head);
    graph.extend(values.flat_map(f32::to_le_bytes));
}

/// A `PRelu` whose slopes are known.
struct Prelu<'a> {
    input: &'a [u8],
    output: &'a [u8],
    name: &'a [u8],
    slopes: &'a Tensor<'a>,
}

impl<'a> Prelu<'a> {
    /// None where the node is another, or says something that is not expected of it.
    fn read(message: &'a [u8], tensors: &'a [Tensor<'a>]) -> Option<Self> {
        let fields = fields(message)?;
        let domain = text(&fields, node::DOMAIN).unwrap_or_default();
        let plain =
            matches!(domain, b"" | b"ai.onnx") && texts(&fields, node::ATTRIBUTE).is_empty();
        if !plain || text(&fields, node::OP_TYPE)? != b"PRelu" {
            return None;
        }
        let (&[input, slopes], &[output]) = (
            &*texts(&fields, node::INPUT),
            &*texts(&fields, node::OUTPUT),
        ) else {
            return None;
        };
        let slopes = tensors.iter().find(|tensor| tensor.name == slopes)?;
        Some(Self {
            input,
            output,
            name: text(&fields, node::NAME).unwrap_or_default(),
            slopes,
        })
    }

    /// Writes what does the same. The names are new, since they are made of the output's, which is there once.
    fn write_without(&self, graph: &mut Vec<u8>) {
        let named = |suffix: &str| [self.output, b"/prelu_", suffix.as_bytes()].concat();
        let scaled = named("scaled");
        self.node(graph, "Mul", &[self.input, self.slopes.name], &scaled);
        if self.slopes.values.iter().all(|slope| *slope <= 1.0) {
            self.node(graph, "Max", &[self.input, &scaled], self.output);
            return;
        }
        let (rest, positive, added) = (named("rest"), named("positive"), named("added"));
        let values = self.slopes.values.iter().map(|slope| 1.0 - slope);
        put_constant(graph, &rest, &self.slopes.dims, values);
        self.node(graph, "Relu", &[self.input], &positive);
        self.node(graph, "Mul", &[&positive, &rest], &added);
        self.node(graph, "Add", &[&scaled, &added], self.output);
    }

    fn node(&self, graph: &mut Vec<u8>, operator: &str, inputs: &[&[u8]], output: &[u8]) {
        let mut message = Vec::new();
        for input in inputs {
            put_bytes(&mut message, node::INPUT, input);
        }
        put_bytes(&mut message, node::OUTPUT, output);
        let name = [self.name, b"/", operator.as_bytes(), b"/", output].concat();
        put_bytes(&mut message, node::NAME, &name);
        put_bytes(&mut message, node::OP_TYPE, operator.as_bytes());
        put_bytes(graph, graph_of_nodes::NODE, &message);
    }
}

#[cfg(test)]
mod tests {
    use super::examples::{floats, node_of, tensor_of};
    use super::*;

    /// A field that no version of ONNX has.
    const UNKNOWN: u64 = 999;

    fn slopes(values: &[f32]) -> Vec<u8> {
        let dims = [values.len() as u64];
        tensor_of("a", FLOAT, &dims, tensor::FLOAT_DATA, &floats(values))
    }

    fn model_of(opset: u64, nodes: &[Vec<u8>], slopes: &[u8]) -> Vec<u8> {
        let mut graph = Vec::new();
        for node in nodes {
            put_bytes(&mut graph, graph_of_nodes::NODE, node);
        }
        put_number(&mut graph, UNKNOWN, 7);
        put_bytes(&mut graph, graph_of_nodes::INITIALIZER, slopes);
        let mut import = Vec::new();
        put_bytes(&mut import, opset::DOMAIN, b"");
        put_number(&mut import, opset::VERSION, opset);
        let mut model = Vec::new();
        put_bytes(&mut model, UNKNOWN, b"kept");
        put_bytes(&mut model, model::GRAPH, &graph);
        put_bytes(&mut model, model::OPSET_IMPORT, &import);
        model
    }

    /// Operators with their inputs and outputs, in order.
    fn nodes_of(model: &[u8]) -> Vec<String> {
        let model = fields(model).unwrap();
        let graph = fields(text(&model, model::GRAPH).unwrap()).unwrap();
        let nodes = graph.iter().filter(|f| f.number == graph_of_nodes::NODE);
        nodes
            .map(|node| {
                let node = fields(node.bytes().unwrap()).unwrap();
                let texts = |number| {
                    let of = node.iter().filter(move |field| field.number == number);
                    let texts = of.map(|f| String::from_utf8_lossy(f.bytes().unwrap()));
                    texts.collect::<Vec<_>>().join(",")
                };
                let (inputs, output) = (texts(node::INPUT), texts(node::OUTPUT));
                format!("{output}={}({inputs})", texts(node::OP_TYPE))
            })
            .collect()
    }

    fn chain() -> [Vec<u8>; 3] {
        [
            node_of("Relu", &["x"], "in"),
            node_of("PRelu", &["in", "a"], "out"),
            node_of("Relu", &["out"], "y"),
        ]
    }

    #[test]
    fn slopes_up_to_one_become_a_maximum_in_the_same_place() {
        let model = model_of(11, &chain(), &slopes(&[0.25, -0.5, 1.0]));
        let written = without_prelu(&model);
        let expected = [
            "in=Relu(x)",
            "out/prelu_scaled=Mul(in,a)",
            "out=Max(in,out/prelu_scaled)",
            "y=Relu(out)",
        ];
        assert_eq!(nodes_of(&written), expected);
    }

    #[test]
    fn steeper_slopes_become_a_sum_with_a_constant_of_the_same_shape() {
        let model = model_of(11, &chain(), &slopes(&[0.25, 1.5]));
        let written = without_prelu(&model);
        let expected = [
            "in=Relu(x)",
            "out/prelu_scaled=Mul(in,a)",
            "out/prelu_positive=Relu(in)",
            "out/prelu_added=Mul(out/prelu_positive,out/prelu_rest)",
            "out=Add(out/prelu_scaled,out/prelu_added)",
            "y=Relu(out)",
        ];
        assert_eq!(nodes_of(&written), expected);
        let written = fields(&written).unwrap();
        let graph = fields(text(&written, model::GRAPH).unwrap()).unwrap();
        let constants = initializers(&graph).unwrap();
        let rest = constants.iter().find(|t| t.name == b"out/prelu_rest");
        let rest = rest.unwrap();
        assert_eq!((&*rest.dims, &*rest.values), (&[2][..], &[0.75, -0.5][..]));
    }

    #[test]
    fn fields_that_are_not_known_survive() {
        let model = model_of(11, &chain(), &slopes(&[0.5]));
        let written = without_prelu(&model);
        let fields_of_model = fields(&written).unwrap();
        assert_eq!(text(&fields_of_model, UNKNOWN), Some(&b"kept"[..]));
        let graph = fields(text(&fields_of_model, model::GRAPH).unwrap()).unwrap();
        assert_eq!(numbers(&graph, UNKNOWN), Some(vec![7]));
    }

    #[test]
    fn what_is_not_understood_is_used_as_it_is() {
        let mut with_attribute = node_of("PRelu", &["in", "a"], "out");
        put_bytes(&mut with_attribute, node::ATTRIBUTE, b"");
        let a = slopes(&[0.5]);
        for (why, model) in [
            (
                "no slopes",
                model_of(11, &[node_of("PRelu", &["x"], "y")], &a),
            ),
            (
                "computed slopes",
                model_of(11, &[node_of("PRelu", &["x", "b"], "y")], &a),
            ),
            ("an attribute", model_of(11, &[with_attribute], &a)),
            (
                "nothing to do",
                model_of(11, &[node_of("Relu", &["x"], "y")], &a),
            ),
            ("an old version", model_of(7, &chain(), &a)),
            ("a cut tensor", model_of(11, &chain(), &a[..a.len() - 1])),
            ("no model", b"not a model".to_vec()),
            ("nothing", Vec::new()),
        ] {
            assert!(matches!(without_prelu(&model), Cow::Borrowed(_)), "{why}");
        }
    }
}
