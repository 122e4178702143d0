//! Labels that are folders.

use crate::data::entry::Entry;
use crate::error::{Error, Result};

/// The class folder of each image, or `None` when all lie in one folder.
///
/// # Errors
/// Images beside or below class folders.
pub(super) fn of<'e>(entries: &'e [Entry], order: &[usize]) -> Result<Option<Vec<&'e str>>> {
    let folders: Vec<_> = order.iter().map(|&index| entries[index].folders()).collect();
    let Some(first) = folders.first() else { return Ok(None) };
    let common = folders.iter().fold(first.as_slice(), |common, folders| {
        let same = common.iter().zip(folders).take_while(|(a, b)| a == b).count();
        &common[..same]
    });
    let below: Vec<_> = folders.iter().map(|folders| &folders[common.len()..]).collect();
    if below.iter().all(|folders| folders.is_empty()) {
        return Ok(None);
    }
    let folder_of = |(place, folders): (usize, &&[&'e str])| match **folders {
        [folder] => Ok(folder),
        [] => Err(Error::new("this image lies beside the class folders, not in one")
            .in_file(&entries[order[place]].shown)
            .way_out("Move it into the folder of its class, or leave it out.")),
        _ => Err(Error::new(format!("class folders lie inside folders: {}", folders.join("/")))
            .in_file(&entries[order[place]].shown)
            .way_out("Give one split at a time: the folder that holds the class folders.")),
    };
    below.iter().enumerate().map(folder_of).collect::<Result<_>>().map(Some)
}

/// Whether the folders say their classes by numbers from 0.
pub(super) fn are_numbered(folders: &[&str]) -> bool {
    let mut names = folders.to_vec();
    names.sort_unstable();
    names.dedup();
    own_numbers(&names).is_some()
}

/// A class index per folder mentioned, and the classes' names.
pub(super) fn label(folders: &[&str]) -> (Vec<u32>, Vec<String>) {
    let mut names = folders.to_vec();
    names.sort_unstable();
    names.dedup();
    let (classes, class_names) = match own_numbers(&names) {
        Some(numbers) => {
            let last = numbers.iter().max().map_or(0, |&last| last as usize);
            let mut class_names: Vec<_> = (0..=last).map(|class| class.to_string()).collect();
            for (name, &number) in names.iter().zip(&numbers) {
                class_names[number as usize] = (*name).to_owned();
            }
            (numbers, class_names)
        }
        None => {
            let class_names = names.iter().map(|&name| name.to_owned()).collect();
            ((0..names.len() as u32).collect(), class_names)
        }
    };
    let class_of = |folder| names.binary_search(folder).map_or(0, |place| classes[place]);
    (folders.iter().map(class_of).collect(), class_names)
}

/// The numbers that the names begin with, if they are different and one of them is 0.
fn own_numbers(names: &[&str]) -> Option<Vec<u32>> {
    let number = |name: &&str| {
        let digits = name.len() - name.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        // Four digits: enough for any classifier, too few for a list of names to grow huge.
        (1..=4).contains(&digits).then(|| name[..digits].parse().ok())?
    };
    let numbers: Vec<u32> = names.iter().map(number).collect::<Option<_>>()?;
    let mut distinct = numbers.clone();
    distinct.sort_unstable();
    distinct.dedup();
    (distinct.len() == numbers.len() && distinct[0] == 0).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_numbered_from_0_say_their_class() {
        let label = |folders: &[&str]| label(folders).0;
        assert_eq!(label(&["0-nothing", "1-right", "3-gas"]), [0, 1, 3]);
        assert_eq!(label(&["0", "10", "2"]), [0, 10, 2]);
        assert_eq!(label(&["00_a", "01_b"]), [0, 1]);
        // Not numbered from 0, numbered twice, or not all numbered: byte-wise order.
        assert_eq!(label(&["1", "2", "10"]), [0, 2, 1]);
        assert_eq!(label(&["0-a", "0-b"]), [0, 1]);
        assert_eq!(label(&["0", "cat"]), [0, 1]);
        assert_eq!(label(&["0", "20261123"]), [0, 1]);
        assert_eq!(super::label(&["0-nothing", "2-left"]).1, ["0-nothing", "1", "2-left"]);
    }
}
