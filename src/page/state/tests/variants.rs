//! Variants beside one another.

use super::*;
use crate::page::table::{self, Format};
use crate::vocabulary::report::FrameClasses;

pub(super) fn bits(weight_bits: u32) -> Recipe {
    Recipe { weight_bits, ..Recipe::default() }
}

/// The chosen network quantized at each of these widths.
pub(super) fn bench_of(widths: &[u32]) -> Bench {
    let mut bench = Bench::open();
    for &width in widths {
        bench.set_recipe(bits(width));
        bench.run();
    }
    bench
}

pub(super) fn change(bench: &mut Bench, model: &str, change: ColumnChange) {
    bench.act(Action::ChangeColumn { model: model.into(), change });
    bench.work();
}

fn undo(bench: &mut Bench) {
    bench.act(Action::ChangeTable(TableChange::Undo));
    bench.work();
}

/// What the worker was told to load or to forget since.
fn asked(bench: &Bench) -> Vec<String> {
    let of = |request: &Request| match request {
        Request::LoadModel { model, .. } => Some(format!("load {model}")),
        Request::Forget { model } => Some(format!("forget {model}")),
        _ => None,
    };
    bench.sent.iter().filter_map(|(_, request)| of(request)).collect()
}

#[test]
fn every_recipe_gets_a_column_and_the_same_again_none() {
    let mut bench = bench_of(&[8, 4, 3, 4]);
    assert_eq!(bench.columns(), ["plain", "plain-int8", "plain-int8-2", "plain-int8-3"]);
    assert_eq!(bench.compared("plain"), ["plain", "plain-int8-2"], "the last that was made");
    bench.act(Action::MeasureAll);
    bench.work();
    assert_eq!(bench.compared("plain").len(), 4, "all are timed in turns");
    assert_eq!(bench.state.job, None);

    // What was meant is what is driven, taken home and compared.
    bench.act(Action::OpenVariant("plain-int8-3".into()));
    assert_eq!(
        (bench.state.recipe.weight_bits, &*bench.state.made["plain"].id),
        (3, "plain-int8-3")
    );

    let mut restart = bench_of(&[8, 4]);
    restart.act(Action::Run);
    restart.act(Action::CancelRun);
    restart.act(Action::WorkerLost { error: Error::new("lost"), started: true });
    assert!(asked(&restart).contains(&"load plain-int8".to_owned()), "all of them come back");
}

#[test]
fn a_file_of_others_stands_beside_its_reference() {
    let mut bench = bench_of(&[8]);
    bench.select("theirs");
    bench.run();
    assert_eq!(bench.columns(), ["plain", "plain-int8", "theirs"]);
    bench.select("plain");
    assert_eq!(bench.columns().len(), 3, "from there, too");
    bench.select("small");
    assert!(bench.columns().is_empty());
}

#[test]
fn columns_are_renamed_hidden_pinned_removed_and_brought_back() {
    let mut bench = bench_of(&[8, 4, 3]);
    change(&mut bench, "plain-int8", ColumnChange::Rename(" mine ".into()));
    assert_eq!(bench.state.title("plain-int8"), "mine");
    change(&mut bench, "plain-int8-2", ColumnChange::Hide);
    change(&mut bench, "plain-int8-3", ColumnChange::Pin);
    assert_eq!(
        bench.columns(),
        ["plain-int8-3", "plain", "plain-int8"],
        "the baseline comes first"
    );
    bench.act(Action::MeasureAll);
    bench.work();
    assert_eq!(
        bench.compared("plain"),
        ["plain", "plain-int8", "plain-int8-3"],
        "hidden, it waits"
    );

    bench.act(Action::ChangeColumn { model: "plain-int8-3".into(), change: ColumnChange::Remove });
    assert_eq!(asked(&bench), ["forget plain-int8-3"]);
    bench.work();
    assert_eq!(bench.columns(), ["plain", "plain-int8"]);
    assert_eq!(bench.made_by("plain"), &bits(4), "the last that is left is meant");
    bench.act(Action::ChangeTable(TableChange::Undo));
    assert_eq!(asked(&bench), ["load plain-int8-3"]);
    bench.work();
    assert_eq!(bench.columns()[0], "plain-int8-3");
    for _ in 0..3 {
        undo(&mut bench);
    }
    assert_eq!(bench.columns(), ["plain", "plain-int8", "plain-int8-2", "plain-int8-3"]);
    assert_eq!(bench.state.title("plain-int8"), "Plain, int8 made here");
    assert!(!bench.state.bench().expect("it was compared").can_undo());

    change(&mut bench, "plain", ColumnChange::Remove);
    assert_eq!(bench.columns().len(), 4, "without the network itself there is nothing");
}

#[test]
fn closing_a_network_takes_its_variants_along() {
    let mut bench = Bench::open();
    bench.act(Action::OpenModels(vec![file("mine.onnx")]));
    bench.work();
    bench.run();
    assert_eq!(bench.columns(), ["opened-1", "opened-1-int8"]);
    bench.act(Action::CloseModel("opened-1".into()));
    assert!(!bench.state.variants.contains_key("opened-1"));
    bench.act(Action::WorkerLost { error: Error::new("lost"), started: true });
    assert!(!asked(&bench).iter().any(|load| load.contains("opened")), "{:?}", asked(&bench));
}

#[test]
fn all_that_are_shown_drive_the_same_tracks() {
    let mut bench = bench_of(&[8]);
    bench.act(Action::DriveAll);
    let task = bench.work_until(|request| matches!(request, Request::Drive { .. }));
    let Request::Drive { models, .. } = &*bench.sent[0].1 else { unreachable!("it drives") };
    assert_eq!(*models, ["plain", "plain-int8"]);
    let mut all = drives("plain");
    all.results.push(Driven { mean: 700.0, ..all.results[0].clone() });
    bench.act(Action::Heard { task, event: Box::new(Event::Driven { drives: all }) });
    let row = table::rows(&bench.state.columns()).into_iter().find(|row| row.kind == "return");
    let exact: Vec<_> = row.expect("a row").cells.into_iter().flatten().map(|c| c.exact).collect();
    assert_eq!((exact, bench.state.job.clone()), (vec![850.0, 700.0], None));
}

#[test]
fn answers_to_other_frames_are_told_apart() {
    let mut bench = bench_of(&[8]);
    let (role, name) = (Role::Validation, "other.npz".to_owned());
    bench.act(Action::OpenData { role, name, files: vec![file("other.npz").into()] });
    bench.work();
    bench.set_recipe(bits(4));
    bench.run();
    let on = |bench: &Bench| -> Vec<usize> {
        bench.state.columns().iter().map(|column| column.frames).collect()
    };
    let [float, before, now] = on(&bench)[..] else { panic!("{:?}", bench.columns()) };
    assert!(float == now && before != now);
    // The bundled ones are the same whenever they are measured on.
    bench.act(Action::UseBundledData(Role::Validation));
    bench.deliver();
    bench.work();
    bench.run();
    assert_eq!(on(&bench), [before; 3]);
}

#[test]
fn the_table_is_taken_away_as_text() {
    let mut bench = bench_of(&[8]);
    change(&mut bench, "plain-int8", ColumnChange::Rename("a, \"b\" | c".into()));
    for format in [Format::Markdown, Format::Csv, Format::Json] {
        bench.act(Action::Copy(Copy::Table(format)));
    }
    let [markdown, csv, json] = &bench.copied[..] else { panic!("{:?}", bench.copied) };
    assert!(
        markdown.starts_with("| | Plain | a, \"b\" \\| c |\n| :-- | --: | --: |\n"),
        "{markdown}"
    );
    assert!(markdown.contains("| Top-1 accuracy | 100.00 % (90.00 to 100.00) |"), "{markdown}");
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("name,variant,accuracy,accuracy-low,accuracy-high,"), "{csv}");
    assert!(lines[2].starts_with("\"a, \"\"b\"\" | c\",int8,1,0.9,1,"), "{csv}");
    let json: serde_json::Value = serde_json::from_str(json).expect("it is JSON");
    assert_eq!(json["results"][1]["accuracy"]["n"], 20);
    bench.act(Action::Copy(Copy::CommandOf(1)));
    assert!(bench.copied[3].starts_with("steer8 quantize models/networks/plain.onnx"));
}

/// A page on whose frames two variants have answered, each otherwise.
fn answered() -> Bench {
    let mut bench = Bench::open();
    bench.act(Action::Run);
    bench.deliver();
    let task = bench.work_until(|request| matches!(request, Request::Compare { .. }));
    let labels: Vec<u16> = (0..20).map(|frame| frame % 2).collect();
    let mut answers = vec![labels.clone(); 2];
    (answers[0][3], answers[1][3], answers[1][7]) = (0, 0, 0);
    let event = Event::Compared {
        reports: vec![report("plain"), report("plain-int8")],
        verdict: String::new(),
        series: Vec::new(),
        classes: Some(FrameClasses { labels: Some(labels), answers }),
    };
    bench.act(Action::Heard { task, event: Box::new(event) });
    bench.work();
    bench
}

#[test]
fn frames_are_sifted_by_what_is_right_and_what_is_said() {
    let mut bench = answered();
    let mut wanted = |filter: Filter| {
        bench.act(Action::SetFilter(filter));
        bench.state.wanted_frames()
    };
    let of = |wanted| Filter { wanted, ..Filter::default() };
    assert_eq!(wanted(of(Wanted::All)).len(), 20);
    assert_eq!(wanted(of(Wanted::Mistakes)), [3, 7], "of the last that was measured");
    assert_eq!(wanted(Filter { of: Some("plain".into()), ..of(Wanted::Mistakes) }), [3]);
    assert_eq!(wanted(of(Wanted::Disagreement)), [7]);
    let (label, says) = (Some(1), Some(("plain-int8".to_owned(), 0)));
    assert_eq!(wanted(Filter { label, says, ..Filter::default() }), [3, 7], "a confusion's cell");
    assert_eq!(wanted(Filter { label: Some(0), ..Filter::default() }).len(), 10);
}

#[test]
fn of_the_grid_only_what_is_in_view_is_asked_for() {
    let pictures = |bench: &Bench| -> Vec<Vec<usize>> {
        let of = |request: &Request| match request {
            Request::Frames { indices } => Some(indices.clone()),
            _ => None,
        };
        bench.sent.iter().filter_map(|(_, request)| of(request)).collect()
    };
    let mut bench = answered();
    bench.act(Action::SeeWindow { first: 0, count: 4 });
    assert!(pictures(&bench).is_empty(), "nobody is there");
    bench.act(Action::ShowFiltered(Filter { wanted: Wanted::Mistakes, ..Filter::default() }));
    assert_eq!(pictures(&bench), [[3, 7]]);
    bench.act(Action::SetFilter(Filter::default()));
    bench.act(Action::SeeWindow { first: 4, count: 4 });
    assert_eq!(pictures(&bench).len(), 1, "one request at a time");
    bench.work_once();
    assert_eq!(pictures(&bench), [[4, 5, 6]], "what is in view now and not here");
    bench.work();

    bench.act(Action::OpenFrame(Some(15)));
    bench.work();
    assert!(bench.state.grid.pictures.contains_key(&15));
    assert_eq!(bench.state.grid.answers.len(), 2, "every variant says something");
    let (role, name) = (Role::Validation, "other.npz".to_owned());
    bench.act(Action::OpenData { role, name, files: vec![file("other.npz").into()] });
    bench.work();
    assert_eq!(bench.state.grid.opened, None, "it is no frame of these");
}

/// What a page without anything but what the browser has kept comes to.
fn opened_again(bench: &Bench) -> Bench {
    let mut again = Bench::open();
    again.act(Action::VariantsRecalled(bench.shelf.values().cloned().collect()));
    again.work();
    again
}

#[test]
fn a_reload_loses_no_variant() {
    let mut bench = bench_of(&[8, 4]);
    change(&mut bench, "plain-int8-2", ColumnChange::Rename("four".into()));
    assert_eq!((bench.shelf.len(), bench.state.kept.count()), (3, 3));
    let mut again = opened_again(&bench);
    let names: Vec<String> = again.state.columns().into_iter().map(|column| column.name).collect();
    assert_eq!(names, ["Plain", "int8 by default", "four"]);
    assert!(again.state.columns().iter().all(|column| column.report.is_some()));
    assert_eq!(again.made_by("plain"), &bits(4));
    // The same again is no other column, and what was timed before is not timed with it.
    again.set_recipe(bits(8));
    again.run();
    again.set_recipe(bits(3));
    again.run();
    assert_eq!(again.columns(), ["plain", "plain-int8", "plain-int8-2", "plain-int8-3"]);
    let runs: Vec<usize> = again.state.columns().iter().map(|column| column.run).collect();
    assert_eq!(runs[0], runs[3]);
    assert!(runs[2] < runs[1] && runs[1] < runs[3], "{runs:?}");
    again.act(Action::MeasureAll);
    again.work();
    assert_eq!(again.state.notices, []);
}

/// What the browser has kept, as a page before views were kept had written it.
fn written_before(shelf: &BTreeMap<String, SavedVariant>) -> Vec<SavedVariant> {
    let older = |saved: &SavedVariant| {
        let mut json = serde_json::to_value(saved).expect("it is JSON");
        let fields = json.as_object_mut().expect("a record");
        for field in ["view", "opened", "trained_on", "archives"] {
            assert!(fields.remove(field).is_some(), "{field}");
        }
        if let Some(measured) = fields.get_mut("measured").and_then(|own| own.as_object_mut()) {
            measured.remove("times");
        }
        serde_json::from_value(json).expect("an older page has written it")
    };
    shelf.values().map(older).collect()
}

#[test]
fn a_reload_leaves_the_table_as_it_was() {
    let mut bench = bench_of(&[8, 4, 3]);
    change(&mut bench, "plain-int8-2", ColumnChange::Hide);
    change(&mut bench, "plain-int8-3", ColumnChange::Pin);
    bench.act(Action::ChangeTable(TableChange::Sort("accuracy".into())));
    bench.act(Action::ChangeTable(TableChange::OnlyDifferences(true)));
    let left = |bench: &Bench| {
        let table = bench.state.bench().expect("something is compared").clone();
        let columns = bench.columns().into_iter().map(str::to_owned).collect::<Vec<_>>();
        (columns, table.hidden(), table.sorted_by.clone(), table.only_differences)
    };
    let again = opened_again(&bench);
    assert_eq!(left(&again), left(&bench));
    assert_eq!((left(&again).0[0].as_str(), left(&again).1), ("plain-int8-3", 1));
    assert!(!again.state.bench().expect("it was compared").can_undo());

    // What is taken back is kept as well, names too.
    change(&mut bench, "plain-int8", ColumnChange::Rename("mine".into()));
    for _ in 0..3 {
        undo(&mut bench);
    }
    let again = opened_again(&bench);
    assert_eq!((left(&again).0.len(), left(&again).1), (4, 0));
    assert_ne!(again.state.title("plain-int8"), "mine");

    let mut older = Bench::open();
    older.act(Action::VariantsRecalled(written_before(&bench.shelf)));
    older.work();
    assert_eq!(older.columns(), ["plain", "plain-int8", "plain-int8-2", "plain-int8-3"]);
    assert_eq!(older.state.notices, []);
}

#[test]
fn a_file_of_others_comes_back_to_its_column() {
    let mut bench = bench_of(&[8]);
    bench.act(Action::OpenModels(vec![file("other.onnx"), file("theirs.onnx")]));
    bench.work();
    bench.run();
    assert_eq!(bench.columns(), ["plain", "plain-int8", "opened-2"]);
    change(&mut bench, "opened-2", ColumnChange::Rename("theirs".into()));
    change(&mut bench, "opened-2", ColumnChange::Pin);
    let networks: Vec<_> = bench.own_networks.values().cloned().collect();
    let recall = |again: &mut Bench| {
        for saved in networks.clone() {
            again.act(Action::NetworkRecalled(Box::new(saved)));
        }
        again.work();
    };
    // Whichever of the browser's stores answers first.
    let mut early = Bench::open();
    recall(&mut early);
    early.act(Action::VariantsRecalled(bench.shelf.values().cloned().collect()));
    early.work();
    let mut late = opened_again(&bench);
    assert_eq!(late.columns(), ["plain", "plain-int8"]);
    recall(&mut late);
    for again in [&early, &late] {
        let columns = again.state.columns();
        let names: Vec<_> = columns.iter().map(|column| &*column.name).collect();
        assert_eq!(names, ["theirs", "Plain", "int8 by default"], "from it, as it was left");
        let runs: Vec<_> = columns.iter().map(|column| column.run).collect();
        assert!(
            columns[0].report.is_some() && runs[0] == runs[1] && runs[0] != runs[2],
            "{runs:?}"
        );
        assert_eq!(again.state.selected.as_deref(), Some("plain"), "nobody has chosen it");
    }

    change(&mut bench, "opened-2", ColumnChange::Remove);
    assert_eq!(bench.shelf.len(), 2);
    undo(&mut bench);
    assert_eq!(bench.shelf.len(), 3);
}

#[test]
fn a_kept_variant_waits_for_its_network_and_is_forgotten_when_told() {
    let mut bench = Bench::open();
    bench.act(Action::OpenModels(vec![file("mine.onnx")]));
    bench.work();
    bench.run();
    let mut again = opened_again(&bench);
    assert_eq!((again.state.kept.count(), again.columns().len()), (2, 0));
    again.act(Action::OpenModels(vec![file("mine.onnx")]));
    again.work();
    assert_eq!(again.columns(), ["opened-1", "opened-1-int8"]);

    change(&mut bench, "opened-1-int8", ColumnChange::Remove);
    assert_eq!(bench.shelf.len(), 1);
    undo(&mut bench);
    assert_eq!(bench.shelf.len(), 2);
    bench.act(Action::ForgetKept);
    assert_eq!((bench.shelf.len(), bench.state.kept.count(), bench.columns().len()), (0, 0, 2));
    bench.act(Action::VariantsUnread(2));
    assert!(bench.told()[0].contains("another version"));
}
