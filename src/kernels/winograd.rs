//! Convolutions with windows of 3x3, one pixel apart, by fewer products: Winograd's minimal
//! filtering F(2x2, 3x3) (Lavin and Gray 2016, <https://arxiv.org/abs/1509.09308>).
//!
//! A square of 2x2 outputs is made of the 4x4 pixels under it. Both these and the filters are
//! transformed by sums and differences, multiplied element by element and summed over the channels,
//! which takes 16 products for each channel instead of 36, and the outputs are sums and differences
//! of what results. For each of the 16 places that is a product of matrices: squares times channels,
//! channels times filters ([`dense`](super::dense)).
//!
//! The filters are transformed by twice the paper's G, which is whole; what comes out is four times
//! the sums, which is divided out. So integers stay exact: no transformed element leaves 16 bits,
//! and sums may wrap around on the way as long as the last one fits. Floats are rounded otherwise
//! than by the definition, so only those take this way whose last bits are free.

// Arrays of registers read best by index.
#![allow(clippy::needless_range_loop)]

use std::fmt::Debug;

use super::dense::{Packed, Run, Store};
use super::machine::Multiplier;
use super::number::Number;
use super::room;
use super::wide::wide;

/// Places of a transformed square: 4x4.
const PLACES: usize = 16;

/// Squares that are transformed and multiplied before the next ones, so that they stay in the
/// cache; a multiple of every machine's rows.
const BLOCK: usize = 24;

/// Elements that the transforms handle at once. Channels come in multiples of it.
const TOGETHER: usize = 8;

/// Columns of sums are kept in multiples of the widest block's.
const WIDEST: usize = 32;

/// With fewer squares there is little to save (of an output of 3x3, 64 products for 81) and nearly
/// twice as much of filters to read.
const FEWEST: usize = 8;

/// What stands between the transforms; it only grows.
#[derive(Debug, Clone, Default)]
pub struct Squares<E, S> {
    /// Place by place, square by square, channel by channel.
    pixels: Vec<E>,
    /// Place by place, square by square, column by column.
    sums: Vec<S>,
}

impl<E, S> Squares<E, S> {
    pub fn bytes(&self) -> usize {
        size_of_val(&self.pixels[..]) + size_of_val(&self.sums[..])
    }
}

/// A convolution of one group with its filters transformed and packed.
#[derive(Debug)]
pub struct Winograd<A: Multiplier> {
    channels: usize,
    columns: usize,
    /// Height and width of the output.
    output: [usize; 2],
    /// Elements from one row of the input to the next.
    row: usize,
    filters: Vec<Packed<A>>,
    /// Of the squares of a block, at one place.
    origins: Vec<usize>,
}

/// Squares that cover an output.
fn squares(output: [usize; 2]) -> [usize; 2] {
    output.map(|pixels| pixels.div_ceil(2))
}

/// Height and width of the pixels under the squares that cover an output.
pub fn reach(output: [usize; 2]) -> [usize; 2] {
    squares(output).map(|squares| 2 * squares + 2)
}

impl<A: Multiplier> Winograd<A> {
    /// Whether a convolution of 3x3 windows, one pixel apart, is right and faster so. `weights` are
    /// ONNX's: output channel, channel, height, width.
    pub fn suits(
        arithmetic: A,
        output: [usize; 2],
        channels: usize,
        weights: &[A::Element],
    ) -> bool {
        A::TRANSFORMS
            && squares(output).iter().product::<usize>() >= FEWEST
            && channels > 0
            && channels.is_multiple_of(TOGETHER)
            && weights.chunks_exact(9 * channels).all(|filter| arithmetic.transforms(filter))
    }

    /// Packs such weights for an input whose rows are `row` elements apart.
    pub fn new(
        arithmetic: A,
        output: [usize; 2],
        channels: usize,
        row: usize,
        weights: &[A::Element],
    ) -> Self {
        let filters: Vec<[[A::Element; 4]; 4]> =
            weights.as_chunks::<9>().0.iter().map(of_filter).collect();
        let columns = filters.len() / channels;
        let runs = vec![Run { start: 0, len: channels }];
        let packed = (0..PLACES).map(|place| {
            Packed::new(arithmetic, columns, runs.clone(), |column, _, channel| {
                filters[column * channels + channel][place / 4][place % 4]
            })
        });
        let origins = (0..BLOCK).map(|square| square * channels).collect();
        Self { channels, columns, output, row, filters: packed.collect(), origins }
    }

    /// Convolves a padded frame.
    pub fn run(
        &self,
        x: &[A::Element],
        between: &mut Squares<A::Element, A::Sum>,
        store: &mut impl Store<A::Sum>,
    ) {
        if !A::TRANSFORMS {
            unreachable!("another arithmetic does not suit");
        }
        let Self { channels, columns, output, row, .. } = self;
        let width = columns.next_multiple_of(WIDEST);
        let [down, across] = squares(*output);
        let block = BLOCK.min(down * across);
        let pixels = room(&mut between.pixels, PLACES * block * channels);
        let sums = room(&mut between.sums, PLACES * block * width);
        for first in (0..down * across).step_by(block) {
            let count = block.min(down * across - first);
            let corners = (first..first + count).map(|at| [at / across * 2, at % across * 2]);
            transform_pixels(x, corners.clone(), *row, *channels, pixels);
            let places = pixels.chunks_exact(count * channels);
            let places = places.zip(sums.chunks_exact_mut(count * width));
            for (filters, (pixels, sums)) in self.filters.iter().zip(places) {
                filters.multiply(pixels, &self.origins[..count], &mut Keep { width, sums });
            }
            transform_sums(sums, corners, *output, *columns, width, store);
        }
    }

    pub fn bytes(&self) -> usize {
        self.filters.iter().map(Packed::bytes).sum::<usize>() + size_of_val(&self.origins[..])
    }
}

/// Keeps sums as they are, in rows of `width`.
struct Keep<'a, S> {
    width: usize,
    sums: &'a mut [S],
}

impl<S: Copy> Store<S> for Keep<'_, S> {
    fn select(&mut self, _: usize, _: usize) {}

    #[inline(always)]
    fn store<const ROWS: usize>(&mut self, row: usize, column: usize, sums: [&[S]; ROWS]) {
        for (r, sums) in sums.into_iter().enumerate() {
            self.sums[(row + r) * self.width + column..][..sums.len()].copy_from_slice(sums);
        }
    }
}

/// `B^T d` for the columns `d` of a square.
#[inline(always)]
fn of_pixels<N: Number>([a, b, c, d]: [N; 4]) -> [N; 4] {
    [a.minus(c), b.plus(c), c.minus(b), b.minus(d)]
}

/// `A^T m`.
#[inline(always)]
fn of_sums<N: Number>([a, b, c, d]: [N; 4]) -> [N; 2] {
    [a.plus(b).plus(c), b.minus(c).minus(d)]
}

/// `2 G g`.
fn of_weights<N: Number>([a, b, c]: [N; 3]) -> [N; 4] {
    let ends = a.plus(c);
    [a.plus(a), ends.plus(b), ends.minus(b), c.plus(c)]
}

/// `2 G g (2 G)^T` of a filter of one channel.
fn of_filter<N: Number>(filter: &[N; 9]) -> [[N; 4]; 4] {
    let rows: [[N; 4]; 3] =
        std::array::from_fn(|y| of_weights(std::array::from_fn(|x| filter[3 * y + x])));
    let columns: [[N; 4]; 4] =
        std::array::from_fn(|x| of_weights(std::array::from_fn(|y| rows[y][x])));
    std::array::from_fn(|y| std::array::from_fn(|x| columns[x][y]))
}

/// A transform of vectors, element by element.
#[inline(always)]
fn each<N: Number, const FROM: usize, const TO: usize>(
    vectors: [[N; TOGETHER]; FROM],
    transform: impl Fn([N; FROM]) -> [N; TO],
) -> [[N; TOGETHER]; TO] {
    let mut made = [[N::default(); TOGETHER]; TO];
    for i in 0..TOGETHER {
        let mut elements = [N::default(); FROM];
        for k in 0..FROM {
            elements[k] = vectors[k][i];
        }
        let elements = transform(elements);
        for k in 0..TO {
            made[k][i] = elements[k];
        }
    }
    made
}

wide! {
    /// `B^T d B` of the squares at `corners`, place by place.
    fn transform_pixels[N: Number](
        x: &[N],
        corners: impl ExactSizeIterator<Item = [usize; 2]>,
        row: usize,
        channels: usize,
        out: &mut [N],
    ) {
        let place = corners.len() * channels;
        for (square, [top, left]) in corners.enumerate() {
            let corner = top * row + left * channels;
            for channel in (0..channels).step_by(TOGETHER) {
                let mut rows = [[[N::default(); TOGETHER]; 4]; 4];
                for y in 0..4 {
                    let mut pixels = [[N::default(); TOGETHER]; 4];
                    for x_at in 0..4 {
                        let from = corner + y * row + x_at * channels + channel;
                        pixels[x_at].copy_from_slice(&x[from..][..TOGETHER]);
                    }
                    rows[y] = each(pixels, of_pixels);
                }
                for x_at in 0..4 {
                    let column = [rows[0][x_at], rows[1][x_at], rows[2][x_at], rows[3][x_at]];
                    let made = each(column, of_pixels);
                    for y in 0..4 {
                        let to = (4 * y + x_at) * place + square * channels + channel;
                        out[to..][..TOGETHER].copy_from_slice(&made[y]);
                    }
                }
            }
        }
    }
}

wide! {
    /// A quarter of `A^T m A` of the squares at `corners`, to where it belongs.
    fn transform_sums[N: Number](
        sums: &[N],
        corners: impl ExactSizeIterator<Item = [usize; 2]>,
        output: [usize; 2],
        columns: usize,
        width: usize,
        store: &mut impl Store<N>,
    ) {
        let place = corners.len() * width;
        for (square, [top, left]) in corners.enumerate() {
            for column in (0..columns).step_by(TOGETHER) {
                let mut rows = [[[N::default(); TOGETHER]; 2]; 4];
                for y in 0..4 {
                    let mut places = [[N::default(); TOGETHER]; 4];
                    for x in 0..4 {
                        let from = (4 * y + x) * place + square * width + column;
                        places[x].copy_from_slice(&sums[from..][..TOGETHER]);
                    }
                    rows[y] = each(places, of_sums);
                }
                for x in 0..2 {
                    let made = each([rows[0][x], rows[1][x], rows[2][x], rows[3][x]], |m| {
                        of_sums(m).map(Number::quarter)
                    });
                    for y in 0..2 {
                        let [row, pixel] = [top + y, left + x];
                        if row < output[0] && pixel < output[1] {
                            store.store(row * output[1] + pixel, column, [&made[y]]);
                        }
                    }
                }
            }
        }
    }
}
