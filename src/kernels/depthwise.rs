//! Depthwise convolution over channels-last pixels: every channel with its own filter.
//!
//! Sums run over the taps in order, from zero.

#![allow(unsafe_code)]
// Arrays of registers read best by index.
#![allow(clippy::needless_range_loop)]

use super::dense::Store;
use super::lanes::{Block, ChannelLanes, Lanes, MOST_STEP};
use super::machine::{Kernel, Multiplier};

/// Pixels whose sums are in registers at once.
const PIXELS: usize = 4;

/// Filters in the order in which a machine reads them.
#[derive(Debug, Clone)]
pub struct Filters<A: Multiplier> {
    arithmetic: A,
    /// A multiple of [`Filters::block`]; those past the last have weights of 0.
    channels: usize,
    /// Where each tap's channels start, from the pixel's origin.
    taps: Vec<usize>,
    weights: Vec<A::Element>,
}

impl<A: Multiplier> Filters<A> {
    /// Channels are read in blocks of so many.
    pub fn block(arithmetic: A) -> usize {
        arithmetic.run(BlockLen)
    }

    /// Packs `filter(channel, tap)` of `channels` channels.
    pub fn new(
        arithmetic: A,
        channels: usize,
        taps: Vec<usize>,
        filter: impl Fn(usize, usize) -> A::Element,
    ) -> Self {
        let whole = channels.next_multiple_of(Self::block(arithmetic));
        let weight = |channel: usize, tap: usize| {
            let inside = channel < channels && tap < taps.len();
            if inside { filter(channel, tap) } else { A::Element::default() }
        };
        let weights = arithmetic.run(Pack { channels: whole, taps: taps.len(), weight });
        Self { arithmetic, channels: whole, taps, weights }
    }

    /// Convolves the pixels of `x` that start at `origins`, and hands the sums to `store`.
    ///
    /// # Panics
    /// A pixel that reaches past the end of `x`.
    pub fn convolve(&self, x: &[A::Element], origins: &[usize], store: &mut impl Store<A::Sum>) {
        let reach = self.taps.iter().max().map_or(0, |tap| tap + self.channels);
        let last = origins.iter().max().map_or(0, |last| last + reach);
        assert!(last <= x.len(), "a pixel ends at {last} of {}", x.len());
        let Self { channels, taps, weights, .. } = self;
        self.arithmetic.run(Convolve { x, origins, channels: *channels, taps, weights, store });
    }

    pub fn bytes(&self) -> usize {
        size_of_val(&self.weights[..])
    }
}

struct BlockLen;

impl<E, S> Kernel<E, S> for BlockLen {
    type Output = usize;

    #[inline(always)]
    unsafe fn run<
        L,
        C,
        const ROWS: usize,
        const FEW: usize,
        const LONG: usize,
        const VECTORS: usize,
    >(
        self,
    ) -> usize
    where
        L: Lanes<Element = E, Sum = S>,
        C: ChannelLanes<Element = E, Sum = S>,
    {
        C::VECTORS * C::LANES
    }
}

struct Pack<W> {
    channels: usize,
    taps: usize,
    weight: W,
}

impl<E, S, W> Kernel<E, S> for Pack<W>
where
    E: Copy + Default,
    W: Fn(usize, usize) -> E,
{
    type Output = Vec<E>;

    #[inline(always)]
    unsafe fn run<
        L,
        C,
        const ROWS: usize,
        const FEW: usize,
        const LONG: usize,
        const VECTORS: usize,
    >(
        self,
    ) -> Vec<E>
    where
        L: Lanes<Element = E, Sum = S>,
        C: ChannelLanes<Element = E, Sum = S>,
    {
        let block = C::VECTORS * C::LANES;
        let mut packed = Vec::new();
        let mut taps = [const { Vec::new() }; MOST_STEP];
        taps.fill(vec![E::default(); block]);
        for first in (0..self.channels).step_by(block) {
            for tap in (0..self.taps).step_by(C::STEP) {
                for (i, weights) in taps.iter_mut().enumerate() {
                    for (channel, weight) in (first..).zip(weights) {
                        *weight = (self.weight)(channel, tap + i);
                    }
                }
                let mut words = vec![E::default(); block * C::STEP];
                // SAFETY: the taps have a block of channels each, and the words of a block are as
                // many elements as its channels times those of a word.
                unsafe {
                    let vectors = C::channels(taps.each_ref().map(|tap| tap.as_ptr()));
                    for (v, vector) in vectors.into_iter().take(C::VECTORS).enumerate() {
                        let to = words.as_mut_ptr().add(v * C::LANES * C::STEP);
                        C::store(vector, to.cast());
                    }
                }
                packed.extend(words);
            }
        }
        packed
    }
}

struct Convolve<'a, E, T> {
    x: &'a [E],
    origins: &'a [usize],
    channels: usize,
    taps: &'a [usize],
    weights: &'a [E],
    store: &'a mut T,
}

impl<E, S, T> Kernel<E, S> for Convolve<'_, E, T>
where
    T: Store<S>,
    S: Copy + Default,
{
    type Output = ();

    #[inline(always)]
    unsafe fn run<
        L,
        C,
        const ROWS: usize,
        const FEW: usize,
        const LONG: usize,
        const VECTORS: usize,
    >(
        mut self,
    ) where
        L: Lanes<Element = E, Sum = S>,
        C: ChannelLanes<Element = E, Sum = S>,
    {
        let pixels = self.origins.len();
        let mut pixel = 0;
        while pixel < pixels {
            // SAFETY: `convolve` has checked that every pixel lies inside `x`.
            unsafe {
                if pixels < PIXELS {
                    self.tile::<C, 1>(pixel);
                    pixel += 1;
                } else {
                    // The last tile does some pixels again.
                    self.tile::<C, PIXELS>(pixel.min(pixels - PIXELS));
                    pixel += PIXELS;
                }
            }
        }
    }
}

impl<E, T> Convolve<'_, E, T> {
    #[inline(always)]
    unsafe fn tile<C, const PIXELS: usize>(&mut self, pixel: usize)
    where
        C: ChannelLanes<Element = E>,
        T: Store<C::Sum>,
    {
        let block = C::VECTORS * C::LANES;
        // SAFETY: as in `run`: pixels lie inside `x`, and `pack` gave each block a word of weights
        // for every step of the taps and channel.
        unsafe {
            let x = self.x.as_ptr();
            let mut origins = [x; PIXELS];
            for p in 0..PIXELS {
                origins[p] = x.add(*self.origins.get_unchecked(pixel + p));
            }
            let mut weights = self.weights.as_ptr();
            for channel in (0..self.channels).step_by(block) {
                let mut sums = [[C::zero(); 2]; PIXELS];
                for taps in self.taps.chunks(C::STEP) {
                    let mut at = [0; MOST_STEP];
                    for i in 0..C::STEP {
                        // A tap that is missing has weights of 0; any elements do.
                        at[i] = channel + *taps.get_unchecked(i.min(taps.len() - 1));
                    }
                    let mut w = [C::zero(); 2];
                    for v in 0..C::VECTORS {
                        w[v] = C::load(weights.add(v * C::LANES * C::STEP));
                    }
                    for p in 0..PIXELS {
                        let x = C::channels(at.map(|at| origins[p].add(at)));
                        for v in 0..C::VECTORS {
                            sums[p][v] = C::add_product(sums[p][v], x[v], w[v]);
                        }
                    }
                    weights = weights.add(block * C::STEP);
                }
                let mut out = [Block::<C::Sum>::new(); PIXELS];
                for p in 0..PIXELS {
                    C::store_channels(sums[p], out[p].place());
                }
                self.store.store(pixel, channel, out.each_ref().map(|sums| sums.first(block)));
            }
        }
    }
}
