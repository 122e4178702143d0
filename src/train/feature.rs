//! A tensor as training holds it: a frame of it with the channels last.

use super::round::Round;

#[derive(Debug, Clone)]
pub(super) struct Feature {
    /// Of a frame, in ONNX's order: channels first.
    pub(super) shape: Vec<usize>,
    /// Whether something that trains stands before it.
    pub(super) needs_gradient: bool,
    /// How it is rounded when it is made.
    pub(super) round: Option<Round>,
    /// A constant's values, for one frame, and their unit.
    pub(super) constant: Option<(Vec<f32>, f32)>,
}

impl Feature {
    /// Elements of a frame.
    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// ONNX's axis of a frame, in the order that memory has.
pub(super) fn axis_in_memory(rank: usize, axis: usize) -> usize {
    if axis == 0 { rank - 1 } else { axis - 1 }
}

/// The shape in the order that memory has: channels last.
pub(super) fn in_memory(shape: &[usize]) -> Vec<usize> {
    let mut shape = shape.to_vec();
    if !shape.is_empty() {
        shape.rotate_left(1);
    }
    shape
}

/// By place in memory, the place in ONNX's order.
pub(super) fn order(shape: &[usize]) -> Vec<u32> {
    let Some((&channels, rest)) = shape.split_first() else { return vec![0] };
    let pixels: usize = rest.iter().product();
    let place = |i: usize| (i % channels * pixels + i / channels) as u32;
    (0..channels * pixels).map(place).collect()
}

/// By place in ONNX's order, the place in memory.
pub(super) fn memory_of(shape: &[usize]) -> Vec<u32> {
    let mut memory = vec![0; shape.iter().product()];
    for (place, &at) in order(shape).iter().enumerate() {
        memory[at as usize] = place as u32;
    }
    memory
}

/// By element of `result`, the element of `operand` that ONNX's broadcasting reads, both in memory's
/// order; shapes are those of a frame. `None` where they do not broadcast.
pub(super) fn broadcast(operand: &[usize], result: &[usize]) -> Option<Vec<u32>> {
    let rank = result.len();
    let padded: Vec<usize> = std::iter::repeat_n(1, rank.checked_sub(operand.len())?)
        .chain(operand.iter().copied())
        .collect();
    if padded.iter().zip(result).any(|(own, all)| own != all && *own != 1) {
        return None;
    }
    // From ONNX's order of the operand, with its ones, to memory's.
    let memory = memory_of(&padded);
    let of_result = |&onnx: &u32| {
        let (mut rest, mut at, mut stride) = (onnx as usize, 0, 1);
        for (own, all) in padded.iter().zip(result).rev() {
            let index = rest % all;
            rest /= all;
            at += if *own == 1 { 0 } else { index * stride };
            stride *= own;
        }
        memory[at]
    };
    Some(order(result).iter().map(of_result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_come_last_in_memory() {
        assert_eq!(order(&[2, 1, 3]), [0, 3, 1, 4, 2, 5]);
        assert_eq!(order(&[4]), [0, 1, 2, 3]);
        assert_eq!(in_memory(&[2, 5, 3]), [5, 3, 2]);
        assert_eq!([0, 1, 2].map(|axis| axis_in_memory(3, axis)), [2, 0, 1]);
    }

    #[test]
    fn operands_are_spread_as_onnx_spreads_them() {
        // One value per channel, per column, for all; memory's order is pixel by pixel.
        assert_eq!(broadcast(&[2, 1, 1], &[2, 1, 3]), Some(vec![0, 1, 0, 1, 0, 1]));
        assert_eq!(broadcast(&[3], &[2, 1, 3]), Some(vec![0, 0, 1, 1, 2, 2]));
        assert_eq!(broadcast(&[], &[2]), Some(vec![0, 0]));
        assert_eq!(broadcast(&[2, 1, 3], &[2, 1, 3]), Some((0..6).collect()));
        assert_eq!(broadcast(&[4], &[2, 1, 3]), None);
    }
}
