//! Which room stands upon which, and that no files need each other in a circle.

use std::collections::{BTreeMap, BTreeSet};

use crate::scan::{File, sources};

/// The rooms of `src/`, the lowest first: each may name those before it.
const ROOMS: &[&str] = &[
    "error",
    "clock",
    "figures",
    "random",
    "progress",
    "crew",
    "shelf",
    "vocabulary",
    "statistics",
    "report",
    "graph",
    "kernels",
    "onnx",
    "score",
    "runtime",
    "data",
    "measure",
    "quantize",
    "train",
    "drive",
    "lab",
    "web",
    "page",
    "cli",
    "bin",
];

/// Files that may need each other, and why.
const CIRCLES: &[(&[&str], &str)] = &[
    (
        &["data/archive", "data/dataset", "data/images", "data/npy", "data/npz", "data/tree"],
        "a set picks the format by the file's content, and each format gives a set",
    ),
    (&["page/state/data", "page/state/queue"], "parts of one reducer"),
    (&["page/state/run", "page/state/search"], "parts of one reducer"),
    (
        &["quantize/correct", "quantize/post_training", "quantize/walk"],
        "correcting walks over what post-training quantization has prepared, and is a step of it",
    ),
    (
        &["runtime/operators/integer", "runtime/operators/matrix"],
        "a product of integers with and without a scale behind it",
    ),
    (
        &[
            "runtime/program",
            "runtime/program/constant",
            "runtime/program/meaning",
            "runtime/program/memory",
            "runtime/tract",
        ],
        "a program runs operators of tract's, which take the elements that it holds",
    ),
    (
        &[
            "train/batch_norm",
            "train/builder",
            "train/feature",
            "train/layer",
            "train/network",
            "train/operator",
            "train/round",
            "train/weight_grid",
            "train/weights",
            "train/workbench",
        ],
        "layers compile themselves with the builder and run on the workbench, which both know the network",
    ),
    (
        &["train/course", "train/crew", "train/start", "train/trainer"],
        "the trainer runs a course by its crew, and both name what it trains",
    ),
];

/// A module by its path below the crate: `["quantize", "recipe"]`.
type Module = Vec<String>;

/// The sources as modules, and who names whom.
struct Tree {
    modules: BTreeSet<Module>,
    /// By module and name: the path that a `pub use` gives it.
    exports: BTreeMap<(Module, String), Vec<String>>,
    /// By module: the modules that it names, each with the first line that does.
    edges: BTreeMap<Module, BTreeMap<Module, usize>>,
}

impl Tree {
    fn of(files: &[File]) -> Self {
        let modules: BTreeSet<Module> = files.iter().map(module).collect();
        let mut tree = Self { modules, exports: BTreeMap::new(), edges: BTreeMap::new() };
        for file in files {
            for mention in file.paths(true).into_iter().filter(|mention| mention.exported) {
                let path = mention.path.0;
                if let Some(name) = path.last() {
                    tree.exports.insert((module(file), name.clone()), path);
                }
            }
        }
        for file in files {
            let own = module(file);
            let mut edges = BTreeMap::new();
            for mention in file.paths(true) {
                let named = tree.defining(&own, &mention.path.0, 0);
                // A module is made of those below it; what its root says is none of their business.
                if let Some(named) = named.filter(|named| !named.starts_with(&own)) {
                    edges.entry(named).or_insert(mention.line);
                }
            }
            tree.edges.insert(own, edges);
        }
        tree
    }

    /// The module in which `path` is defined, as `own` names it; `None` if it is not of this crate.
    fn defining(&self, own: &Module, path: &[String], depth: usize) -> Option<Module> {
        let supers = path.iter().take_while(|part| *part == "super").count();
        let (mut at, rest) = match path.first().map(String::as_str)? {
            "crate" | "steer8" => (Vec::new(), &path[1..]),
            "super" => (own[..own.len().checked_sub(supers)?].to_vec(), &path[supers..]),
            "self" => (own.clone(), &path[1..]),
            // A module below names itself without any of these.
            first => {
                let below = [&own[..], &[first.to_owned()]].concat();
                (self.modules.contains(&below).then(|| own.clone())?, path)
            }
        };
        for part in rest {
            let below = [&at[..], std::slice::from_ref(part)].concat();
            if self.modules.contains(&below) {
                at = below;
                continue;
            }
            // A circle of exports is no Rust.
            if let Some(path) = self.exports.get(&(at.clone(), part.clone())).filter(|_| depth < 8)
            {
                return self.defining(&at, path, depth + 1).or(Some(at));
            }
            break;
        }
        (!at.is_empty()).then_some(at)
    }

    fn upward(&self) -> Vec<String> {
        let rank = |module: &Module| ROOMS.iter().position(|room| *room == module[0]);
        let edges = self.edges.iter().flat_map(|(from, to)| to.iter().map(move |to| (from, to)));
        let up = edges.filter(|(from, (to, _))| !from.is_empty() && rank(to) > rank(from));
        up.map(|(from, (to, line))| format!("{}:{line} names {}", from.join("/"), to.join("/")))
            .collect()
    }

    /// The files that need each other: strongly connected, more than one.
    fn circles(&self) -> BTreeSet<Vec<String>> {
        let reach: BTreeMap<&Module, BTreeSet<&Module>> =
            self.edges.keys().map(|module| (module, self.reached(module))).collect();
        let circle = |own: &Module| -> Vec<String> {
            let others = reach[own]
                .iter()
                .filter(|other| reach.get(**other).is_some_and(|reached| reached.contains(own)));
            others.map(|module| module.join("/")).collect()
        };
        self.edges.keys().map(circle).filter(|circle| circle.len() > 1).collect()
    }

    fn reached(&self, from: &Module) -> BTreeSet<&Module> {
        let mut reached = BTreeSet::new();
        let mut pending: Vec<&Module> = self.edges[from].keys().collect();
        while let Some(module) = pending.pop() {
            if reached.insert(module) {
                pending.extend(self.edges.get(module).into_iter().flat_map(BTreeMap::keys));
            }
        }
        reached
    }
}

fn module(file: &File) -> Module {
    let path = file.name.trim_end_matches(".rs");
    if path == "lib" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

#[test]
fn no_room_names_one_above_it() {
    let tree = Tree::of(&sources());
    let unplaced: BTreeSet<&String> = tree.modules.iter().filter_map(|m| m.first()).collect();
    let unplaced: Vec<_> = unplaced.iter().filter(|room| !ROOMS.contains(&room.as_str())).collect();
    assert!(unplaced.is_empty(), "no place among the rooms: {unplaced:?}");
    let upward = tree.upward();
    assert!(upward.is_empty(), "upward:\n{}", upward.join("\n"));
}

#[test]
fn files_need_each_other_only_where_it_is_allowed() {
    let allowed: BTreeSet<Vec<String>> = CIRCLES
        .iter()
        .map(|(files, _)| files.iter().map(|file| (*file).to_owned()).collect())
        .collect();
    let found = Tree::of(&sources()).circles();
    let fresh: Vec<_> = found.difference(&allowed).collect();
    assert!(fresh.is_empty(), "circles that are not allowed: {fresh:#?}");
    let gone: Vec<_> = allowed.difference(&found).collect();
    assert!(gone.is_empty(), "no circles any more, so take them off the list: {gone:#?}");
}

/// Made-up sources, each by its name.
fn tree(files: &[(&str, &str)]) -> Tree {
    let file = |(name, text): &(&str, &str)| File { name: (*name).into(), text: (*text).into() };
    Tree::of(&files.iter().map(file).collect::<Vec<_>>())
}

#[test]
fn an_import_that_goes_upward_is_found_however_it_is_written() {
    let rooms =
        [("quantize.rs", "mod recipe;\npub use recipe::Recipe;\n"), ("quantize/recipe.rs", "")];
    for text in [
        "use crate::quantize::recipe::Recipe;",
        "fn f(r: &crate::quantize::Recipe) {}",
        "use super::super::quantize::{Recipe};",
        "use crate::quantize::recipe::*;",
    ] {
        let tree = tree(&[rooms[0], rooms[1], ("runtime/lower.rs", text)]);
        assert_eq!(tree.upward(), ["runtime/lower:1 names quantize/recipe"], "{text}");
    }
    let tests = "#[cfg(test)]\nmod tests { use crate::quantize::Recipe; }";
    let fine = tree(&[
        rooms[0],
        rooms[1],
        ("runtime/lower.rs", tests),
        ("train.rs", "use crate::quantize::Recipe;"),
    ]);
    assert!(fine.upward().is_empty(), "{:?}", fine.upward());
}

#[test]
fn a_circle_is_found_through_a_re_export_and_a_parent_is_none() {
    let root = ("train.rs", "mod a;\nmod b;\npub use a::A;\npub struct Own;\n");
    let circle = tree(&[root, ("train/a.rs", "use super::b::B;"), ("train/b.rs", "use super::A;")]);
    assert_eq!(circle.circles(), [vec!["train/a".to_owned(), "train/b".to_owned()]].into());
    let none = tree(&[root, ("train/a.rs", "use super::Own;"), ("train/b.rs", "use super::A;")]);
    assert!(none.circles().is_empty(), "{:?}", none.circles());
}
