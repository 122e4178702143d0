//! The window that Gymnasium draws before it is shrunk: 1000 columns and 800 rows of colours.

use std::ops::Range;

pub(super) const WIDTH: usize = 1000;
pub(super) const HEIGHT: usize = 800;

/// Red, green and blue in the three lower bytes of a number, red the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colour(pub(super) u32);

impl Colour {
    pub(super) const BLACK: Self = Self(0);

    pub(super) const fn new([red, green, blue]: [u8; 3]) -> Self {
        Self((red as u32) << 16 | (green as u32) << 8 | blue as u32)
    }

    /// Red, green and blue, each up to 255.
    pub(super) fn channels(self) -> [u32; 3] {
        [self.0 >> 16, self.0 >> 8 & 0xff, self.0 & 0xff]
    }
}

/// Pixels, of which those outside of the visible rows are never written.
#[derive(Debug, Clone)]
pub(super) struct Canvas {
    pixels: Vec<Colour>,
    /// The rows that are drawn.
    rows: Range<i32>,
    /// Rows are counted from below.
    upside_down: bool,
}

impl Canvas {
    pub(super) fn new() -> Self {
        Self {
            pixels: vec![Colour::BLACK; WIDTH * HEIGHT],
            rows: 0..HEIGHT as i32,
            upside_down: false,
        }
    }

    /// A black canvas with rows counted from below, of which those before `hidden` stay as they are.
    pub(super) fn start(&mut self, hidden: usize) {
        self.upside_down = true;
        self.rows = hidden as i32..HEIGHT as i32;
        self.pixels[..WIDTH * (HEIGHT - hidden)].fill(Colour::BLACK);
    }

    /// Counts the rows from above, and draws in all of them.
    pub(super) fn flip(&mut self) {
        self.upside_down = false;
        self.rows = 0..HEIGHT as i32;
    }

    /// Those of the rows `first..=last` that are drawn.
    pub(super) fn visible(&self, first: i32, last: i32) -> Range<i32> {
        first.max(self.rows.start)..last.saturating_add(1).min(self.rows.end)
    }

    /// Paints the columns `first..=last` of a row, as far as they are there.
    pub(super) fn fill(&mut self, y: i32, first: i32, last: i32, colour: Colour) {
        let columns = first.max(0)..last.saturating_add(1).min(WIDTH as i32);
        if self.rows.contains(&y) && !columns.is_empty() {
            self.row_mut(y)[columns.start as usize..columns.end as usize].fill(colour);
        }
    }

    /// Moves a pixel towards `colour` by `alpha` 256ths, each channel rounded down.
    pub(super) fn blend(&mut self, x: i32, y: i32, colour: Colour, alpha: u32) {
        if !self.rows.contains(&y) || !(0..WIDTH as i32).contains(&x) {
            return;
        }
        let pixel = &mut self.row_mut(y)[x as usize];
        let moved = |shift: u32| {
            let [from, to] = [*pixel, colour].map(|colour| (colour.0 >> shift & 0xff) as i32);
            let channel = from + (((to - from) * alpha as i32) >> 8);
            (channel as u32) << shift
        };
        *pixel = Colour(moved(16) | moved(8) | moved(0));
    }

    pub(super) fn row(&self, y: usize) -> &[Colour] {
        &self.pixels[y * WIDTH..][..WIDTH]
    }

    fn row_mut(&mut self, y: i32) -> &mut [Colour] {
        let y = y as usize;
        let y = if self.upside_down { HEIGHT - 1 - y } else { y };
        &mut self.pixels[y * WIDTH..][..WIDTH]
    }
}

#[cfg(test)]
impl Canvas {
    /// The upper left corner, a line a row: what is not black is `#`.
    pub(super) fn sketch(&self, columns: usize, rows: usize) -> Vec<String> {
        let sign = |colour: &Colour| if *colour == Colour::BLACK { '.' } else { '#' };
        (0..rows).map(|y| self.row(y)[..columns].iter().map(sign).collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: Colour = Colour::new([255; 3]);

    #[test]
    fn nothing_is_drawn_beyond_the_borders_or_in_hidden_rows() {
        let mut canvas = Canvas::new();
        canvas.start(798);
        for y in -1..=800 {
            canvas.fill(y, -5, 2000, WHITE);
            canvas.blend(1000, y, WHITE, 254);
        }
        assert_eq!(canvas.visible(0, 799), 798..800);
        canvas.flip();
        assert_eq!(canvas.sketch(2, 4), ["##", "##", "..", ".."]);
        assert_eq!(canvas.visible(-7, 900), 0..800);
    }

    #[test]
    fn blending_rounds_down_in_both_directions() {
        let mut canvas = Canvas::new();
        canvas.fill(0, 0, 0, Colour::new([10, 200, 0]));
        canvas.blend(0, 0, Colour::new([110, 100, 255]), 127);
        assert_eq!(canvas.row(0)[0].channels(), [10 + 49, 200 - 50, 126]);
    }
}
