//! Numbers of the fields of the messages in ONNX's `onnx.proto`.

pub mod model {
    pub const IR_VERSION: u64 = 1;
    pub const PRODUCER_NAME: u64 = 2;
    pub const GRAPH: u64 = 7;
    pub const OPSET_IMPORT: u64 = 8;
}
pub mod opset {
    pub const DOMAIN: u64 = 1;
    pub const VERSION: u64 = 2;
}
pub mod graph_of_nodes {
    pub const NODE: u64 = 1;
    pub const NAME: u64 = 2;
    pub const INITIALIZER: u64 = 5;
    pub const INPUT: u64 = 11;
    pub const OUTPUT: u64 = 12;
}
pub mod node {
    pub const INPUT: u64 = 1;
    pub const OUTPUT: u64 = 2;
    pub const NAME: u64 = 3;
    pub const OP_TYPE: u64 = 4;
    pub const ATTRIBUTE: u64 = 5;
    pub const DOMAIN: u64 = 7;
}
pub mod attribute {
    pub const NAME: u64 = 1;
    pub const INT: u64 = 3;
    pub const GRAPH: u64 = 6;
    pub const INTS: u64 = 8;
    pub const GRAPHS: u64 = 11;
    pub const TYPE: u64 = 20;
    /// Values of the type.
    pub const TYPE_INT: u64 = 2;
    pub const TYPE_INTS: u64 = 7;
}
pub mod tensor {
    pub const DIMS: u64 = 1;
    pub const DATA_TYPE: u64 = 2;
    pub const FLOAT_DATA: u64 = 4;
    pub const NAME: u64 = 8;
    pub const RAW_DATA: u64 = 9;
    /// Texts by key.
    pub const EXTERNAL_DATA: u64 = 13;
    pub const DATA_LOCATION: u64 = 14;
    /// The location of values that are not in the message.
    pub const EXTERNAL: u64 = 1;
}
/// A text by its key.
pub mod entry {
    pub const KEY: u64 = 1;
    pub const VALUE: u64 = 2;
}
/// What an input or an output of a graph is: a name and a type, which is a tensor's, with a shape.
pub mod value {
    pub const NAME: u64 = 1;
    pub const TYPE: u64 = 2;
    pub const TENSOR_TYPE: u64 = 1;
    pub const ELEMENT_TYPE: u64 = 1;
    pub const SHAPE: u64 = 2;
    pub const DIM: u64 = 1;
    pub const DIM_VALUE: u64 = 1;
}

/// `TensorProto.DataType.FLOAT`.
pub const FLOAT: u64 = 1;
pub const INT8: u64 = 3;
