//! Numbers of the fields of the messages in ONNX's `onnx.proto`.

pub(in crate::vision) mod model {
    pub(in crate::vision) const IR_VERSION: u64 = 1;
    pub(in crate::vision) const PRODUCER_NAME: u64 = 2;
    pub(in crate::vision) const GRAPH: u64 = 7;
    pub(in crate::vision) const OPSET_IMPORT: u64 = 8;
}
pub(in crate::vision) mod opset {
    pub(in crate::vision) const DOMAIN: u64 = 1;
    pub(in crate::vision) const VERSION: u64 = 2;
}
pub(in crate::vision) mod graph_of_nodes {
    pub(in crate::vision) const NODE: u64 = 1;
    pub(in crate::vision) const NAME: u64 = 2;
    pub(in crate::vision) const INITIALIZER: u64 = 5;
    pub(in crate::vision) const INPUT: u64 = 11;
    pub(in crate::vision) const OUTPUT: u64 = 12;
}
pub(in crate::vision) mod node {
    pub(in crate::vision) const INPUT: u64 = 1;
    pub(in crate::vision) const OUTPUT: u64 = 2;
    pub(in crate::vision) const NAME: u64 = 3;
    pub(in crate::vision) const OP_TYPE: u64 = 4;
    pub(in crate::vision) const ATTRIBUTE: u64 = 5;
    pub(in crate::vision) const DOMAIN: u64 = 7;
}
pub(in crate::vision) mod attribute {
    pub(in crate::vision) const NAME: u64 = 1;
    pub(in crate::vision) const INT: u64 = 3;
    pub(in crate::vision) const INTS: u64 = 8;
    pub(in crate::vision) const TYPE: u64 = 20;
    /// Values of the type.
    pub(in crate::vision) const TYPE_INT: u64 = 2;
    pub(in crate::vision) const TYPE_INTS: u64 = 7;
}
pub(in crate::vision) mod tensor {
    pub(in crate::vision) const DIMS: u64 = 1;
    pub(in crate::vision) const DATA_TYPE: u64 = 2;
    pub(in crate::vision) const FLOAT_DATA: u64 = 4;
    pub(in crate::vision) const NAME: u64 = 8;
    pub(in crate::vision) const RAW_DATA: u64 = 9;
    pub(in crate::vision) const DATA_LOCATION: u64 = 14;
}
/// What an input or an output of a graph is: a name and a type, which is a tensor's, with a shape.
pub(in crate::vision) mod value {
    pub(in crate::vision) const NAME: u64 = 1;
    pub(in crate::vision) const TYPE: u64 = 2;
    pub(in crate::vision) const TENSOR_TYPE: u64 = 1;
    pub(in crate::vision) const ELEMENT_TYPE: u64 = 1;
    pub(in crate::vision) const SHAPE: u64 = 2;
    pub(in crate::vision) const DIM: u64 = 1;
    pub(in crate::vision) const DIM_VALUE: u64 = 1;
}

/// `TensorProto.DataType.FLOAT`.
pub(in crate::vision) const FLOAT: u64 = 1;
