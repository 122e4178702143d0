//! Dot products of rows with packed weights: the loop under convolutions and matrix products.
//!
//! A row is read where it lies, as runs of elements at fixed distances from its origin: the pixels
//! under a convolution's window, without copying them into patches first. A tile of a few rows
//! times a block of columns keeps its sums in registers over the whole row. Sums run along the row
//! in order, from zero, which fixes the bits of floats.

#![allow(unsafe_code)]
// Arrays of registers read best by index.
#![allow(clippy::needless_range_loop)]

use super::lanes::{Block, ChannelLanes, Lanes};
use super::machine::{Kernel, Multiplier};

/// Elements of a row that lie one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Elements from the row's origin.
    pub start: usize,
    /// A multiple of the arithmetic's step; what is read too much has weights of 0.
    pub len: usize,
}

/// Takes sums and puts what becomes of them where it belongs.
pub trait Store<S> {
    /// From here on column 0 is `first` and there are `columns` of them: a group of channels.
    fn select(&mut self, first: usize, columns: usize);

    /// The sums of `ROWS` rows, from `row` on, for as many columns from `column` on as the slices
    /// have elements, all alike; they may reach past the last column.
    fn store<const ROWS: usize>(&mut self, row: usize, column: usize, sums: [&[S]; ROWS]);
}

/// Weights in the order in which a machine reads them.
#[derive(Debug, Clone)]
pub struct Packed<A: Multiplier> {
    arithmetic: A,
    columns: usize,
    runs: Vec<Run>,
    weights: Vec<A::Element>,
}

/// A length of a run in whole steps.
pub fn padded<A: Multiplier>(len: usize) -> usize {
    len.next_multiple_of(A::STEP)
}

/// Blocks of columns that a lone row is multiplied with at once, so that the sums hide
/// the time that one takes.
const LONE_ROW_BLOCKS: usize = 4;

/// With fewer tiles of long ones, what the last of them does again counts.
const MANY_TILES: usize = 4;

/// Bytes of weights between those that are read and those that are fetched: a page, at whose end the
/// processor stops fetching by itself.
const AHEAD: usize = 4096;

impl<A: Multiplier> Packed<A> {
    /// Packs `columns` columns of weights: `weight(column, run, i)` is what element `i` of a run is
    /// multiplied with.
    ///
    /// # Panics
    /// A run that is no whole number of steps.
    pub fn new(
        arithmetic: A,
        columns: usize,
        runs: Vec<Run>,
        weight: impl Fn(usize, usize, usize) -> A::Element,
    ) -> Self {
        assert!(runs.iter().all(|run| run.len.is_multiple_of(A::STEP)));
        let pack = Pack { columns, runs: &runs, weight };
        let weights = arithmetic.run(pack);
        Self { arithmetic, columns, runs, weights }
    }

    /// Multiplies the rows of `x` that start at `origins`, and hands the sums to `store`.
    ///
    /// # Panics
    /// A row that reaches past the end of `x`.
    pub fn multiply(&self, x: &[A::Element], origins: &[usize], store: &mut impl Store<A::Sum>) {
        let reach = self.runs.iter().map(|run| run.start + run.len).max().unwrap_or(0);
        let last = origins.iter().max().map_or(0, |last| last + reach);
        assert!(last <= x.len(), "a row ends at {last} of {}", x.len());
        let Self { columns, runs, weights, .. } = self;
        self.arithmetic.run(Multiply { x, origins, columns: *columns, runs, weights, store });
    }

    pub fn bytes(&self) -> usize {
        size_of_val(&self.weights[..])
    }
}

/// Vectors of columns that the block at `column` has: all, or one if that is enough for the rest.
fn vectors<L: Lanes, const VECTORS: usize>(columns: usize, column: usize) -> usize {
    if columns - column <= L::LANES { 1 } else { VECTORS }
}

struct Pack<'a, W> {
    columns: usize,
    runs: &'a [Run],
    weight: W,
}

impl<E, S, W> Kernel<E, S> for Pack<'_, W>
where
    E: Copy + Default,
    W: Fn(usize, usize, usize) -> E,
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
        let mut packed = Vec::new();
        let mut first = 0;
        while first < self.columns {
            let block = vectors::<L, VECTORS>(self.columns, first) * L::LANES;
            for (at, run) in self.runs.iter().enumerate() {
                for step in (0..run.len).step_by(L::STEP) {
                    for column in first..first + block {
                        for i in step..step + L::STEP {
                            let inside = column < self.columns;
                            let weight = || (self.weight)(column, at, i);
                            packed.push(if inside { weight() } else { E::default() });
                        }
                    }
                }
            }
            first += block;
        }
        packed
    }
}

struct Multiply<'a, E, T> {
    x: &'a [E],
    origins: &'a [usize],
    columns: usize,
    runs: &'a [Run],
    weights: &'a [E],
    store: &'a mut T,
}

impl<E, S, T> Kernel<E, S> for Multiply<'_, E, T>
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
        let len: usize = self.runs.iter().map(|run| run.len).sum();
        let mut weights = self.weights;
        let mut column = 0;
        // For the calls below: `multiply` has checked that every row lies inside `x`, and `pack`
        // gave each block a vector of weights for every step of the runs.
        while column < self.columns {
            let vectors = vectors::<L, VECTORS>(self.columns, column);
            let block = vectors * L::LANES;
            let of_block = len * block;
            if self.origins.len() < FEW
                && self.columns - column >= LONE_ROW_BLOCKS * VECTORS * L::LANES
            {
                let blocks = LONE_ROW_BLOCKS * VECTORS * L::LANES;
                for row in 0..self.origins.len() {
                    // SAFETY: see above.
                    unsafe { self.lone_row::<L, VECTORS>(weights, of_block, row, column) };
                }
                weights = &weights[LONE_ROW_BLOCKS * of_block..];
                column += blocks;
                continue;
            }
            let of_this = &weights[..of_block];
            // SAFETY: see above.
            unsafe {
                if vectors == 1 && self.origins.len() >= MANY_TILES * LONG {
                    self.tiles::<L, LONG, 1>(of_this, column);
                } else if vectors == 1 {
                    self.block::<L, ROWS, FEW, 1>(of_this, column);
                } else {
                    self.block::<L, ROWS, FEW, VECTORS>(of_this, column);
                }
            }
            weights = &weights[of_block..];
            column += block;
        }
    }
}

impl<E, T> Multiply<'_, E, T> {
    /// All rows times one block of columns.
    #[inline(always)]
    unsafe fn block<L, const ROWS: usize, const FEW: usize, const VECTORS: usize>(
        &mut self,
        weights: &[E],
        column: usize,
    ) where
        L: Lanes<Element = E>,
        T: Store<L::Sum>,
    {
        let rows = self.origins.len();
        let tiles = rows.div_ceil(ROWS);
        // SAFETY: as in `run`, which calls this.
        unsafe {
            if rows < FEW {
                self.tiles::<L, 1, VECTORS>(weights, column);
            } else if rows < ROWS || rows <= tiles * FEW {
                self.tiles::<L, FEW, VECTORS>(weights, column);
            } else {
                self.tiles::<L, ROWS, VECTORS>(weights, column);
            }
        }
    }

    /// The last tile does some rows again: there are as many as in a tile, or more.
    #[inline(always)]
    unsafe fn tiles<L, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        weights: &[E],
        column: usize,
    ) where
        L: Lanes<Element = E>,
        T: Store<L::Sum>,
    {
        let rows = self.origins.len();
        for row in (0..rows).step_by(ROWS) {
            // SAFETY: as in `run`, which calls this.
            unsafe { self.tile::<L, ROWS, VECTORS>(weights, row.min(rows - ROWS), column) };
        }
    }

    #[inline(always)]
    unsafe fn tile<L, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        weights: &[E],
        row: usize,
        column: usize,
    ) where
        L: Lanes<Element = E>,
        T: Store<L::Sum>,
    {
        // SAFETY: as in `run`: rows lie inside `x`, and there are weights for every step.
        unsafe {
            let x = self.x.as_ptr();
            let mut origins = [x; ROWS];
            for r in 0..ROWS {
                origins[r] = x.add(*self.origins.get_unchecked(row + r));
            }
            let mut sums = [[L::zero(); VECTORS]; ROWS];
            let mut weights = weights.as_ptr();
            for run in self.runs {
                let mut at = run.start;
                let end = run.start + run.len;
                while at < end {
                    let mut w = [L::zero(); VECTORS];
                    for v in 0..VECTORS {
                        let weights = weights.add(v * L::LANES * L::STEP);
                        w[v] = L::load(weights);
                        L::prefetch(weights.wrapping_byte_add(AHEAD));
                    }
                    for r in 0..ROWS {
                        let x = L::spread(origins[r].add(at));
                        for v in 0..VECTORS {
                            sums[r][v] = L::add_product(sums[r][v], x, w[v]);
                        }
                    }
                    weights = weights.add(VECTORS * L::LANES * L::STEP);
                    at += L::STEP;
                }
            }
            let mut out = [Block::<L::Sum>::new(); ROWS];
            for r in 0..ROWS {
                for v in 0..VECTORS {
                    L::store(sums[r][v], out[r].place().add(v * L::LANES));
                }
            }
            let sums = out.each_ref().map(|sums| sums.first(VECTORS * L::LANES));
            self.store.store(row, column, sums);
        }
    }

    /// One row times [`LONE_ROW_BLOCKS`] blocks, each `of_block` weights after the other.
    #[inline(always)]
    unsafe fn lone_row<L, const VECTORS: usize>(
        &mut self,
        weights: &[E],
        of_block: usize,
        row: usize,
        column: usize,
    ) where
        L: Lanes<Element = E>,
        T: Store<L::Sum>,
    {
        // SAFETY: as in `run`: the row lies inside `x`, and there are weights for every step.
        unsafe {
            let origin = self.x.as_ptr().add(self.origins[row]);
            let mut sums = [[L::zero(); VECTORS]; LONE_ROW_BLOCKS];
            let mut weights = weights.as_ptr();
            for run in self.runs {
                for at in (run.start..run.start + run.len).step_by(L::STEP) {
                    let x = L::spread(origin.add(at));
                    for (b, sums) in sums.iter_mut().enumerate() {
                        let weights = weights.add(b * of_block);
                        for v in 0..VECTORS {
                            let weights = weights.add(v * L::LANES * L::STEP);
                            let w = L::load(weights);
                            L::prefetch(weights.wrapping_byte_add(AHEAD));
                            sums[v] = L::add_product(sums[v], x, w);
                        }
                    }
                    weights = weights.add(VECTORS * L::LANES * L::STEP);
                }
            }
            let block = VECTORS * L::LANES;
            let mut out = [Block::<L::Sum>::new(); LONE_ROW_BLOCKS];
            for b in 0..LONE_ROW_BLOCKS {
                for v in 0..VECTORS {
                    L::store(sums[b][v], out[b].place().add(v * L::LANES));
                }
            }
            for b in 0..LONE_ROW_BLOCKS {
                self.store.store(row, column + b * block, [out[b].first(block)]);
            }
        }
    }
}
