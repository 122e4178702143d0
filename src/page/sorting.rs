//! What a table is sorted by, and what that makes of its rows.

use std::cmp::Ordering;

/// A column and its direction; by default the network's own order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sorting<C> {
    pub column: C,
    pub descending: bool,
}

/// What a column says about a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Key<'a> {
    Text(&'a str),
    Figure(f64),
    /// Nothing: such rows come last, whatever the direction.
    Silent,
}

impl From<Option<f64>> for Key<'_> {
    fn from(figure: Option<f64>) -> Self {
        figure.map_or(Key::Silent, Key::Figure)
    }
}

impl<C: Copy + Default + PartialEq> Sorting<C> {
    /// What pressing a heading makes of it: first up, then down, then the network's own order.
    pub fn pressed(self, column: C) -> Self {
        match (self.column == column, self.descending) {
            (false, _) => Self { column, descending: false },
            (true, false) => Self { column, descending: true },
            (true, true) => Self::default(),
        }
    }

    /// As `aria-sort` has it.
    pub fn direction(self, column: C) -> Option<&'static str> {
        let direction = if self.descending { "descending" } else { "ascending" };
        (self.column == column).then_some(direction)
    }

    /// The places of `rows` rows in the order in which they are shown.
    pub fn order<'a>(self, rows: usize, key: impl Fn(usize) -> Key<'a>) -> Vec<usize> {
        let turned = |order: Ordering| if self.descending { order.reverse() } else { order };
        let mut places: Vec<usize> = (0..rows).collect();
        places.sort_by(|&a, &b| match (key(a), key(b)) {
            (Key::Text(a), Key::Text(b)) => turned(a.cmp(b)),
            (Key::Figure(a), Key::Figure(b)) => turned(a.total_cmp(&b)),
            (a, b) => (a == Key::Silent).cmp(&(b == Key::Silent)),
        });
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    enum Column {
        #[default]
        Position,
        Figure,
    }

    #[test]
    fn a_heading_sorts_up_then_down_then_not_at_all() {
        let start = Sorting::<Column>::default();
        assert_eq!(start.direction(Column::Figure), None);
        let up = start.pressed(Column::Figure);
        assert_eq!(up.direction(Column::Figure), Some("ascending"));
        let down = up.pressed(Column::Figure);
        assert_eq!(down.direction(Column::Figure), Some("descending"));
        assert_eq!(down.pressed(Column::Figure), start);
        assert_eq!(down.pressed(Column::Position), start, "another heading starts upwards");
    }

    #[test]
    fn silence_comes_last_in_both_directions() {
        let figures = [Some(2.0), None, Some(1.0), Some(2.0)];
        let order = |descending| {
            let sorting = Sorting { column: Column::Figure, descending };
            sorting.order(figures.len(), |at| figures[at].into())
        };
        assert_eq!(order(false), [2, 0, 3, 1]);
        assert_eq!(order(true), [0, 3, 2, 1]);
    }
}
