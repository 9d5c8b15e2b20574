//! ONNX files as a user may have them: written around a shipped network, or made up.

/// `fr_feature` as somebody else would have exported it: it takes one picture of 112 x 112, pixel after pixel, in red, green
/// and blue from 0 to 1, and gives the first `dimensions` of its values.
pub fn as_somebody_elses(fr_feature: &[u8], dimensions: u64) -> Vec<u8> {
    let mut model = Vec::new();
    for (number, field) in fields(fr_feature) {
        // The graph is field 7 of a model.
        let field = if number == 7 {
            bytes(7, &graph(content(field), dimensions))
        } else {
            field.to_vec()
        };
        model.extend(field);
    }
    model
}

fn graph(graph: &[u8], dimensions: u64) -> Vec<u8> {
    let (mut name, mut kept): (Vec<u8>, Vec<u8>) = Default::default();
    for (number, field) in fields(graph) {
        match number {
            // What it takes, of which there is one thing, and what it gives.
            11 if name.is_empty() => name = named(content(field)),
            11 | 12 => {}
            _ => kept.extend(field),
        }
    }
    let input = String::from_utf8(name).unwrap();
    let mut written = Vec::new();
    for part in [
        node(
            "Transpose",
            &["picture"],
            "planes",
            &attribute("perm", &[0, 3, 1, 2]),
        ),
        node("Gather", &["planes", "backwards"], "bgr", &axis(1)),
        node("Mul", &["bgr", "times"], "bytes", &[]),
        node("Sub", &["bytes", "less"], "centred", &[]),
        node("Mul", &["centred", "by"], &input, &[]),
    ] {
        written.extend(part);
    }
    written.extend(kept);
    written.extend(node("Gather", &["output", "firsts"], "embedding", &axis(1)));
    let firsts: Vec<i64> = (0..dimensions as i64).collect();
    for (name, values) in [("backwards", &[2, 1, 0][..]), ("firsts", &firsts)] {
        written.extend(integers(name, values));
    }
    for (name, value) in [("times", 255.0_f32), ("less", 127.0), ("by", 1.0 / 128.0)] {
        written.extend(constant(name, &[], 1, &value.to_le_bytes()));
    }
    written.extend(bytes(11, &value("picture", &[1, 112, 112, 3])));
    written.extend(bytes(12, &value("embedding", &[1, dimensions as i64])));
    written
}

/// What a graph that is made up gives.
pub struct Output {
    pub name: String,
    /// The shape that the file tells; -1 stands for an open side.
    pub told: Vec<i64>,
    pub shape: Vec<u64>,
    /// For each kind of picture.
    pub values: [Vec<f32>; 3],
}

/// A graph that tells three kinds of pictures by how wide they lie on its canvas: its outputs are the first ones, or the second
/// where there is anything but zeros in one column of the canvas, or the third where there is in another one, too.
pub fn by_columns(input: &[i64; 4], columns: [i64; 2], outputs: &[Output]) -> Vec<u8> {
    let mut graph = bytes(2, b"by columns");
    graph.extend(bytes(11, &value("picture", input)));
    for (index, column) in columns.into_iter().enumerate() {
        let [start, end, part, squares, sum, is_filled] =
            ["start", "end", "part", "squares", "sum", "filled"].map(|n| format!("{n}{index}"));
        graph.extend(integers(&start, &[column]));
        graph.extend(integers(&end, &[column + 1]));
        for part in [
            node("Slice", &["picture", &start, &end, "columns"], &part, &[]),
            node("Mul", &[&part, &part], &squares, &[]),
            node("ReduceSum", &[&squares], &sum, &integer("keepdims", 0)),
            node("Sign", &[&sum], &is_filled, &[]),
        ] {
            graph.extend(part);
        }
    }
    graph.extend(integers("columns", &[3]));
    for output in outputs {
        graph.extend(chosen_output(output));
    }
    // Version 8 of the format, with version 13 of its operators.
    let operators = [bytes(1, b""), number(2, 13)].concat();
    [number(1, 8), bytes(8, &operators), bytes(7, &graph)].concat()
}

/// The first values, and what the others are more.
fn chosen_output(output: &Output) -> Vec<u8> {
    let Output {
        name,
        told,
        shape,
        values: [first, second, third],
    } = output;
    let more = |a: &[f32], b: &[f32]| -> Vec<f32> { a.iter().zip(b).map(|(a, b)| b - a).collect() };
    let [base, step0, step1, more0, more1, sum] =
        ["base", "step0", "step1", "more0", "more1", "sum"].map(|n| format!("{n}-{name}"));
    let mut written = bytes(12, &value(name, told));
    for (constant_name, values) in [
        (&base, first),
        (&step0, &more(first, second)),
        (&step1, &more(second, third)),
    ] {
        let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        written.extend(constant(constant_name, shape, 1, &raw));
    }
    for part in [
        node("Mul", &["filled0", &step0], &more0, &[]),
        node("Mul", &["filled1", &step1], &more1, &[]),
        node("Add", &[&base, &more0], &sum, &[]),
        node("Add", &[&sum, &more1], name, &[]),
    ] {
        written.extend(part);
    }
    written
}

fn node(kind: &str, inputs: &[&str], output: &str, attributes: &[u8]) -> Vec<u8> {
    let mut node = Vec::new();
    for input in inputs {
        node.extend(bytes(1, input.as_bytes()));
    }
    node.extend(bytes(2, output.as_bytes()));
    node.extend(bytes(4, kind.as_bytes()));
    node.extend(attributes);
    bytes(1, &node)
}

fn attribute(name: &str, values: &[u64]) -> Vec<u8> {
    let mut attribute = bytes(1, name.as_bytes());
    for value in values {
        attribute.extend(number(8, *value));
    }
    attribute.extend(number(20, 7));
    bytes(5, &attribute)
}

fn axis(axis: u64) -> Vec<u8> {
    integer("axis", axis)
}

fn integer(name: &str, value: u64) -> Vec<u8> {
    let mut attribute = bytes(1, name.as_bytes());
    attribute.extend(number(3, value));
    attribute.extend(number(20, 2));
    bytes(5, &attribute)
}

/// A constant row of integers.
fn integers(name: &str, values: &[i64]) -> Vec<u8> {
    let raw: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    constant(name, &[values.len() as u64], 7, &raw)
}

fn constant(name: &str, dims: &[u64], kind: u64, raw: &[u8]) -> Vec<u8> {
    let mut tensor = Vec::new();
    for dim in dims {
        tensor.extend(number(1, *dim));
    }
    tensor.extend(number(2, kind));
    tensor.extend(bytes(8, name.as_bytes()));
    tensor.extend(bytes(9, raw));
    bytes(5, &tensor)
}

/// A tensor of floats that is taken or given; -1 stands for an open side.
fn value(name: &str, dims: &[i64]) -> Vec<u8> {
    let dim = |dim: &i64| u64::try_from(*dim).map_or_else(|_| Vec::new(), |dim| number(1, dim));
    let dims: Vec<u8> = dims.iter().flat_map(|d| bytes(1, &dim(d))).collect();
    let tensor = [number(1, 1), bytes(2, &dims)].concat();
    [bytes(1, name.as_bytes()), bytes(2, &bytes(1, &tensor))].concat()
}

/// The name of a value.
fn named(value: &[u8]) -> Vec<u8> {
    let name = fields(value).into_iter().find(|(number, _)| *number == 1);
    content(name.unwrap().1).to_vec()
}

fn bytes(field: u64, content: &[u8]) -> Vec<u8> {
    [
        varint(field << 3 | 2),
        varint(content.len() as u64),
        content.to_vec(),
    ]
    .concat()
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut written = Vec::new();
    while number >= 0x80 {
        written.push(number as u8 | 0x80);
        number >>= 7;
    }
    written.push(number as u8);
    written
}

/// A number, and how many bytes it takes.
fn read(bytes: &[u8]) -> (u64, usize) {
    let last = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap();
    let digits = bytes[..=last].iter().rev();
    let number = digits.fold(0, |number, byte| number << 7 | u64::from(byte & 0x7F));
    (number, last + 1)
}

/// The fields of a message, each whole, by number.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let (key, start) = read(message);
        let length = match key & 7 {
            0 => start + read(&message[start..]).1,
            1 => start + 8,
            2 => {
                let (length, digits) = read(&message[start..]);
                start + digits + length as usize
            }
            5 => start + 4,
            kind => panic!("a field of kind {kind}"),
        };
        let (field, rest) = message.split_at(length);
        fields.push((key >> 3, field));
        message = rest;
    }
    fields
}

/// What a field of bytes holds.
fn content(field: &[u8]) -> &[u8] {
    let start = read(field).1;
    let (length, digits) = read(&field[start..]);
    assert_eq!(field.len(), start + digits + length as usize);
    &field[start + digits..]
}
