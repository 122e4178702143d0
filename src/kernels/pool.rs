//! Pooling over one plane.

use super::geometry::Window;

/// The largest element under each window position; padding does not count.
///
/// `lowest` stands for an empty window.
pub fn max<T: Copy + PartialOrd>(window: &Window, x: &[T], lowest: T, out: &mut [T]) {
    for_each_window(window, |at, taps| {
        out[at] = taps.fold(lowest, |m, i| if x[i] > m { x[i] } else { m });
    });
}

/// The sum under each window position, in order, with the number of elements that it has.
pub fn sums<T, S>(window: &Window, x: &[T], mut store: impl FnMut(usize, S, usize))
where
    T: Copy,
    S: Default + From<T> + std::ops::AddAssign,
{
    for_each_window(window, |at, taps| {
        let mut sum = S::default();
        let mut count = 0;
        for i in taps {
            sum += S::from(x[i]);
            count += 1;
        }
        store(at, sum, count);
    });
}

fn for_each_window(window: &Window, mut visit: impl FnMut(usize, &mut dyn Iterator<Item = usize>)) {
    let [height, width] = window.output;
    for y in 0..height {
        for x in 0..width {
            let rows = (0..window.kernel[0]).filter_map(|k| window.tap(0, y, k));
            let mut taps = rows.flat_map(|row| {
                (0..window.kernel[1])
                    .filter_map(move |k| window.tap(1, x, k))
                    .map(move |column| row * window.input[1] + column)
            });
            visit(y * width + x, &mut taps);
        }
    }
}
