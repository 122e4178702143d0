//! Shrinking the canvas to the picture that a network sees: mean colours of areas, first along the
//! rows, then along the columns, in whole numbers as the vector instructions of pygame's
//! `smoothscale` compute them.

use super::canvas::{Canvas, Colour, HEIGHT, WIDTH};
use crate::vocabulary::stage;

/// Columns and rows of a picture.
pub const SIDE: usize = stage::SIDE;

/// Bytes of a row of a picture.
const ROW: usize = 3 * SIDE;

/// A whole pixel, of which a cell may have a part.
const WHOLE: usize = 1 << 14;

/// Cuts an axis into as many equal cells as a picture has pixels.
struct Axis {
    /// Pixels in a cell, in 2^-14.
    step: usize,
    /// One cell's part in the sum of its pixels, in 2^-16.
    reciprocal: u16,
}

const ALONG_ROWS: Axis = Axis::new(WIDTH);
const ALONG_COLUMNS: Axis = Axis::new(HEIGHT);

impl Axis {
    const fn new(pixels: usize) -> Self {
        let step = WHOLE * pixels / SIDE;
        Self { step, reciprocal: ((WHOLE << 16) / step) as u16 }
    }

    /// The pixel in which a cell begins and the cell before it ends.
    const fn cut(&self, cell: usize) -> usize {
        self.step * cell / WHOLE
    }

    /// What the cell before has of that pixel, and what this one has, in 2^-14.
    const fn parts(&self, cell: usize) -> [u16; 2] {
        let before = self.step * cell % WHOLE;
        [before as u16, (WHOLE - before) as u16]
    }

    /// The mean of a cell: the sum of its whole pixels, and parts of those at its ends.
    fn mean(&self, whole: u16, ends: [u16; 2], parts: [u16; 2]) -> u8 {
        let part = |end, of| high(4 * end, of);
        let sum = whole + part(ends[0], parts[0]) + part(ends[1], parts[1]);
        high(sum, self.reciprocal).min(255) as u8
    }
}

/// The higher half of a product.
fn high(a: u16, b: u16) -> u16 {
    ((u32::from(a) * u32::from(b)) >> 16) as u16
}

/// The memory that shrinking takes.
#[derive(Debug, Clone)]
pub(super) struct Shrink {
    /// The canvas's rows, shrunk.
    rows: Vec<u8>,
    row: Row,
}

impl Shrink {
    pub(super) fn new() -> Self {
        Self { rows: vec![0; HEIGHT * ROW], row: Row::new() }
    }

    /// Writes the picture: rows from above, of each pixel red, green and blue.
    pub(super) fn run(&mut self, canvas: &Canvas, picture: &mut [u8]) {
        for (y, shrunk) in self.rows.chunks_exact_mut(ROW).enumerate() {
            self.row.shrink(canvas.row(y), shrunk);
        }
        for (cell, row) in picture.chunks_exact_mut(ROW).enumerate() {
            self.shrink_columns(cell, row);
        }
    }

    fn shrink_columns(&mut self, cell: usize, picture: &mut [u8]) {
        let row = |y: usize| &self.rows[y * ROW..][..ROW];
        let [from, to] = [cell, cell + 1].map(|cell| ALONG_COLUMNS.cut(cell));
        let wholes = &mut self.row.wholes;
        wholes.fill(0);
        for y in from + 1..to {
            for (whole, &channel) in wholes.iter_mut().zip(row(y)) {
                *whole += u16::from(channel);
            }
        }
        let parts = [ALONG_COLUMNS.parts(cell)[1], ALONG_COLUMNS.parts(cell + 1)[0]];
        let ends = row(from).iter().zip(row(to));
        for ((channel, &whole), (&first, &last)) in picture.iter_mut().zip(&*wholes).zip(ends) {
            *channel = ALONG_COLUMNS.mean(whole, [first.into(), last.into()], parts);
        }
    }
}

/// One row's channels, in arrays that the compiler computes on in vectors.
#[derive(Debug, Clone)]
struct Row {
    /// Sums of each cell's whole pixels.
    wholes: [u16; ROW],
    /// The pixels that cells share, and the one after the last.
    cuts: [u16; ROW + 3],
    /// What each cell has of the pixels at its ends.
    parts: [[u16; ROW]; 2],
}

impl Row {
    fn new() -> Self {
        let part = |i: usize, end: usize| ALONG_ROWS.parts(i / 3 + end)[1 - end];
        Self {
            wholes: [0; ROW],
            cuts: [0; ROW + 3],
            parts: [0, 1].map(|end| std::array::from_fn(|i| part(i, end))),
        }
    }

    fn shrink(&mut self, pixels: &[Colour], shrunk: &mut [u8]) {
        for (cell, cut) in self.cuts.chunks_exact_mut(3).enumerate() {
            cut.copy_from_slice(
                &pixels[ALONG_ROWS.cut(cell)].channels().map(|channel| channel as u16),
            );
        }
        for (cell, whole) in self.wholes.chunks_exact_mut(3).enumerate() {
            // Red and blue in one number, whose sums of 10 pixels do not meet.
            let (mut red_and_blue, mut green) = (0, 0);
            for colour in &pixels[ALONG_ROWS.cut(cell) + 1..ALONG_ROWS.cut(cell + 1)] {
                red_and_blue += colour.0 & 0x00ff_00ff;
                green += colour.0 & 0x0000_ff00;
            }
            let sums = [red_and_blue >> 16, green >> 8, red_and_blue & 0xffff];
            whole.copy_from_slice(&sums.map(|sum| sum as u16));
        }
        let [first, last] = &self.parts;
        let ends = self.cuts.iter().zip(&self.cuts[3..]);
        let parts = first.iter().zip(last);
        let cells = self.wholes.iter().zip(ends).zip(parts);
        for (channel, ((&whole, ends), parts)) in shrunk.iter_mut().zip(cells) {
            *channel = ALONG_ROWS.mean(whole, [*ends.0, *ends.1], [*parts.0, *parts.1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of white parts of the window.
    fn shrunk(rows: &[i32], columns: [i32; 2], colour: [u8; 3]) -> Vec<u8> {
        let mut canvas = Canvas::new();
        for &y in rows {
            canvas.fill(y, columns[0], columns[1], Colour::new(colour));
        }
        let mut picture = vec![0; SIDE * ROW];
        Shrink::new().run(&canvas, &mut picture);
        picture
    }

    const ALL_COLUMNS: [i32; 2] = [0, WIDTH as i32 - 1];

    fn all_rows() -> Vec<i32> {
        (0..HEIGHT as i32).collect()
    }

    #[test]
    fn flat_colours_come_out_as_measured() {
        for (colour, measured) in [([255, 204, 230], [253, 202, 228]), ([102, 77, 1], [100, 75, 0])]
        {
            let picture = shrunk(&all_rows(), ALL_COLUMNS, colour);
            assert!(picture.chunks_exact(3).all(|pixel| pixel == measured));
        }
    }

    #[test]
    fn a_column_is_parted_as_measured() {
        let columns: [(i32, &[(usize, u8)]); 7] = [
            (0, &[(0, 23)]),
            (9, &[(0, 23)]),
            (10, &[(0, 9), (1, 13)]),
            (11, &[(1, 23)]),
            (20, &[(1, 19), (2, 3)]),
            (499, &[(47, 23)]),
            (999, &[(95, 23)]),
        ];
        for (x, measured) in columns {
            let picture = shrunk(&all_rows(), [x, x], [255; 3]);
            let mut row = [0; ROW];
            measured.iter().for_each(|&(at, value)| row[3 * at..][..3].fill(value));
            assert!(picture.chunks_exact(ROW).all(|each| each == row), "column {x}");
        }
    }

    #[test]
    fn a_row_is_parted_as_measured() {
        let rows: [(i32, &[(usize, u8)]); 6] = [
            (0, &[(0, 30)]),
            (8, &[(0, 10), (1, 20)]),
            (16, &[(1, 20), (2, 10)]),
            (24, &[(2, 30)]),
            (25, &[(3, 30)]),
            (799, &[(95, 30)]),
        ];
        for (y, measured) in rows {
            let picture = shrunk(&[y], ALL_COLUMNS, [255; 3]);
            let mut column = [0; SIDE];
            measured.iter().for_each(|&(at, value)| column[at] = value);
            let as_measured =
                picture.chunks_exact(ROW).zip(column).all(|(row, value)| row == [value; ROW]);
            assert!(as_measured, "row {y}");
        }
    }
}
