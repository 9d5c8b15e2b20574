//! Large weights, held once for all sessions that have the same.
//!
//! Every session has its own copy of a model otherwise, and each worker has its own session of every model. Of SFace one
//! matrix is two thirds. The values of such a one go to the runtime beside the model, and all sessions read the same. They
//! are known by what they are, so that a file that was exchanged needs no thought, and go with the last session.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use ort::session::builder::SessionBuilder;
use ort::value::{DynValue, Tensor};

use super::graph::{Weights, with_float_weights, without_large_weights};

/// From this size on weights are shared. Nothing that is run on more than one row at a time should be: the runtime lays
/// weights out in its own way for that, which it cannot do with shared ones.
const MIN_BYTES: usize = 16 << 20;

static HELD: Mutex<Vec<Weak<DynValue>>> = Mutex::new(Vec::new());

/// A model as it is given to the runtime, and the weights that go with it.
pub(super) struct Sharing<'a> {
    pub(super) model: Cow<'a, [u8]>,
    weights: Vec<(String, Arc<DynValue>)>,
}

impl<'a> Sharing<'a> {
    /// The model with all its weights.
    pub(super) fn nothing(model: &'a [u8]) -> Self {
        Self {
            model: with_float_weights(model, usize::MAX).0,
            weights: Vec::new(),
        }
    }

    /// The model without those that are shared, where it has such.
    pub(super) fn of(model: &'a [u8]) -> Result<Self, ort::Error> {
        let (mut model, mut taken) = with_float_weights(model, MIN_BYTES);
        if let Some((without, more)) = without_large_weights(&model, MIN_BYTES) {
            model = Cow::Owned(without);
            taken.extend(more);
        }
        let held = taken.into_iter().map(|weights| {
            let name = weights.name.clone();
            Ok((name, held(weights)?))
        });
        Ok(Self {
            model,
            weights: held.collect::<Result<_, ort::Error>>()?,
        })
    }

    /// Has a session use the shared weights, as they are: laid out anew they would be a copy.
    pub(super) fn tell(&self, mut builder: SessionBuilder) -> Result<SessionBuilder, ort::Error> {
        if self.weights.is_empty() {
            return Ok(builder);
        }
        builder = builder.with_prepacking(false)?;
        for (name, weights) in &self.weights {
            // The first says what the model's constant is, and the second that it is not to be copied.
            builder = builder
                .with_external_initializer(name, Arc::clone(weights))?
                .with_initializer(name, Arc::clone(weights))?;
        }
        Ok(builder)
    }
}

/// The same weights where some session has them, or these.
fn held(weights: Weights) -> Result<Arc<DynValue>, ort::Error> {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    held.retain(|known| known.strong_count() > 0);
    let mut known = held.iter().filter_map(Weak::upgrade);
    if let Some(same) = known.find(|known| is_same(known, &weights)) {
        return Ok(same);
    }
    let Weights { dims, values, .. } = weights;
    let value = Arc::new(Tensor::from_array((dims, values))?.into_dyn());
    held.push(Arc::downgrade(&value));
    Ok(value)
}

fn is_same(known: &DynValue, weights: &Weights) -> bool {
    known
        .try_extract_tensor::<f32>()
        .is_ok_and(|(dims, values)| **dims == *weights.dims && values == weights.values)
}
