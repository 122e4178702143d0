//! Pictures of another size, with the numbers of OpenCV's `resize` (`INTER_LINEAR`, which is its default):
//! networks are mostly trained on those. The `image` crate's filters give others, for they widen where a
//! picture shrinks.
//!
//! OpenCV weighs two pixels across and two rows down, with half-pixel centres and without widening, in
//! integers: weights are 2048ths, four bits of a row's sums are left out before the second product, and
//! sixteen of that before the two are added. A picture of exactly half the size is the mean of each four.

use super::crop::{CHANNELS, View};

/// A weight of 1.
const ONE: i32 = 2048;

/// The two places of the source that a place of the result lies between, and how much each counts.
#[derive(Debug, Clone, Copy)]
struct Between {
    places: [usize; 2],
    weights: [i32; 2],
}

/// Makes pictures of one size; what it computes for one picture serves all that are as large.
#[derive(Debug)]
pub(super) struct Resizer {
    to: [usize; 2],
    from: [usize; 2],
    columns: Vec<Between>,
    rows: Vec<Between>,
    /// Rows of the source as wide as the result, with their places.
    held: [(Option<usize>, Vec<i32>); 2],
}

impl Resizer {
    pub(super) fn new(to: [usize; 2]) -> Self {
        let held = [(None, Vec::new()), (None, Vec::new())];
        Self { to, from: [0, 0], columns: Vec::new(), rows: Vec::new(), held }
    }

    /// Puts the picture behind what `out` has.
    pub(super) fn resize(&mut self, picture: &View<'_>, out: &mut Vec<u8>) {
        if picture.size == self.to.map(|side| 2 * side) {
            return halve(picture, out);
        }
        if picture.size != self.from {
            self.from = picture.size;
            self.columns = between(self.from[0], self.to[0]).map(at_the_edge).collect();
            self.rows = between(self.from[1], self.to[1]).collect();
        }
        self.held.iter_mut().for_each(|(place, _)| *place = None);
        for Between { places, weights } in &self.rows {
            // Two rows that lie beside one another are never held in the same place.
            for &place in places {
                let (held, row) = &mut self.held[place % 2];
                if *held != Some(place) {
                    *held = Some(place);
                    widen(picture.row(place), &self.columns, row);
                }
            }
            let [first, second] = places.map(|place| self.held[place % 2].1.iter());
            let weighed = |sum: i32, weight: i32| ((sum >> 4) * weight) >> 16;
            out.extend(first.zip(second).map(|(&first, &second)| {
                // At most 255, as the weights come to ONE.
                ((weighed(first, weights[0]) + weighed(second, weights[1]) + 2) >> 2) as u8
            }));
        }
    }
}

/// Where the places of the result lie in the source. OpenCV, too, computes the places in f64 and the weights
/// in f32.
fn between(from: usize, to: usize) -> impl Iterator<Item = Between> {
    let scale = 1.0 / (to as f64 / from as f64);
    (0..to).map(move |place| {
        let at = ((place as f64 + 0.5) * scale - 0.5) as f32;
        let first = at.floor();
        let part = at - first;
        // What lies outside is the pixel at the edge.
        let within = |place: f32| (place.max(0.0) as usize).min(from - 1);
        let weight = |part: f32| (part * ONE as f32).round_ties_even() as i32;
        Between {
            places: [within(first), within(first + 1.0)],
            weights: [weight(1.0 - part), weight(part)],
        }
    })
}

/// Across, though not down, the pixel at the edge counts by itself.
fn at_the_edge(between: Between) -> Between {
    let is_one = between.places[0] == between.places[1];
    if is_one { Between { weights: [ONE, 0], ..between } } else { between }
}

/// A row as wide as the result, in 2048ths.
fn widen(row: &[u8], columns: &[Between], out: &mut Vec<i32>) {
    out.clear();
    for Between { places, weights } in columns {
        let [first, second] = places.map(|place| &row[place * CHANNELS..][..CHANNELS]);
        let weigh = |(&a, &b)| i32::from(a) * weights[0] + i32::from(b) * weights[1];
        out.extend(first.iter().zip(second).map(weigh));
    }
}

/// Half as wide and half as high: the mean of each four pixels.
fn halve(picture: &View<'_>, out: &mut Vec<u8>) {
    for y in (0..picture.size[1]).step_by(2) {
        let four = picture.row(y).chunks_exact(2 * CHANNELS);
        for (above, below) in four.zip(picture.row(y + 1).chunks_exact(2 * CHANNELS)) {
            let pixels = [above, below].map(|two| two.split_at(CHANNELS));
            for channel in 0..CHANNELS {
                let of = |(left, right): (&[u8], &[u8])| {
                    u16::from(left[channel]) + u16::from(right[channel])
                };
                let sum: u16 = pixels.into_iter().map(of).sum();
                out.push(((sum + 2) / 4) as u8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::crop::View;
    use super::*;
    use crate::vocabulary::preprocessing::Crop;

    #[test]
    fn pictures_of_another_size_serve_again() {
        let grey = |levels: &[u8]| levels.iter().flat_map(|&level| [level; 3]).collect::<Vec<_>>();
        let mut resizer = Resizer::new([3, 1]);
        let mut made = |pixels: &[u8], size| {
            let mut out = Vec::new();
            let view = View::of(pixels, size, Crop::default()).expect("a picture");
            resizer.resize(&view, &mut out);
            out
        };
        assert_eq!(made(&grey(&[0, 120]), [2, 1]), grey(&[0, 60, 120]));
        assert_eq!(made(&grey(&[10, 20, 30]), [3, 1]), grey(&[10, 20, 30]));
        assert_eq!(made(&grey(&[8]), [1, 1]), grey(&[8, 8, 8]));
        assert_eq!(made(&grey(&[0, 120]), [2, 1]), grey(&[0, 60, 120]));
    }
}
