//! The order of a tensor's elements: ONNX's, channels before pixels, and the kernels', after them.

/// Elements moved at once keep both sides in the cache.
const BLOCK: usize = 16;

/// One frame's planes (`channels, pixels`) as pixels (`pixels, channels`).
pub fn channels_last<T: Copy>(planes: &[T], channels: usize, out: &mut [T]) {
    transpose(planes, channels, out);
}

/// One frame's pixels (`pixels, channels`) as planes (`channels, pixels`).
pub fn channels_first<T: Copy>(pixels: &[T], channels: usize, out: &mut [T]) {
    transpose(pixels, pixels.len() / channels.max(1), out);
}

/// `rows` rows become columns.
fn transpose<T: Copy>(x: &[T], rows: usize, out: &mut [T]) {
    let columns = x.len() / rows.max(1);
    if rows == 3 {
        return interleave(x, columns, out);
    }
    for first in (0..rows).step_by(BLOCK) {
        let block = first..rows.min(first + BLOCK);
        for (column, out) in out.chunks_exact_mut(rows).take(columns).enumerate() {
            for (row, out) in block.clone().zip(&mut out[block.clone()]) {
                *out = x[row * columns + column];
            }
        }
    }
}

/// The channels of an image: 3 rows become columns.
fn interleave<T: Copy>(x: &[T], columns: usize, out: &mut [T]) {
    let (a, rest) = x.split_at(columns);
    let (b, c) = rest.split_at(columns);
    let out = &mut out.as_chunks_mut::<3>().0[..columns];
    for i in 0..columns {
        out[i] = [a[i], b[i], c[i]];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (channels, pixels) in [(1, 1), (3, 35), (40, 7), (17, 33)] {
            let planes: Vec<u16> = (0..channels * pixels).map(|i| i as u16).collect();
            let mut last = vec![0; planes.len()];
            channels_last(&planes, channels, &mut last);
            for (i, &v) in last.iter().enumerate() {
                assert_eq!(usize::from(v), i % channels * pixels + i / channels);
            }
            let mut back = vec![0; planes.len()];
            channels_first(&last, channels, &mut back);
            assert_eq!(back, planes);
        }
    }
}
