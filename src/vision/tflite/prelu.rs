//! Where a network has a `PRelu`, in the five operators that TensorFlow Lite is given for it:
//! `relu(x) + a / 2 * (x - |x|)`, since the difference is twice the part of `x` below zero.

use std::collections::{HashMap, HashSet};

use super::is_per_channel;
use super::network::{Kind, Network};

/// A `PRelu`.
#[derive(Debug, PartialEq)]
pub(super) struct Prelu {
    pub(super) input: usize,
    /// One for each channel.
    pub(super) slopes: Vec<f32>,
}

/// All of a network.
#[derive(Debug, Default)]
pub(super) struct Prelus {
    /// By the operator that comes last.
    last: HashMap<usize, Prelu>,
    /// The operators before it.
    others: HashSet<usize>,
}

impl Prelus {
    /// The one that ends with an operator.
    pub(super) fn at(&self, operator: usize) -> Option<&Prelu> {
        self.last.get(&operator)
    }

    /// Whether an operator is a part of one, and nothing else.
    pub(super) fn covers(&self, operator: usize) -> bool {
        self.others.contains(&operator)
    }
}

/// Finds them.
pub(super) fn find(network: &Network<'_>) -> Prelus {
    let steps = Steps::of(network);
    let mut found = Prelus::default();
    for (index, operator) in network.operators.iter().enumerate() {
        let (Kind::Add, &[a, b]) = (operator.kind, &operator.inputs[..]) else {
            continue;
        };
        let prelu = steps.prelu(a, b).or_else(|| steps.prelu(b, a));
        if let Some((prelu, parts)) = prelu {
            found.last.insert(index, prelu);
            found.others.extend(parts);
        }
    }
    found
}

/// The operators by what they make.
struct Steps<'a> {
    network: &'a Network<'a>,
    makers: HashMap<usize, usize>,
    /// How many operators need a tensor.
    uses: HashMap<usize, usize>,
}

impl<'a> Steps<'a> {
    fn of(network: &'a Network<'a>) -> Self {
        let mut uses = HashMap::from([(network.output, 1)]);
        for input in network.operators.iter().flat_map(|o| &o.inputs) {
            *uses.entry(*input).or_insert(0) += 1;
        }
        let operators = network.operators.iter().enumerate();
        Self {
            network,
            makers: operators.map(|(at, o)| (o.output, at)).collect(),
            uses,
        }
    }

    /// The sum of these two, if it is one, with the operators that lead to it.
    fn prelu(&self, positive: usize, negative: usize) -> Option<(Prelu, [usize; 4])> {
        let (relu, of_relu) = self.step(Kind::Relu, positive)?;
        let (product, of_product) = self.step(Kind::Multiply, negative)?;
        let (&[input], &[a, b]) = (of_relu, of_product) else {
            return None;
        };
        let is_constant = |index: usize| self.network.tensors[index].is_constant();
        let (halves, difference) = if is_constant(a) { (a, b) } else { (b, a) };
        let (subtraction, of_difference) = self.step(Kind::Subtract, difference)?;
        let &[whole, size] = of_difference else {
            return None;
        };
        let (absolute, of_absolute) = self.step(Kind::Absolute, size)?;
        let halves = self.network.tensors[halves].values()?;
        let same_input = whole == input && of_absolute == [input];
        let per_channel = is_per_channel(&halves, &self.network.tensors[input]);
        let prelu = Prelu {
            input,
            slopes: halves.into_iter().map(|half| 2.0 * half).collect(),
        };
        (same_input && per_channel).then_some((prelu, [relu, product, subtraction, absolute]))
    }

    /// The operator of a kind that makes a tensor for one other alone, and its inputs.
    fn step(&self, kind: Kind, tensor: usize) -> Option<(usize, &'a [usize])> {
        let index = *self.makers.get(&tensor)?;
        let operator = &self.network.operators[index];
        let alone = self.uses.get(&tensor) == Some(&1) && operator.kind == kind;
        alone.then_some((index, &operator.inputs))
    }
}
