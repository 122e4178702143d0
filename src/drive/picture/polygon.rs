//! Two ways to fill a polygon, each row between pairs of crossings with the edges.

use super::canvas::{Canvas, Colour};
use super::outline::Vertex;

/// The most vertices of a polygon here; what is beyond is not drawn.
pub(super) const MOST_VERTICES: usize = 8;

/// Fills what [`super::outline::draw`] draws the border of. Crossings are in 65536ths of a pixel.
pub(super) fn fill_fixed(canvas: &mut Canvas, vertices: &[Vertex], colour: Colour) {
    let vertices = vertices.iter().map(|vertex| vertex.map(i32::from));
    let edges = Edges::new(vertices);
    for y in canvas.visible(edges.top, edges.bottom) {
        let crossings = edges.crossings(y, |[x1, y1], [x2, y2]| {
            let along = 65536 * i64::from(y - y1) / i64::from(y2 - y1);
            along * i64::from(x2 - x1) + 65536 * i64::from(x1)
        });
        for [from, to] in crossings.pairs() {
            let (from, to) = (round(from + 1), round(to - 1));
            canvas.fill(y, from.min(to), from.max(to), colour);
        }
    }
}

/// To the nearest pixel.
fn round(fixed: i64) -> i32 {
    ((fixed >> 16) + (fixed >> 15 & 1)) as i32
}

/// Fills with crossings computed in f64 and truncated, the border included.
pub(super) fn fill(canvas: &mut Canvas, vertices: &[[f64; 2]], colour: Colour) {
    let vertices = vertices.iter().map(|vertex| vertex.map(|coordinate| coordinate as i32));
    let edges = Edges::new(vertices);
    if edges.top == edges.bottom {
        canvas.fill(edges.top, edges.left, edges.right, colour);
        return;
    }
    for y in canvas.visible(edges.top, edges.bottom) {
        let crossings = edges.crossings(y, |from, to| {
            let ([x1, y1], [x2, y2]) = (from.map(f64::from), to.map(f64::from));
            ((f64::from(y) - y1) * (x2 - x1) / (y2 - y1) + x1) as i32
        });
        for [from, to] in crossings.pairs() {
            canvas.fill(y, from, to, colour);
        }
    }
    for ([x1, y1], [x2, y2]) in edges.each() {
        if y1 == y2 && edges.top < y1 && y1 < edges.bottom {
            canvas.fill(y1, x1.min(x2), x1.max(x2), colour);
        }
    }
}

/// A polygon's edges and how far it reaches.
struct Edges {
    vertices: [[i32; 2]; MOST_VERTICES],
    count: usize,
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
}

impl Edges {
    fn new(from: impl Iterator<Item = [i32; 2]>) -> Self {
        let mut vertices = [[0; 2]; MOST_VERTICES];
        let mut count = 0;
        for (slot, vertex) in vertices.iter_mut().zip(from) {
            *slot = vertex;
            count += 1;
        }
        let axis = |axis: usize| vertices[..count].iter().map(move |vertex| vertex[axis]);
        Self {
            left: axis(0).min().unwrap_or(0),
            right: axis(0).max().unwrap_or(0),
            top: axis(1).min().unwrap_or(0),
            bottom: axis(1).max().unwrap_or(0),
            vertices,
            count,
        }
    }

    fn each(&self) -> impl Iterator<Item = ([i32; 2], [i32; 2])> {
        let vertices = &self.vertices[..self.count];
        let next = vertices.iter().cycle().skip(1);
        vertices.iter().copied().zip(next.copied())
    }

    /// Where the row crosses edges: an edge has its upper end, and in the polygon's last row its lower.
    fn crossings<T: Copy + Default + Ord>(
        &self,
        y: i32,
        at: impl Fn([i32; 2], [i32; 2]) -> T,
    ) -> Crossings<T> {
        let mut crossings = Crossings { places: [T::default(); MOST_VERTICES], count: 0 };
        for (a, b) in self.each() {
            let (upper, lower) = if a[1] < b[1] { (a, b) } else { (b, a) };
            let last = y == self.bottom && y == lower[1] && upper[1] < y;
            if upper[1] <= y && y < lower[1] || last {
                crossings.places[crossings.count] = at(upper, lower);
                crossings.count += 1;
            }
        }
        crossings.places[..crossings.count].sort_unstable();
        crossings
    }
}

struct Crossings<T> {
    places: [T; MOST_VERTICES],
    count: usize,
}

impl<T: Copy> Crossings<T> {
    fn pairs(&self) -> impl Iterator<Item = [T; 2]> {
        self.places[..self.count].chunks_exact(2).map(|pair| [pair[0], pair[1]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: Colour = Colour::new([255; 3]);

    /// A polygon, and what was measured of it by either fill, the second moved by 0.9 of a pixel.
    struct Case {
        vertices: &'static [Vertex],
        fixed: [&'static str; 8],
        truncated: [&'static str; 8],
    }

    const EMPTY: &str = "............";

    const CASES: [Case; 5] = [
        Case {
            vertices: &[[1, 1], [9, 2], [7, 6], [2, 5]],
            fixed: [
                EMPTY,
                ".#..........",
                ".#########..",
                "..#######...",
                "..#######...",
                "..######....",
                ".......#....",
                EMPTY,
            ],
            truncated: [
                EMPTY,
                ".#..........",
                ".#########..",
                ".########...",
                ".########...",
                "..######....",
                ".......#....",
                EMPTY,
            ],
        },
        Case {
            vertices: &[[1, 6], [6, 1], [11, 6], [6, 4]],
            fixed: [
                EMPTY,
                "......#.....",
                ".....###....",
                "....#####...",
                "...#######..",
                "..##.....##.",
                ".#.........#",
                EMPTY,
            ],
            truncated: [
                EMPTY,
                "......#.....",
                ".....###....",
                "....#####...",
                "...#######..",
                "..##....###.",
                ".#.........#",
                EMPTY,
            ],
        },
        // Row 3 has an edge between top and bottom.
        Case {
            vertices: &[[2, 2], [10, 2], [10, 5], [6, 5], [6, 3], [2, 3]],
            fixed: [
                EMPTY,
                EMPTY,
                "..#########.",
                "......#####.",
                "......#####.",
                "......#####.",
                EMPTY,
                EMPTY,
            ],
            truncated: [
                EMPTY,
                EMPTY,
                "..#########.",
                "..#########.",
                "......#####.",
                "......#####.",
                EMPTY,
                EMPTY,
            ],
        },
        Case {
            vertices: &[[1, 4], [9, 4], [5, 4]],
            fixed: [EMPTY; 8],
            truncated: [EMPTY, EMPTY, EMPTY, EMPTY, ".#########..", EMPTY, EMPTY, EMPTY],
        },
        Case {
            vertices: &[[3, 3], [3, 3], [8, 6]],
            fixed: [
                EMPTY,
                EMPTY,
                EMPTY,
                "...#........",
                ".....#......",
                "......#.....",
                "........#...",
                EMPTY,
            ],
            truncated: [
                EMPTY,
                EMPTY,
                EMPTY,
                "...#........",
                "....#.......",
                "......#.....",
                "........#...",
                EMPTY,
            ],
        },
    ];

    #[test]
    fn both_fills_cover_what_was_measured() {
        for Case { vertices, fixed, truncated } in CASES {
            let mut canvas = Canvas::new();
            fill_fixed(&mut canvas, vertices, WHITE);
            assert_eq!(canvas.sketch(12, 8), fixed, "{vertices:?}");

            let mut canvas = Canvas::new();
            let moved: Vec<_> = vertices.iter().map(|v| v.map(|x| f64::from(x) + 0.9)).collect();
            fill(&mut canvas, &moved, WHITE);
            assert_eq!(canvas.sketch(12, 8), truncated, "{vertices:?}");
        }
    }

    /// Half a pixel's rounding exchanges the ends.
    #[test]
    fn a_line_of_a_polygon_is_two_pixels_wide_where_it_is_between_two() {
        let mut canvas = Canvas::new();
        fill_fixed(&mut canvas, &[[72, 62], [207, 40], [207, 40]], WHITE);
        assert_eq!(canvas.sketch(142, 52)[51][138..], *".##.");
    }
}
