//! The page's table of `data-testid`s, in the documentation of `src/page.rs`, against its sources.

use std::collections::BTreeSet;

use crate::scan::sources;

/// Names that the sources write as they stand, and starts of those that they put together.
#[derive(Debug, Default, PartialEq)]
struct Names {
    whole: BTreeSet<String>,
    starts: BTreeSet<String>,
}

impl Names {
    fn add(&mut self, name: &str) {
        match name.split_once('{') {
            None => self.whole.insert(name.into()),
            Some(("", _)) => false,
            Some((start, _)) => self.starts.insert(start.into()),
        };
    }

    /// What a source gives elements and components as their `testid`.
    fn written(source: &str) -> Self {
        let mut names = Self::default();
        for behind in source.split("testid").skip(1) {
            let Some(value) = behind.strip_prefix('=').or(behind.strip_prefix(": ")) else {
                continue;
            };
            let value = value.trim_start_matches(['{', '&']);
            let value = value.strip_prefix("format!(").unwrap_or(value);
            if let Some((name, _)) = value.strip_prefix('"').and_then(|text| text.split_once('"')) {
                names.add(name);
            }
        }
        names
    }

    /// What stands in backticks in the rows of the table; of them, the first columns' alone.
    fn told(documentation: &str) -> [Self; 2] {
        let mut told = [Self::default(), Self::default()];
        for row in documentation.lines().filter_map(|line| line.strip_prefix("//! | ")) {
            let first = row.split(" | ").next().unwrap_or_default();
            for (names, text) in told.iter_mut().zip([row, first]) {
                text.split('`').skip(1).step_by(2).for_each(|name| names.add(name));
            }
        }
        told
    }

    /// Whether some name that it tells starts so.
    fn starts(&self, start: &str) -> bool {
        self.starts.contains(start) || self.whole.iter().any(|name| name.starts_with(start))
    }

    fn tells(&self, name: &str) -> bool {
        self.whole.contains(name) || self.starts.iter().any(|start| name.starts_with(start))
    }
}

#[test]
fn the_table_of_testids_tells_what_the_views_write() {
    let sources = sources();
    let page = sources.iter().find(|file| file.name == "page.rs").expect("src/page.rs is there");
    let [told, first] = Names::told(&page.text);
    let inside = || sources.iter().filter(|file| file.is_in("page/"));
    let mut untold = BTreeSet::new();
    for file in inside() {
        let Names { whole, starts } = Names::written(&file.text);
        let whole = whole.into_iter().filter(|name| !told.tells(name));
        let starts = starts.into_iter().filter(|start| !told.starts(start));
        untold.extend(whole.chain(starts).map(|name| format!("{}: `{name}`", file.name)));
    }
    assert!(untold.is_empty(), "not in the table of src/page.rs: {untold:#?}");
    // Put together of a start, or an end, and what stands for the rest.
    let is_written = |name: &str| {
        let dashes = name.match_indices('-').map(|(at, _)| at);
        let parts =
            dashes.map(|at| [format!("\"{}-{{", &name[..at]), format!("}}{}\"", &name[at..])]);
        let ways: Vec<String> = parts.flatten().chain([format!("\"{name}\"")]).collect();
        // The rows of the comparison are called by the list of figures.
        let figures = sources.iter().filter(|file| file.name == "report/figure.rs");
        inside().chain(figures).any(|file| ways.iter().any(|way| file.text.contains(way)))
    };
    let gone: Vec<&String> = first.whole.iter().filter(|name| !is_written(name)).collect();
    assert!(gone.is_empty(), "in the table of src/page.rs, but nowhere else: {gone:#?}");
}

#[test]
fn names_are_found_however_they_are_written() {
    let names = Names::written(
        "<p data-testid=\"a-b\" /> testid: \"c\", data-testid={format!(\"d-{id}\")} testid={x}",
    );
    assert_eq!(names.whole, ["a-b", "c"].map(String::from).into());
    assert_eq!(names.starts, ["d-"].map(String::from).into());
    let [told, first] = Names::told("//! | `a`, `d-{id}` | in it `c` | `data-x` |\n//! `e`\n");
    assert!(told.tells("a") && told.tells("c") && told.tells("d-1") && !told.tells("e"));
    assert!(first.tells("a") && !first.tells("c"));
}
