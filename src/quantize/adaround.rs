//! AdaRound: whether each weight is rounded down or up is learned, layer by layer, so that the
//! layer's output changes least.
//!
//! Nagel, Amjad, van Baalen, Louizos, Blankevoort, "Up or Down? Adaptive Rounding for Post-Training
//! Quantization" (2020): rectified sigmoid (eq. 23), regularizer with annealed exponent (eq. 24),
//! asymmetric reconstruction with the activation function (eq. 25), Adam.
//!
//! Every output channel is a problem of its own, measured in units of its scale and of the input's
//! root mean square, so that the regularizer weighs the same in every layer. A channel that
//! learning makes no better keeps its nearest integers.

use super::layer::{Layer, Samples};
use super::qdq::Weights;
use crate::error::Result;
use crate::kernels::exp::exp;
use crate::kernels::sgemm::{self, Left, Write};
use crate::progress::Progress;
use crate::random::SplitMix64;

const ITERATIONS: usize = 1000;
/// Positions per iteration, fewer for few weights.
const BATCH: usize = 192;
/// Positions from which an iteration picks its own, and the elements that they may have.
const POOL: usize = 4096;
const POOL_ELEMENTS: usize = 1 << 23;
/// Positions on which learned and nearest integers are compared.
const JUDGED: usize = 1024;
/// Without the regularizer, which would freeze what the data have not moved yet.
const WARM_UP: f64 = 0.2;
const REGULARIZER: f32 = 0.01;
const RATE: f32 = 0.01;
/// The sigmoid reaches a little beyond 0 and 1, and is cut there.
const STRETCH: [f32; 2] = [-0.1, 1.1];

/// Learned integers for the weights of a layer, laid out as they are.
///
/// `weights` holds the nearest integers and their scales, `seed` decides which positions are seen
/// when.
///
/// # Errors
/// Cancelling.
pub(super) fn round(
    layer: &Layer,
    samples: &Samples<'_>,
    weights: &Weights,
    seed: u64,
    progress: &mut Progress,
) -> Result<Vec<i32>> {
    let mut codes = weights.codes.clone();
    let input_unit = 1.0 / samples.root_mean_square();
    for group in 0..layer.groups {
        let mut problem = Problem::new(layer, samples, weights, group, input_unit);
        let mut random = SplitMix64::new(seed ^ ((group as u64) << 32));
        let pool = POOL.min(samples.positions()).min((POOL_ELEMENTS / layer.k).max(BATCH));
        problem.pool = problem.draw(pool, &mut random).into();
        for iteration in 0..ITERATIONS {
            problem.step(iteration, &mut random);
            if iteration % 50 == 0 {
                progress(group * ITERATIONS + iteration, layer.groups * ITERATIONS)?;
            }
        }
        problem.judge(&mut random);
        for o in 0..layer.out {
            for j in 0..layer.k {
                codes[layer.weight(group, o, j)] = problem.code(o, j);
            }
        }
    }
    Ok(codes)
}

/// The rounding of one group's weights.
struct Problem<'a> {
    layer: &'a Layer,
    samples: &'a Samples<'a>,
    group: usize,
    /// Integers less their zero point, `out x k`: nearest, and rounded down.
    nearest: Vec<f32>,
    down: Vec<f32>,
    bounds: Vec<[f32; 2]>,
    zero_point: Vec<i32>,
    /// The learned variable of each weight.
    v: Vec<f32>,
    adam: [Vec<f32>; 2],
    /// Of each weight in this step: its share between down and up, that as an integer in between,
    /// and the integer's derivative.
    shares: Vec<f32>,
    soft: Vec<f32>,
    slope: Vec<f32>,
    /// One over the input's root mean square, and over that times the scale of each channel.
    input_unit: f32,
    output_unit: Vec<f32>,
    /// Positions that the steps pick from: inputs and outputs wanted, as [`Problem::draw`] gives them.
    pool: [Vec<f32>; 2],
    /// Channels that keep their nearest integers.
    kept: Vec<bool>,
}

impl<'a> Problem<'a> {
    fn new(
        layer: &'a Layer,
        samples: &'a Samples<'a>,
        weights: &Weights,
        group: usize,
        input_unit: f32,
    ) -> Self {
        let (out, k) = (layer.out, layer.k);
        let params = &weights.params;
        let per_channel = params.scale.len() > 1;
        let channel = |o: usize| if per_channel { group * out + o } else { 0 };
        let mut problem = Self {
            layer,
            samples,
            group,
            nearest: vec![0.0; out * k],
            down: vec![0.0; out * k],
            bounds: Vec::with_capacity(out),
            zero_point: Vec::with_capacity(out),
            v: vec![0.0; out * k],
            adam: [vec![0.0; out * k], vec![0.0; out * k]],
            shares: vec![0.0; out * k],
            soft: vec![0.0; out * k],
            slope: vec![0.0; out * k],
            input_unit,
            output_unit: Vec::with_capacity(out),
            pool: [Vec::new(), Vec::new()],
            kept: vec![false; out],
        };
        for o in 0..out {
            let (scale, zero_point) = (params.scale[channel(o)], params.zero_point[channel(o)]);
            let bounds = params.bounds.map(|b| (b - zero_point) as f32);
            for j in 0..k {
                let at = layer.weight(group, o, j);
                let real = samples.weights[at] / scale;
                let down = real.floor();
                // Where the share is 0 or 1 the variable would be infinite.
                let share = (real - down).clamp(0.01, 0.99);
                problem.nearest[o * k + j] = (weights.codes[at] - zero_point) as f32;
                problem.down[o * k + j] = down;
                let [low, high] = STRETCH;
                problem.v[o * k + j] = -libm::logf((high - low) / (share - low) - 1.0);
            }
            problem.bounds.push(bounds);
            problem.zero_point.push(zero_point);
            problem.output_unit.push(problem.input_unit / scale);
        }
        problem
    }

    /// The rectified sigmoid of a weight's variable, and its derivative.
    fn share(v: f32) -> (f32, f32) {
        let sigmoid = 1.0 / (1.0 + exp(-v));
        let [low, high] = STRETCH;
        let stretched = sigmoid * (high - low) + low;
        let slope = (high - low) * sigmoid * (1.0 - sigmoid);
        let inside = stretched > 0.0 && stretched < 1.0;
        (stretched.clamp(0.0, 1.0), if inside { slope } else { 0.0 })
    }

    fn step(&mut self, iteration: usize, random: &mut SplitMix64) {
        let (out, k) = (self.layer.out, self.layer.k);
        let count = (8 * k).clamp(BATCH / 6, BATCH).min(self.samples.positions());
        let (x, targets) = self.pick(count, random);
        self.soften();
        let weight = 2.0 / count as f32;
        let passed = |(error, passes): (f32, bool)| if passes { error * weight } else { 0.0 };
        let errors: Vec<f32> =
            self.errors(&x, &targets, &self.soft).into_iter().map(passed).collect();
        // Gradient: errors (out x count) times inputs (count x k).
        let mut gradient = product(&errors, [out, count, k], &x, [k, 1]);
        let progress = iteration as f64 / ITERATIONS as f64;
        let exponent = (progress >= WARM_UP).then(|| {
            let along = (progress - WARM_UP) / (1.0 - WARM_UP);
            (20.0 - 18.0 * along).round() as i32
        });
        let t = iteration as i32 + 1;
        let corrections = [1.0 - libm::powf(0.9, t as f32), 1.0 - libm::powf(0.999, t as f32)];
        if let Some(beta) = exponent {
            pull_apart(&mut gradient, &self.shares, beta);
        }
        let [first, second] = &mut self.adam;
        let moments = first.iter_mut().zip(second);
        let gradients = gradient.iter().zip(&self.slope);
        for ((v, (g, slope)), (first, second)) in self.v.iter_mut().zip(gradients).zip(moments) {
            let g = g * slope;
            *first = 0.9 * *first + 0.1 * g;
            *second = 0.999 * *second + 0.001 * g * g;
            let (m, s) = (*first / corrections[0], *second / corrections[1]);
            *v -= RATE * m / (s.sqrt() + 1e-8);
        }
    }

    /// From the learned variables to what the weights are meanwhile, and how they change with them.
    fn soften(&mut self) {
        let k = self.layer.k;
        let weights = self.v.chunks_exact(k).zip(self.down.chunks_exact(k)).zip(&self.bounds);
        let made = self.shares.chunks_exact_mut(k).zip(self.soft.chunks_exact_mut(k));
        let made = made.zip(self.slope.chunks_exact_mut(k));
        for (((v, down), [low, high]), ((shares, soft), slopes)) in weights.zip(made) {
            let (low, high) = (*low, *high);
            let weights = v.iter().zip(down);
            let made = shares.iter_mut().zip(soft).zip(slopes);
            for ((v, down), ((share, soft), slope)) in weights.zip(made) {
                let (own, derivative) = Self::share(*v);
                let code = down + own;
                *soft = code.max(low).min(high);
                *slope = if code < low || code > high { 0.0 } else { derivative };
                *share = own;
            }
        }
    }

    /// `count` positions of the pool, as [`Problem::draw`] gives them.
    fn pick(&self, count: usize, random: &mut SplitMix64) -> (Vec<f32>, Vec<f32>) {
        let (out, k) = (self.layer.out, self.layer.k);
        let [pool, wanted] = &self.pool;
        let held = pool.len() / k;
        let mut x = Vec::with_capacity(count * k);
        let mut targets = vec![0.0; out * count];
        for r in 0..count {
            let at = random.below(held);
            x.extend_from_slice(&pool[at * k..][..k]);
            for o in 0..out {
                targets[o * count + r] = wanted[o * held + at];
            }
        }
        (x, targets)
    }

    /// `count` positions: the inputs under them (`count x k`) and the outputs wanted there
    /// (`out x count`), both in units of their own.
    fn draw(&self, count: usize, random: &mut SplitMix64) -> (Vec<f32>, Vec<f32>) {
        let (out, k) = (self.layer.out, self.layer.k);
        let mut x = vec![0.0; count * k];
        let mut targets = vec![0.0; out * count];
        for r in 0..count {
            let at = random.below(self.samples.positions());
            let patch = &mut x[r * k..][..k];
            self.samples.patch(self.layer, at, self.group, patch);
            patch.iter_mut().for_each(|x| *x *= self.input_unit);
            for o in 0..out {
                let target = self.samples.target(self.layer, at, self.group * out + o);
                targets[o * count + r] = target * self.output_unit[o];
            }
        }
        (x, targets)
    }

    /// What the layer with these integers makes of `x`, behind the activation, less what is wanted;
    /// and whether the activation lets a change through. `out x count`.
    fn errors(&self, x: &[f32], targets: &[f32], codes: &[f32]) -> Vec<(f32, bool)> {
        let (out, k) = (self.layer.out, self.layer.k);
        let count = targets.len() / out;
        let sums = product(x, [count, k, out], codes, [1, k]);
        let [low, high] = self.samples.clip;
        let error = |i: usize| {
            let (o, r) = (i / count, i % count);
            let unit = self.output_unit[o];
            let y = sums[r * out + o] + self.samples.bias(self.group * out + o) * unit;
            let clip = |y: f32| y.max(low * unit).min(high * unit);
            (clip(y) - clip(targets[i]), clip(y) == y)
        };
        (0..out * count).map(error).collect()
    }

    /// Keeps the nearest integers of every channel for which the learned ones are no better.
    fn judge(&mut self, random: &mut SplitMix64) {
        let (out, k) = (self.layer.out, self.layer.k);
        let count = JUDGED.min(self.samples.positions());
        let (x, targets) = self.draw(count, random);
        let learned: Vec<f32> = (0..out * k).map(|i| (self.learned(i / k, i % k)) as f32).collect();
        let squares = |codes: &[f32]| -> Vec<f64> {
            let errors = self.errors(&x, &targets, codes);
            let square = |(error, _): &(f32, bool)| f64::from(*error) * f64::from(*error);
            errors.chunks_exact(count).map(|row| row.iter().map(square).sum()).collect()
        };
        let (nearest, learned) = (squares(&self.nearest), squares(&learned));
        self.kept = nearest.iter().zip(&learned).map(|(n, l)| n <= l).collect();
    }

    /// The learned integer, less its zero point.
    fn learned(&self, o: usize, j: usize) -> i32 {
        let i = o * self.layer.k + j;
        let up = if Self::share(self.v[i]).0 >= 0.5 { 1.0 } else { 0.0 };
        let [low, high] = self.bounds[o];
        (self.down[i] + up).clamp(low, high) as i32
    }

    fn code(&self, o: usize, j: usize) -> i32 {
        let centred = if self.kept[o] {
            self.nearest[o * self.layer.k + j] as i32
        } else {
            self.learned(o, j)
        };
        centred + self.zero_point[o]
    }
}

/// The product of `left` (`rows x k`) and a matrix whose element (k, column) is
/// `right[k * steps[0] + column * steps[1]]`.
fn product(
    left: &[f32],
    [rows, k, columns]: [usize; 3],
    right: &[f32],
    steps: [usize; 2],
) -> Vec<f32> {
    let mut packed = vec![0.0; sgemm::packed_len(k, columns)];
    sgemm::pack(right, [k, columns], steps, &mut packed);
    let mut product = vec![0.0; rows * columns];
    let left = Left { values: left, row_step: k, k_step: 1 };
    sgemm::multiply([rows, k, columns], left, &packed, (&mut product, columns), Write::Replace);
    product
}

/// Adds the regularizer's gradient: away from a half, the more the smaller `beta` is.
fn pull_apart(gradient: &mut [f32], shares: &[f32], beta: i32) {
    // Lanes that take the same turns.
    const LANES: usize = 16;
    let weight = REGULARIZER * 2.0 * beta as f32;
    for (gradient, shares) in gradient.chunks_mut(LANES).zip(shares.chunks(LANES)) {
        let mut away = [0.0; LANES];
        for (away, share) in away.iter_mut().zip(shares) {
            *away = 2.0 * share - 1.0;
        }
        let pull = power(away.map(f32::abs), beta - 1);
        for ((g, pull), away) in gradient.iter_mut().zip(pull).zip(away) {
            *g -= weight * pull.copysign(away);
        }
    }
}

/// `x^n` for `n >= 0`, by squaring.
fn power<const N: usize>(mut x: [f32; N], mut n: i32) -> [f32; N] {
    let mut product = [1.0; N];
    while n > 0 {
        if n & 1 == 1 {
            product.iter_mut().zip(&x).for_each(|(product, x)| *product *= x);
        }
        x.iter_mut().for_each(|x| *x *= *x);
        n >>= 1;
    }
    product
}
