//! What a network says about a frame.

/// The class with the largest logit; the lowest index wins a tie, as numpy's `argmax`.
///
/// NaN never wins; where all are NaN, and without logits, the answer is class 0.
pub fn top1(logits: &[f32]) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (class, &logit) in logits.iter().enumerate() {
        if logit > best.1 {
            best = (class, logit);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_lowest_index_and_nan_never_wins() {
        assert_eq!(top1(&[0.5, 2.0, 2.0]), 1);
        assert_eq!(top1(&[f32::NAN, -1.0, f32::NAN]), 1);
        assert_eq!(top1(&[f32::NAN, f32::NAN]), 0);
        assert_eq!(top1(&[f32::NEG_INFINITY, f32::NEG_INFINITY]), 0);
        assert_eq!(top1(&[-0.0, 0.0]), 0);
    }
}
