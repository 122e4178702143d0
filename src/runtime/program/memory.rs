//! Where results lie while a program runs: laid out once, and shared by results that are not read at the
//! same time.

use super::super::operators::{
    MOST_BYTES, Operator as _, Order, Reorder, Scratch, TensorType, View, ViewMut, too_large,
};
use super::super::tract;
use super::meaning::ResultId;
use crate::error::Result;
use crate::graph::{Data, Element, Tensor};

/// Elements of a tensor.
#[derive(Debug, Clone, Default)]
pub(in crate::runtime) enum Elements {
    #[default]
    Nothing,
    F32(Vec<f32>),
    /// 8-bit integers, as they lie in memory.
    Codes(Vec<u8>),
    I32(Vec<i32>),
    /// Of a type that only tract's operators read.
    Foreign(tract::Value),
}

/// Where each result lies while the program runs.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// For each step and output.
    pub(super) places: Vec<Vec<Place>>,
    pub(super) held: Vec<Elements>,
    pub(super) scratch: Scratch,
    /// Whether it is laid out for the steps as they are, and for what is observed of them.
    pub(super) is_ready: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Which of the memory's tensors.
    pub(super) slot: usize,
    /// Elements, the first ones there.
    pub(super) len: usize,
}

/// What a step asks of the memory.
pub(super) struct Need<'a> {
    /// The types of its results; none for an input of the program.
    pub(super) makes: &'a [TensorType],
    /// Bytes that it copies while it runs.
    pub(super) copies: usize,
    /// The last step that reads one of its results; `usize::MAX` if one is observed.
    pub(super) last_reader: usize,
    pub(super) node: &'a str,
}

impl Memory {
    /// Gives every result a slot: one whose result nobody reads any more, or a new one.
    ///
    /// # Errors
    /// More memory than may be taken.
    pub(super) fn lay_out(&mut self, steps: &[Need<'_>]) -> Result<()> {
        let mut held: Vec<Elements> = Vec::new();
        let mut free: Vec<usize> = Vec::new();
        let mut places: Vec<Vec<Place>> = Vec::with_capacity(steps.len());
        // What nobody reads again, by the step after which that is so.
        let mut done: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
        for (at, step) in steps.iter().enumerate() {
            if step.makes.is_empty() {
                places.push(Vec::new());
                continue;
            }
            let place = |ty: &TensorType| {
                let wanted = Elements::empty(ty);
                let len = wanted.len();
                let alike = |&&slot: &&usize| held[slot].is_like(&wanted);
                // The smallest that is large enough, else the largest.
                let fit = free.iter().filter(alike).copied().min_by_key(|&slot| {
                    let own = held[slot].len();
                    if own >= len { (0, own) } else { (1, usize::MAX - own) }
                });
                let slot = fit.unwrap_or(held.len());
                free.retain(|&other| other != slot);
                if slot == held.len() {
                    held.push(wanted);
                } else if held[slot].len() < len {
                    held[slot] = wanted;
                }
                Place { slot, len }
            };
            places.push(step.makes.iter().map(place).collect());
            let bytes = held.iter().map(Elements::bytes).fold(step.copies, usize::saturating_add);
            if bytes > MOST_BYTES {
                let what = format!("up to here a run holds {bytes} bytes, more than {MOST_BYTES}");
                return Err(too_large(what).at_node(step.node));
            }
            if step.last_reader != usize::MAX {
                done[step.last_reader].push(at);
            }
            for past in std::mem::take(&mut done[at]) {
                free.extend(places[past].iter().map(|place| place.slot));
            }
        }
        let scratch = std::mem::take(&mut self.scratch);
        *self = Self { places, held, scratch, is_ready: true };
        Ok(())
    }

    /// The elements of a result; `None` if tract alone reads them.
    pub(super) fn view(&self, id: ResultId) -> Option<View<'_>> {
        let Place { slot, len } = self.places[id.step][id.output];
        self.held[slot].view(len)
    }

    /// Bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.held.iter().map(Elements::bytes).sum::<usize>() + self.scratch.bytes()
    }
}

impl Elements {
    /// Room for a tensor of a type that our operators make; what tract's make brings its own.
    pub(super) fn empty(ty: &TensorType) -> Self {
        let len = ty.shape.iter().product();
        match ty.element {
            Element::F32 => Self::F32(vec![0.0; len]),
            Element::U8 | Element::I8 => Self::Codes(vec![0; len]),
            Element::I32 => Self::I32(vec![0; len]),
            _ => Self::Nothing,
        }
    }

    pub(in crate::runtime) fn of(tensor: &Tensor) -> Option<Self> {
        Some(match &tensor.data {
            Data::F32(x) => Self::F32(x.clone()),
            Data::U8(x) => Self::Codes(x.clone()),
            Data::I8(x) => Self::Codes(x.iter().map(|&code| code as u8).collect()),
            Data::I32(x) => Self::I32(x.clone()),
            _ => return None,
        })
    }

    /// What lies in ONNX's order, in another.
    pub(super) fn ordered(self, ty: &TensorType, order: Order) -> Self {
        if order == Order::Plain || Order::is_moot(&ty.shape) {
            return self;
        }
        let mut out = Self::empty(ty);
        let len = self.len();
        if let Some(view) = self.view(len) {
            let scratch = &mut Scratch::default();
            Reorder::new(&ty.shape, order).run(&[view], out.view_mut(len), scratch);
        }
        out
    }

    pub(in crate::runtime) fn len(&self) -> usize {
        match self {
            Self::F32(x) => x.len(),
            Self::Codes(x) => x.len(),
            Self::I32(x) => x.len(),
            Self::Nothing | Self::Foreign(_) => 0,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::F32(x) => size_of_val(&x[..]),
            Self::Codes(x) => size_of_val(&x[..]),
            Self::I32(x) => size_of_val(&x[..]),
            Self::Foreign(value) => value.bytes(),
        }
    }

    /// Whether a tensor of the other's kind may lie here.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        !matches!(other, Self::Nothing)
            && std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// The first `len` elements.
    pub(in crate::runtime) fn view(&self, len: usize) -> Option<View<'_>> {
        match self {
            Self::F32(x) => x.get(..len).map(View::F32),
            Self::Codes(x) => x.get(..len).map(View::Codes),
            Self::I32(x) => x.get(..len).map(View::I32),
            Self::Nothing | Self::Foreign(_) => None,
        }
    }

    pub(super) fn view_mut(&mut self, len: usize) -> ViewMut<'_> {
        fn first<T: Clone + Default>(x: &mut Vec<T>, len: usize) -> &mut [T] {
            if x.len() < len {
                x.resize(len, T::default());
            }
            &mut x[..len]
        }
        match self {
            Self::F32(x) => ViewMut::F32(first(x, len)),
            Self::Codes(x) => ViewMut::Codes(first(x, len)),
            Self::I32(x) => ViewMut::I32(first(x, len)),
            Self::Nothing | Self::Foreign(_) => unreachable!("an operator of ours has its memory"),
        }
    }
}

/// Elements as a tensor of that type.
pub(super) fn tensor(view: View<'_>, ty: &TensorType) -> Tensor {
    let data = match (view, ty.element) {
        (View::F32(x), _) => Data::F32(x.to_vec()),
        (View::I32(x), _) => Data::I32(x.to_vec()),
        (View::Codes(x), Element::I8) => Data::I8(x.iter().map(|&code| code as i8).collect()),
        (View::Codes(x), _) => Data::U8(x.to_vec()),
    };
    Tensor::new(ty.shape.clone(), data)
}
