//! Pooling over channels-last pixels, and the order of elements.

use super::geometry::Window;

/// The largest element of each channel under each window position; padding does not count.
///
/// `lowest` stands for an empty window; `larger` is the larger of two.
pub fn max<T: Copy>(
    window: &Window,
    channels: usize,
    x: &[T],
    lowest: T,
    out: &mut [T],
    larger: impl Fn(T, T) -> T,
) {
    let mut rows = out.chunks_exact_mut(channels.max(1));
    for_each_window(window, |taps| {
        let Some(out) = rows.next() else { return };
        out.fill(lowest);
        for at in taps {
            for (out, &x) in out.iter_mut().zip(&x[at * channels..][..channels]) {
                *out = larger(x, *out);
            }
        }
    });
}

/// The sum of each channel under each window position, in order, with the number of elements that
/// the position has: `store(position, sums, count)`. `value` is what an element adds; `sums` is
/// scratch.
pub fn sums<T, S>(
    window: &Window,
    channels: usize,
    x: &[T],
    sums: &mut Vec<S>,
    value: impl Fn(T) -> S,
    mut store: impl FnMut(usize, &[S], usize),
) where
    T: Copy,
    S: Copy + Default + std::ops::AddAssign,
{
    let mut position = 0;
    for_each_window(window, |taps| {
        sums.clear();
        sums.resize(channels, S::default());
        let mut count = 0;
        for at in taps {
            for (sum, &x) in sums.iter_mut().zip(&x[at * channels..][..channels]) {
                *sum += value(x);
            }
            count += 1;
        }
        store(position, sums, count);
        position += 1;
    });
}

fn for_each_window(window: &Window, mut visit: impl FnMut(&mut dyn Iterator<Item = usize>)) {
    let [height, width] = window.output;
    for y in 0..height {
        for x in 0..width {
            let rows = (0..window.kernel[0]).filter_map(|k| window.tap(0, y, k));
            let mut taps = rows.flat_map(|row| {
                (0..window.kernel[1])
                    .filter_map(move |k| window.tap(1, x, k))
                    .map(move |column| row * window.input[1] + column)
            });
            visit(&mut taps);
        }
    }
}
