//! Transposed convolution: every input element is spread over the outputs that its kernel reaches.

use super::geometry::Window;

/// Adds to the plane `sums` what one input plane gives it through one filter.
///
/// `window` is that of the convolution whose transpose this is: it slides over `sums`, and `x` has
/// an element for each of its positions. An output's sum runs over the input's rows, then the taps
/// in order.
pub fn spread<T, S>(window: &Window, x: &[T], filter: &[T], sums: &mut [S])
where
    T: Copy,
    S: Copy + From<T> + std::ops::Mul<Output = S> + std::ops::AddAssign,
{
    let [_, out_width] = window.input;
    let [_, in_width] = window.output;
    let (stride, pad) = (window.stride[1], window.pad[1]);
    for (iy, row) in x.chunks_exact(in_width).enumerate() {
        for ky in 0..window.kernel[0] {
            let Some(oy) = window.tap(0, iy, ky) else { continue };
            let sums = &mut sums[oy * out_width..][..out_width];
            for kx in 0..window.kernel[1] {
                let tap = S::from(filter[ky * window.kernel[1] + kx]);
                // Inputs whose tap lies inside the row: a contiguous run.
                let offset = kx * window.dilation[1];
                let first = pad.saturating_sub(offset).div_ceil(stride).min(in_width);
                let end = (out_width + pad).saturating_sub(offset).div_ceil(stride).min(in_width);
                if first >= end {
                    continue;
                }
                let to = sums[first * stride + offset - pad..].iter_mut().step_by(stride);
                for (sum, &x) in to.zip(&row[first..end]) {
                    *sum += S::from(x) * tap;
                }
            }
        }
    }
}
