//! The kernels of every machine that this one can be, against plain loops, on random shapes,
//! strides, pads, dilations, groups, zero points and extreme values: integers to the last one,
//! deterministic floats to the last bit; natively and in the browser.

use steer8::kernels::conv::{Buffers, Conv, Shape};
use steer8::kernels::dense::{Packed, Run, Store, padded};
use steer8::kernels::geometry::Window;
use steer8::kernels::requantize::Requantize;
use steer8::kernels::store::{ToCodes, ToFloats};
use steer8::kernels::{Bytes, Floats, Integers, Machine, Multiplier, Products};
use steer8::random::SplitMix64;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Convolutions of each arithmetic.
const CASES: usize = if cfg!(target_arch = "wasm32") { 1_000 } else { 10_000 };

struct Random(SplitMix64);

impl Random {
    fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.0.below(high - low + 1)
    }

    fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.0.below(values.len())]
    }

    fn real(&mut self) -> f32 {
        self.0.below(1 << 24) as f32 / (1 << 23) as f32 - 1.0
    }

    /// An integer from `low` to `high`, as often one of the two as not.
    fn code(&mut self, low: i16, high: i16) -> i16 {
        match self.0.below(4) {
            0 => low,
            1 => high,
            _ => low + self.0.below((high - low) as usize + 1) as i16,
        }
    }

    fn shape(&mut self) -> Shape {
        // Often such as can be convolved by fewer products.
        let transformable = self.0.below(4) == 0;
        let (kernel, stride, dilation) = if transformable {
            ([3; 2], [1; 2], [1; 2])
        } else {
            (
                [self.between(1, 5), self.between(1, 5)],
                [self.between(1, 3), self.between(1, 3)],
                [self.one_of(&[1, 1, 2]), self.one_of(&[1, 1, 3])],
            )
        };
        let pad = [self.between(0, 3), self.between(0, 3)];
        let end = [self.between(0, 3), self.between(0, 3)];
        let reach: [usize; 2] = [0, 1].map(|axis| (kernel[axis] - 1) * dilation[axis] + 1);
        let input = [0, 1].map(|axis| {
            let least = reach[axis].saturating_sub(pad[axis] + end[axis]).max(1);
            self.between(least, least + 8)
        });
        let output = [0, 1]
            .map(|axis| (input[axis] + pad[axis] + end[axis] - reach[axis]) / stride[axis] + 1);
        let (groups, per_group, out) = match self.0.below(4) {
            // Depthwise, with and without several outputs of a channel.
            0 => (self.between(1, 40), 1, self.one_of(&[1, 1, 1, 2, 3])),
            1 => (self.between(2, 4), self.between(1, 5), self.between(1, 9)),
            _ if transformable => (1, 8 * self.between(1, 3), self.between(1, 70)),
            _ => (1, self.between(1, 20), self.between(1, 70)),
        };
        Shape {
            window: Window { input, output, kernel, stride, dilation, pad },
            groups,
            channels_in: groups * per_group,
            channels_out: groups * out,
        }
    }
}

/// The sums of a convolution, channels last, as its definition has them: over the taps in order,
/// channels fastest. Padding is left out.
fn sums<T: Copy, S: Copy + Default>(
    shape: &Shape,
    x: &[T],
    weights: &[T],
    add: impl Fn(S, T, T) -> S,
) -> Vec<S> {
    let Window { input, output, kernel, .. } = &shape.window;
    let per_group = shape.channels_in / shape.groups;
    let mut sums = Vec::new();
    for (y, x_at) in (0..output[0]).flat_map(|y| (0..output[1]).map(move |x| (y, x))) {
        for c in 0..shape.channels_out {
            let group = c / (shape.channels_out / shape.groups);
            let mut sum = S::default();
            for (ky, kx) in (0..kernel[0]).flat_map(|y| (0..kernel[1]).map(move |x| (y, x))) {
                let taps = (shape.window.tap(0, y, ky), shape.window.tap(1, x_at, kx));
                let (Some(iy), Some(ix)) = taps else { continue };
                for i in 0..per_group {
                    let from = (iy * input[1] + ix) * shape.channels_in + group * per_group + i;
                    let weight = ((c * per_group + i) * kernel[0] + ky) * kernel[1] + kx;
                    sum = add(sum, x[from], weights[weight]);
                }
            }
            sums.push(sum);
        }
    }
    sums
}

#[test]
fn integer_convolutions_are_exact_on_every_machine() {
    let mut random = Random(SplitMix64::new(8));
    for case in 0..CASES {
        let shape = random.shape();
        let signed = random.0.below(2) == 1;
        let [low, high] = if signed { [-128, 127] } else { [0, 255] };
        let zero = random.code(low, high);
        let x: Vec<i16> = (0..shape.input_len()).map(|_| random.code(low, high) - zero).collect();
        let count = shape.channels_out * shape.k();
        // Symmetric weights, or those less a zero point.
        let [least, most] = random.one_of(&[[-127, 127], [-128, 127], [-255, 255]]);
        let weights: Vec<i16> = (0..count).map(|_| random.code(least, most)).collect();
        let bias: Vec<i32> = (0..shape.channels_out)
            .map(|_| random.one_of(&[0, 1, -70_000, i32::MAX, i32::MIN]))
            .collect();
        let multipliers: Vec<f32> =
            (0..shape.channels_out).map(|_| random.one_of(&[1e-5, 0.000_3, 0.5, 20.0])).collect();
        let to_zero = i32::from(random.code(0, 255));
        let bounds = random.one_of(&[[0, 255], [0, 127], [to_zero, 255]]);
        let right: Vec<u8> = sums(&shape, &x, &weights, |sum: i32, x, w| {
            sum.wrapping_add(i32::from(x) * i32::from(w))
        })
        .iter()
        .enumerate()
        .map(|(i, sum)| {
            let c = i % shape.channels_out;
            let real = sum.wrapping_add(bias[c]) as f32 * multipliers[c];
            let [low, high] = bounds.map(|bound| (bound - to_zero) as f32);
            (real.max(low).min(high).round_ties_even() as i32 + to_zero) as u8
        })
        .collect();
        let requantize = Requantize::new(multipliers, to_zero, bounds);
        for machine in Machine::available() {
            let conv = Conv::new(Integers { machine }, shape.clone(), &weights);
            let Buffers { mut padded, mut squares } = Buffers::default();
            conv.pad(&x, 0, &mut padded, |x| x);
            let mut out = vec![0; shape.output_len()];
            let mut store = ToCodes::new(&bias, &requantize, &mut out);
            conv.run(&padded, &mut squares, &mut store);
            assert_eq!(out, right, "case {case}, {machine}: {shape:?}");
            if least < -128 {
                continue;
            }
            // As bytes: codes from 0 on, what the zero point adds taken off the bias.
            let zero = zero - low;
            let codes: Vec<u8> = x.iter().map(|x| (x + zero) as u8).collect();
            let bytes: Vec<u8> = weights.iter().map(|&w| w as u8).collect();
            let bias: Vec<i32> = bias
                .iter()
                .zip(weights.chunks_exact(shape.k()))
                .map(|(bias, own)| {
                    own.iter().fold(*bias, |b, &w| b.wrapping_sub(i32::from(zero) * i32::from(w)))
                })
                .collect();
            let conv = Conv::new(Bytes { machine }, shape.clone(), &bytes);
            let mut out = vec![0; shape.output_len()];
            let mut store = ToCodes::new(&bias, &requantize, &mut out);
            let Buffers { mut padded, mut squares } = Buffers::default();
            if conv.needs_no_padding() {
                conv.run(&codes, &mut squares, &mut store);
            } else {
                conv.pad(&codes, zero as u8, &mut padded, |x| x);
                conv.run(&padded, &mut squares, &mut store);
            }
            assert_eq!(out, right, "case {case}, {machine}, bytes: {shape:?}");
        }
    }
}

#[test]
fn the_largest_sums_of_transformed_convolutions_are_exact() {
    // Up to 912 channels four times the sum fits 32 bits; with more the definition is followed.
    for channels_in in [912, 920] {
        let shape = Shape {
            window: Window {
                input: [6; 2],
                output: [6; 2],
                kernel: [3; 2],
                stride: [1; 2],
                dilation: [1; 2],
                pad: [1; 2],
            },
            groups: 1,
            channels_in,
            channels_out: 2,
        };
        let x = vec![255; shape.input_len()];
        let weights: Vec<i16> =
            (0..2 * shape.k()).map(|i| if i < shape.k() { 255 } else { -255 }).collect();
        let right = sums(&shape, &x, &weights, |sum: i32, x, w| sum + i32::from(x) * i32::from(w));
        for machine in Machine::available() {
            let conv = Conv::new(Integers { machine }, shape.clone(), &weights);
            let Buffers { mut padded, mut squares } = Buffers::default();
            conv.pad(&x, 0, &mut padded, |x| x);
            let mut out = vec![0; shape.output_len()];
            conv.run(&padded, &mut squares, &mut Keep { columns: 2, out: &mut out });
            assert_eq!(out, right, "{channels_in} channels, {machine}");
        }
    }
}

#[test]
fn deterministic_convolutions_have_the_same_bits_on_every_machine() {
    let mut random = Random(SplitMix64::new(9));
    for case in 0..CASES / 10 {
        let shape = random.shape();
        let x: Vec<f32> = (0..shape.input_len()).map(|_| random.real() * 1e3).collect();
        let count = shape.channels_out * shape.k();
        let weights: Vec<f32> = (0..count).map(|_| random.real()).collect();
        let bias: Vec<f32> = (0..shape.channels_out).map(|_| random.real()).collect();
        let bounds = random.one_of(&[[f32::NEG_INFINITY, f32::INFINITY], [0.0, 6.0]]);
        let right: Vec<f32> = sums(&shape, &x, &weights, |sum: f32, x, w| sum + x * w)
            .iter()
            .enumerate()
            .map(|(i, sum)| (sum + bias[i % bias.len()]).clamp(bounds[0], bounds[1]))
            .collect();
        for machine in Machine::available() {
            for products in [Products::Rounded, Products::Fused] {
                let conv = Conv::new(Floats { machine, products }, shape.clone(), &weights);
                let mut out = vec![0.0; shape.output_len()];
                let mut store = ToFloats::new(&bias, bounds, &mut out);
                let Buffers { mut padded, mut squares } = Buffers::default();
                if conv.needs_no_padding() {
                    conv.run(&x, &mut squares, &mut store);
                } else {
                    conv.pad(&x, 0.0, &mut padded, |x| x);
                    conv.run(&padded, &mut squares, &mut store);
                }
                let about = format!("case {case}, {machine}, {products:?}: {shape:?}");
                match products {
                    Products::Rounded => assert_eq!(out, right, "{about}"),
                    Products::Fused => {
                        let tolerance = 1e-3 * (shape.k() as f32).sqrt();
                        for (a, b) in out.iter().zip(&right) {
                            assert!((a - b).abs() <= tolerance, "{a} is not {b}: {about}");
                        }
                    }
                }
            }
        }
    }
}

/// Keeps the sums of a matrix as they are.
struct Keep<'a> {
    columns: usize,
    out: &'a mut [i32],
}

impl Store<i32> for Keep<'_> {
    fn select(&mut self, _: usize, _: usize) {}

    fn store<const ROWS: usize>(&mut self, row: usize, first: usize, sums: [&[i32]; ROWS]) {
        for (r, sums) in sums.into_iter().enumerate() {
            for (column, &sum) in (first..self.columns).zip(sums) {
                self.out[(row + r) * self.columns + column] = sum;
            }
        }
    }
}

/// `rows x k` times `k x columns`, the weights column by column.
fn products<A: Multiplier<Sum = i32>>(
    arithmetic: A,
    x: &[A::Element],
    weights: &[A::Element],
    k: usize,
) -> Vec<i32> {
    let (rows, columns) = (x.len() / k, weights.len() / k);
    let len = padded::<A>(k);
    let mut laid_out = vec![A::Element::default(); rows * len];
    for (to, from) in laid_out.chunks_exact_mut(len).zip(x.chunks_exact(k)) {
        to[..k].copy_from_slice(from);
    }
    let origins: Vec<usize> = (0..rows).map(|row| row * len).collect();
    let packed = Packed::new(arithmetic, columns, vec![Run { start: 0, len }], |column, _, i| {
        if i < k { weights[column * k + i] } else { A::Element::default() }
    });
    let mut out = vec![0; rows * columns];
    packed.multiply(&laid_out, &origins, &mut Keep { columns, out: &mut out });
    out
}

#[test]
fn products_of_rows_are_exact_on_every_machine() {
    let mut random = Random(SplitMix64::new(10));
    for case in 0..CASES / 10 {
        let (rows, k) = (random.between(1, 20), random.between(1, 90));
        let columns = random.between(1, 300);
        let x: Vec<i16> = (0..rows * k).map(|_| random.code(-255, 255)).collect();
        let weights: Vec<i16> = (0..columns * k).map(|_| random.code(-128, 127)).collect();
        let right = |x: &[i16]| -> Vec<i32> {
            let product = |x: &[i16], w: &[i16]| -> i32 {
                x.iter().zip(w).map(|(&x, &w)| i32::from(x) * i32::from(w)).sum()
            };
            let rows = x.chunks_exact(k);
            rows.flat_map(|x| weights.chunks_exact(k).map(move |w| product(x, w))).collect()
        };
        let codes: Vec<u8> = x.iter().map(|x| x.unsigned_abs() as u8).collect();
        let bytes: Vec<u8> = weights.iter().map(|&w| w as u8).collect();
        let of_words = right(&x);
        let of_bytes = right(&codes.iter().map(|&x| x.into()).collect::<Vec<_>>());
        for machine in Machine::available() {
            let about = format!("case {case}, {machine}: {rows} x {k} x {columns}");
            assert_eq!(products(Integers { machine }, &x, &weights, k), of_words, "{about}");
            assert_eq!(products(Bytes { machine }, &codes, &bytes, k), of_bytes, "{about}, bytes");
        }
    }
}

#[test]
fn elements_that_are_multiplied_at_once_are_told() {
    let padded = (padded::<Bytes>(5), padded::<Integers>(5), padded::<Floats>(5));
    assert_eq!(padded, (8, 6, 5));
    assert_eq!((Bytes::STEP, Integers::STEP, Floats::STEP), (4, 2, 1));
}
