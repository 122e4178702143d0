//! A constant that is known by what is in it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use crate::graph::{Data, Tensor};

/// A constant, the same as any other with its content. Copies share it, with the network that it is from.
#[derive(Debug, Clone)]
pub(super) struct Constant {
    tensor: Arc<Tensor>,
    hash: u64,
}

impl Constant {
    pub(super) fn new(tensor: Arc<Tensor>) -> Self {
        let mut hasher = DefaultHasher::new();
        tensor.shape.hash(&mut hasher);
        tensor.element().hash(&mut hasher);
        match &tensor.data {
            Data::F32(v) => v.iter().for_each(|x| hasher.write_u32(x.to_bits())),
            Data::U8(v) => v.hash(&mut hasher),
            Data::I8(v) => v.hash(&mut hasher),
            Data::I32(v) => v.hash(&mut hasher),
            Data::I64(v) => v.hash(&mut hasher),
            Data::Other(_, bytes) => bytes.hash(&mut hasher),
            Data::Texts(texts) => texts.hash(&mut hasher),
        }
        let hash = hasher.finish();
        Self { tensor, hash }
    }

    pub(super) fn into_tensor(self) -> Tensor {
        Arc::unwrap_or_clone(self.tensor)
    }
}

impl Deref for Constant {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        &self.tensor
    }
}

impl PartialEq for Constant {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
            && (Arc::ptr_eq(&self.tensor, &other.tensor) || have_same_bits(self, other))
    }
}

impl Eq for Constant {}

impl Hash for Constant {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

/// Equal floats may differ in their sign, and what is no number equals nothing.
fn have_same_bits(a: &Tensor, b: &Tensor) -> bool {
    match (&a.data, &b.data) {
        (Data::F32(x), Data::F32(y)) => a.shape == b.shape && bits(x).eq(bits(y)),
        _ => a == b,
    }
}

/// As they are told apart.
pub(super) fn bits(values: &[f32]) -> impl Iterator<Item = u32> {
    values.iter().map(|x| x.to_bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_told_apart_by_content_whatever_their_hashes_are() {
        let constant = |x: f32| Constant::new(Arc::new(Tensor::new([1], Data::F32(vec![x]))));
        let (one, zero) = (constant(1.0), constant(0.0));
        assert_eq!(one, constant(1.0));
        assert_eq!(constant(f32::NAN), constant(f32::NAN));
        assert_ne!(zero, constant(-0.0));
        let collided = Constant { hash: one.hash, ..constant(2.0) };
        assert_ne!(one, collided);
        let negative = Constant { hash: zero.hash, ..constant(-0.0) };
        assert_ne!(zero, negative);
    }
}
