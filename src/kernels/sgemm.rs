//! Products of float matrices of which none is constant, for training and AdaRound: row-major, one
//! order of summation, no fused multiply-add, so the same bits on every target.

use super::wide::wide;

/// Columns of a packed block: one vector of AVX-512, two of AVX, four of 128 bits.
pub const COLUMNS: usize = 16;

/// The left matrix: element (row, k) is `values[row * row_step + k * k_step]`.
#[derive(Debug, Clone, Copy)]
pub struct Left<'a> {
    pub values: &'a [f32],
    pub row_step: usize,
    pub k_step: usize,
}

/// Elements that [`pack`] writes for a matrix of `k` rows and `columns` columns.
pub fn packed_len(k: usize, columns: usize) -> usize {
    columns.div_ceil(COLUMNS) * COLUMNS * k
}

/// Packs the right matrix, element (k, column) being `values[k * k_step + column * column_step]`,
/// into blocks of [`COLUMNS`]: `[block][k][column]`, padded with zeros.
pub fn pack(
    values: &[f32],
    [k, columns]: [usize; 2],
    [k_step, column_step]: [usize; 2],
    packed: &mut [f32],
) {
    let blocks = packed[..packed_len(k, columns)].chunks_exact_mut((k * COLUMNS).max(1));
    for (block, packed) in blocks.enumerate() {
        let first = block * COLUMNS;
        let count = COLUMNS.min(columns - first);
        for (k, to) in packed.as_chunks_mut::<COLUMNS>().0.iter_mut().enumerate() {
            let from = &values[k * k_step + first * column_step..];
            if column_step == 1 && count == COLUMNS {
                to.copy_from_slice(&from[..COLUMNS]);
                continue;
            }
            if column_step == 1 {
                to[..count].copy_from_slice(&from[..count]);
            } else {
                for (c, to) in to[..count].iter_mut().enumerate() {
                    *to = from[c * column_step];
                }
            }
            to[count..].fill(0.0);
        }
    }
}

/// What happens to what the result holds already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    Replace,
    Add,
}

/// `result[row][column] = sum over k of left[row][k] * right[k][column]`, or added to it.
///
/// `right` is what [`pack`] made; rows of the result begin `step` elements apart. Each sum runs in
/// the order of `k`, from zero, and is added to the result at its end.
///
/// # Panics
/// If an operand is smaller than the shape says.
pub fn multiply(
    [rows, k, columns]: [usize; 3],
    left: Left<'_>,
    right: &[f32],
    (result, step): (&mut [f32], usize),
    write: Write,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    if k == 0 {
        if write == Write::Replace {
            result.chunks_mut(step).take(rows).for_each(|row| row[..columns].fill(0.0));
        }
        return;
    }
    assert!((rows - 1) * left.row_step + (k - 1) * left.k_step < left.values.len());
    dispatch([rows, k, columns], left, right, (result, step), write);
}

wide! {
    fn dispatch(
        shape: [usize; 3],
        left: Left<'_>,
        right: &[f32],
        result: (&mut [f32], usize),
        write: Write,
    ) {
        // So many rows that the sums fill half of the vector registers or all but a few.
        match WIDTH {
            16 => blocks::<8>(shape, left, right, result, write),
            8 => blocks::<4>(shape, left, right, result, write),
            _ => blocks::<2>(shape, left, right, result, write),
        }
    }
}

#[inline(always)]
fn blocks<const ROWS: usize>(
    [rows, k, columns]: [usize; 3],
    left: Left<'_>,
    right: &[f32],
    (result, step): (&mut [f32], usize),
    write: Write,
) {
    let packed = right[..packed_len(k, columns)].chunks_exact(k * COLUMNS);
    for (block, packed) in packed.enumerate() {
        let first = block * COLUMNS;
        let packed = packed.as_chunks::<COLUMNS>().0;
        let count = COLUMNS.min(columns - first);
        let mut row = 0;
        while row + ROWS <= rows {
            let sums = tile::<ROWS>(left, row, packed);
            store(&sums, &mut result[row * step + first..], step, count, write);
            row += ROWS;
        }
        while row < rows {
            let sums = tile::<1>(left, row, packed);
            store(&sums, &mut result[row * step + first..], step, count, write);
            row += 1;
        }
    }
}

#[inline(always)]
fn store<const R: usize>(
    sums: &[[f32; COLUMNS]; R],
    result: &mut [f32],
    step: usize,
    count: usize,
    write: Write,
) {
    for (r, sums) in sums.iter().enumerate() {
        let to = result[r * step..][..count].iter_mut().zip(sums);
        if write == Write::Add {
            to.for_each(|(to, sum)| *to += sum);
        } else {
            to.for_each(|(to, sum)| *to = *sum);
        }
    }
}

/// Dot products of `R` rows with a packed block; [`multiply`] has checked that the rows are there.
///
/// Plain indices and a result by value: so the compiler keeps the sums in registers, which is twice
/// as fast.
#[inline(always)]
#[allow(clippy::needless_range_loop)]
#[allow(unsafe_code)]
fn tile<const R: usize>(
    left: Left<'_>,
    row: usize,
    packed: &[[f32; COLUMNS]],
) -> [[f32; COLUMNS]; R] {
    let values = &left.values[row * left.row_step..];
    let mut sums = [[0.0; COLUMNS]; R];
    for (k, weights) in packed.iter().enumerate() {
        for r in 0..R {
            // SAFETY: `row + r` is below the number of rows and `k` below their length, and
            // `multiply` has asserted that the last element of the last row exists.
            let x = unsafe { *values.get_unchecked(r * left.row_step + k * left.k_step) };
            for c in 0..COLUMNS {
                sums[r][c] += x * weights[c];
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_in_order_in_every_shape() {
        for [rows, k, columns] in [[1, 1, 1], [9, 7, 16], [8, 33, 5], [3, 4, 33], [17, 2, 20]] {
            let value = |i: usize| ((i * 37 % 101) as f32 * 0.31).sin() * 10.0;
            let left: Vec<f32> = (0..rows * k).map(value).collect();
            let right: Vec<f32> = (0..k * columns).map(|i| value(i + 5)).collect();
            let transposed: Vec<f32> =
                (0..rows * k).map(|i| left[i % rows * k + i / rows]).collect();
            let mut packed = vec![f32::NAN; packed_len(k, columns)];
            pack(&right, [k, columns], [columns, 1], &mut packed);
            for (values, row_step, k_step) in [(&left, k, 1), (&transposed, 1, rows)] {
                let step = columns + 3;
                let mut result = vec![1.0; rows * step];
                let left_ = Left { values, row_step, k_step };
                multiply([rows, k, columns], left_, &packed, (&mut result, step), Write::Add);
                for row in 0..rows {
                    for column in 0..columns {
                        let product = |i: usize| left[row * k + i] * right[i * columns + column];
                        let sum = (0..k).fold(0.0, |sum: f32, i| sum + product(i));
                        assert_eq!(result[row * step + column].to_bits(), (1.0 + sum).to_bits());
                    }
                    assert_eq!(result[row * step + columns..][..3], [1.0; 3]);
                }
            }
        }
    }

    #[test]
    fn a_transposed_right_matrix_packs_the_same() {
        let (k, columns) = (5, 19);
        let right: Vec<f32> = (0..k * columns).map(|i| i as f32).collect();
        let transposed: Vec<f32> =
            (0..k * columns).map(|i| right[i % k * columns + i / k]).collect();
        let mut packed = [vec![0.0; packed_len(k, columns)], vec![0.0; packed_len(k, columns)]];
        pack(&right, [k, columns], [columns, 1], &mut packed[0]);
        pack(&transposed, [k, columns], [1, k], &mut packed[1]);
        assert_eq!(packed[0], packed[1]);
    }
}
