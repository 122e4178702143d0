//! Rows times packed weights.

use super::tile::{Arithmetic, COLUMNS, ROWS, padded_k};

/// Multiplies `rows` (each [`padded_k`] long, one after the other) with packed weights and hands
/// every tile row to `store(row, first column, sums)`.
///
/// `sums` may reach past the last column: the padding of the last block.
pub fn gemm<A: Arithmetic>(
    rows: &[A::Input],
    k: usize,
    packed: &[A::Input],
    mut store: impl FnMut(usize, usize, &[A::Sum; COLUMNS]),
) {
    let k = padded_k::<A>(k);
    if k == 0 {
        return;
    }
    let row = |r: usize| &rows[r * k..][..k];
    let count = rows.len() / k;
    for (block, packed) in packed.chunks_exact(k * COLUMNS).enumerate() {
        let mut r = 0;
        while r + ROWS <= count {
            let sums = A::tile([row(r), row(r + 1), row(r + 2), row(r + 3)], packed);
            for (i, sums) in sums.iter().enumerate() {
                store(r + i, block * COLUMNS, sums);
            }
            r += ROWS;
        }
        for r in r..count {
            let [sums] = A::tile([row(r)], packed);
            store(r, block * COLUMNS, &sums);
        }
    }
}
