//! Which of the images at hand a path means that some recorder wrote down.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::data::entry::{Entry, components, file_name, stem};

/// The images of a set, to be found by paths.
pub(super) struct Images<'e> {
    pub(super) entries: &'e [Entry],
    /// In natural order.
    pub(super) all: Vec<usize>,
    by_name: HashMap<&'e str, Vec<usize>>,
    /// By their names without extensions.
    by_stem: HashMap<&'e str, Vec<usize>>,
}

/// Why there is no image for a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    Missing,
    /// It goes up beyond the folder that was given.
    Outside,
    /// Several might be meant.
    Unclear,
}

impl<'e> Images<'e> {
    pub(super) fn of(entries: &'e [Entry]) -> Self {
        let mut all: Vec<usize> = (0..entries.len()).filter(|&i| entries[i].is_image()).collect();
        all.sort_by(|&a, &b| super::natural::compare(&entries[a].path, &entries[b].path));
        let (mut by_name, mut by_stem) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for &index in &all {
            let name = entries[index].file_name();
            by_name.entry(name).or_default().push(index);
            by_stem.entry(stem(name)).or_default().push(index);
        }
        Self { entries, all, by_name, by_stem }
    }

    /// The image with the most of the path's last components, as absolute paths and those of Windows need;
    /// of several the one nearest to the folder `from`, which has the table. A name may lack its extension.
    pub(super) fn find(&self, path: &str, from: &[&str]) -> Result<usize, Absent> {
        let path = path.replace('\\', "/");
        let mut depth = from.len();
        let mut is_outside = false;
        // Behind the last `..`, as what is above it may be elsewhere here.
        let mut own = Vec::new();
        for component in components(&path) {
            if component == ".." {
                is_outside |= depth == 0;
                depth = depth.saturating_sub(1);
                own.clear();
            } else {
                depth += 1;
                own.push(component);
            }
        }
        let absent = if is_outside { Absent::Outside } else { Absent::Missing };
        let Some((name, folders)) = own.split_last() else { return Err(absent) };
        let named = self.by_name.get(name).or_else(|| self.by_stem.get(name)).ok_or(absent)?;
        if let [only] = named[..] {
            return Ok(only);
        }
        let nearness = |&index: &usize| {
            let above = self.entries[index].folders();
            let same = above.iter().rev().zip(folders.iter().rev()).take_while(|(a, b)| a == b);
            let shared = above.iter().zip(from).take_while(|(a, b)| a == b).count();
            (same.count(), shared, Reverse(above.len() - shared))
        };
        let best = named.iter().map(nearness).max().ok_or(absent)?;
        let mut nearest = named.iter().filter(|index| nearness(index) == best);
        match (nearest.next(), nearest.next()) {
            (Some(&only), None) => Ok(only),
            _ => Err(Absent::Unclear),
        }
    }

    /// Whether a path names one of the images, with its extension.
    pub(super) fn has(&self, path: &str) -> bool {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        self.by_name.contains_key(name)
    }

    /// Whether a path names one of the images, but for its extension.
    pub(super) fn has_stem(&self, path: &str) -> bool {
        self.by_stem.contains_key(file_name(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_means_the_image_with_most_of_its_end() {
        let names = ["a/IMG/1.png", "b/IMG/1.png", "b/2.png", "c/d/7.jpg", "c/e/7.jpg"];
        let entries: Vec<_> = names.iter().map(|name| Entry::new(name, None)).collect();
        let images = Images::of(&entries);
        let found = |path: &str, from: &[&str]| images.find(path, from).map(|at| names[at]);
        let cases = [
            (r"C:\sim\data\a\IMG\1.png", "", Ok("a/IMG/1.png")),
            ("/home/me/b/IMG/1.png", "", Ok("b/IMG/1.png")),
            ("IMG/1.png", "b", Ok("b/IMG/1.png")),
            ("../a/IMG/1.png", "b", Ok("a/IMG/1.png")),
            ("1.png", "", Err(Absent::Unclear)),
            ("somewhere/2.png", "", Ok("b/2.png")),
            ("2", "", Ok("b/2.png")),
            ("../../2.png", "", Ok("b/2.png")),
            ("../../3.png", "b", Err(Absent::Outside)),
            ("/etc/3.png", "", Err(Absent::Missing)),
            ("..", "", Err(Absent::Outside)),
            ("", "", Err(Absent::Missing)),
        ];
        for (path, from, expected) in cases {
            let from: Vec<&str> = components(from).collect();
            assert_eq!(found(path, &from), expected, "{path}");
        }
    }
}
