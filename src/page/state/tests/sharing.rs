//! What is handed on: files, and links that make them again.

use super::variants::{bench_of, bits, change};
use super::*;
use crate::page::link::Link;
use crate::report::node_data::Told;

fn saved(bench: &Bench, at: usize) -> (&str, &str) {
    let file = &bench.saved[at];
    (&file.name, std::str::from_utf8(&file.bytes).expect("it is text"))
}

/// What a link of all variants says.
fn link_of(bench: &mut Bench) -> String {
    bench.act(Action::Copy(Copy::LinkOfAll));
    bench.copied.last().cloned().expect("it is copied")
}

fn fates(bench: &Bench) -> &[Fate] {
    &bench.state.sharing.as_ref().expect("a link was opened").fates
}

#[test]
fn what_is_compared_is_saved_under_the_names_it_has() {
    let mut bench = bench_of(&[8, 4]);
    change(&mut bench, "plain-int8-2", ColumnChange::Rename("mine".into()));
    for what in [Export::Html, Export::Markdown, Export::Csv] {
        bench.act(Action::Export(what));
    }
    let (name, html) = saved(&bench, 0);
    assert_eq!(name, "plain-report.html");
    assert!(html.starts_with("<!doctype html>") && html.contains("mine"), "{html}");
    assert!(html.contains("steer8 quantize models/networks/plain.onnx"), "what makes it again");
    let (name, csv) = saved(&bench, 2);
    assert!(csv.starts_with("figure,Plain,int8 by default,mine\r\n"), "{name}: {csv}");

    bench.act(Action::Export(Export::Recipe("plain-int8-2".into())));
    let (name, json) = saved(&bench, 3);
    assert_eq!((name, json), ("plain-int8-recipe.json", r#"{"version":1,"weight_bits":4}"#));
    bench.act(Action::Export(Export::Times("plain".into())));
    assert!(saved(&bench, 4).1.contains("\"Milliseconds\""));
    bench.act(Action::Export(Export::Damage(Told::Sqnr)));
    assert_eq!(bench.saved.len(), 5, "nothing was analysed");
    bench.act(Action::Export(Export::Overrides("plain-int8".into())));
    bench.work();
    assert_eq!(saved(&bench, 5), ("plain-int8-overrides.json", "{}\n"));
}

#[test]
fn a_recipe_and_overrides_are_opened() {
    let mut bench = Bench::open();
    let mut open = |json: &str| {
        let bytes = ByteBuf::from(json.as_bytes());
        bench.act(Action::OpenRecipe(File { name: "it.json".into(), bytes }));
        bench.work();
        (bench.state.recipe.clone(), bench.state.notices.len())
    };
    assert_eq!(open(r#"{"weight_bits":4}"#), (bits(4), 0));
    let (recipe, _) = open(r#"{"input":[{"quant_type":"QInt8","rmin":-1.0,"rmax":1.0}]}"#);
    assert_eq!(recipe.ranges["input"], [[-1.0, 1.0]]);
    assert_eq!(recipe.weight_bits, 4, "the rest stays");
    assert_eq!(open(r#"{"other":[{"quant_type":"QInt8"}]}"#).1, 1, "there is no such tensor");
    assert_eq!(open("[]").1, 2);
    assert!(bench.told()[1].contains("not a recipe"));
}

#[test]
fn a_link_makes_all_variants_again_and_compares_their_bytes() {
    let mut bench = bench_of(&[8, 4, 3]);
    change(&mut bench, "plain-int8-2", ColumnChange::Rename("four".into()));
    change(&mut bench, "plain-int8-3", ColumnChange::Pin);
    bench.act(Action::ChangeTable(TableChange::Sort("accuracy".into())));
    bench.act(Action::Go(Place::Compare));
    let link = link_of(&mut bench);
    assert!(link.starts_with("place=compare&"), "{link}");

    let mut again = Bench::default();
    again.act(Action::OpenLink(link.clone()));
    again.arrive();
    again.deliver();
    again.work();
    again.deliver();
    again.work();
    assert_eq!(fates(&again), vec![Fate::Same; 3], "{:?}", again.told());
    assert_eq!(again.columns(), ["plain-int8-3", "plain", "plain-int8", "plain-int8-2"]);
    assert_eq!(again.state.title("plain-int8-2"), "four");
    let sorted = |bench: &Bench| bench.state.bench().and_then(|table| table.sorted_by.clone());
    assert_eq!(sorted(&again), Some(("accuracy".into(), false)));
    assert_eq!(again.compared("plain").len(), 4, "they are put side by side once");
    assert_eq!((again.state.job.clone(), again.state.place), (None, Place::Compare));
    let address = again.address.clone().unwrap_or_default();
    assert!(!address.contains("variants="), "done, it is in the address no more: {address}");

    // What is here already is not made again.
    let mut here = bench_of(&[8, 4, 3]);
    here.act(Action::OpenLink(link.clone()));
    assert_eq!((fates(&here).len(), here.sent.len()), (3, 0));
    assert_eq!(here.state.sharing.as_ref().map(|sharing| sharing.same()), Some(3));

    // Of other bytes it says so.
    let mut parsed = Link::parse(&link).expect("it is a link");
    let mut shared = parsed.shared.as_deref().cloned().expect("it has variants");
    shared.variants[1].sha256 = "00".repeat(32);
    parsed.shared = Some(Rc::new(shared));
    here.act(Action::OpenLink(parsed.fragment()));
    here.work();
    let Fate::Other(sha256) = &fates(&here)[1] else { panic!("{:?}", fates(&here)) };
    assert_ne!(*sha256, "00".repeat(32));
}

#[test]
fn what_a_link_has_of_ones_own_is_asked_for() {
    let mut bench = Bench::open();
    bench.act(Action::OpenModels(vec![file("mine.onnx")]));
    bench.work();
    let own = |bench: &mut Bench, name: &str| {
        let (role, files) = (Role::Calibration, vec![file(name).into()]);
        bench.act(Action::OpenData { role, name: name.into(), files });
        bench.work();
    };
    own(&mut bench, "tub.zip");
    bench.run();
    let link = link_of(&mut bench);

    let mut again = Bench::default();
    again.act(Action::OpenLink(link));
    again.arrive();
    again.select("theirs");
    let asks = |bench: &Bench| -> Vec<String> {
        let name = |asked| match asked {
            Asked::Network(named) | Asked::File(named) => named.name,
            Asked::Calibration(named) | Asked::Training(named) => named.name,
        };
        bench.state.asked().into_iter().map(name).collect()
    };
    assert_eq!(asks(&again), ["mine", "tub.zip"]);
    again.act(Action::OpenModels(vec![file("mine.onnx")]));
    again.work();
    own(&mut again, "other.zip");
    assert_eq!(asks(&again), ["tub.zip"], "by what is in it");
    own(&mut again, "tub.zip");
    assert_eq!((asks(&again).len(), fates(&again)), (0, &[Fate::Same][..]));
}

#[test]
fn frames_that_a_links_variants_were_trained_on_are_asked_for() {
    let own = |bench: &mut Bench, name: &str| {
        let (role, files) = (Role::Training, vec![file(name).into()]);
        bench.act(Action::OpenData { role, name: name.into(), files });
        bench.deliver();
        bench.work();
    };
    let mut bench = Bench::open();
    own(&mut bench, "laps.zip");
    bench.act(Action::Train);
    bench.deliver();
    bench.work();
    // It is known what it was trained on, be that open or not, and in the next visit, too.
    bench.act(Action::UseBundledData(Role::Training));
    let mut next = Bench::open();
    next.act(Action::VariantsRecalled(bench.shelf.values().cloned().collect()));
    next.work();
    let link = link_of(&mut next);

    let mut again = Bench::default();
    again.act(Action::OpenLink(link));
    again.arrive();
    again.deliver();
    again.work();
    let asks = |bench: &Bench| bench.state.asked();
    let [Asked::Training(named)] = &asks(&again)[..] else { panic!("{:?}", asks(&again)) };
    assert_eq!((&*named.name, &*named.sha256), ("laps.zip", &*hash("laps.zip")));
    assert_eq!(fates(&again), [Fate::Same, Fate::Waiting], "a training waits for a word");
    again.act(Action::TrainShared(1));
    own(&mut again, "other.zip");
    assert_eq!((asks(&again).len(), &fates(&again)[1]), (1, &Fate::Waiting));
    own(&mut again, "laps.zip");
    assert_eq!((asks(&again).len(), fates(&again)), (0, &[Fate::Same, Fate::Same][..]));
    assert!(again.state.job.is_none() && again.told().is_empty(), "{:?}", again.told());
}

#[test]
fn a_link_that_is_stopped_stays_in_the_address_until_it_goes_on() {
    let link = link_of(&mut bench_of(&[8, 4]));
    let mut again = Bench::default();
    again.act(Action::OpenLink(link));
    again.arrive();
    again.deliver();
    again.work_until(|request| matches!(request, Request::Quantize { .. }));
    assert!(again.state.link().fragment().contains("variants=1."), "a reload goes on");
    again.act(Action::CancelRun);
    again.work();
    assert_eq!(fates(&again), [Fate::NotMade, Fate::Same]);
    again.act(Action::GoOnSharing);
    again.work();
    assert_eq!(fates(&again), [Fate::Same, Fate::Same]);
}

#[test]
fn latencies_are_drawn_while_they_are_measured_and_kept() {
    let mut bench = bench_of(&[8]);
    bench.act(Action::MeasureAll);
    let task = bench.work_until(|request| matches!(request, Request::Compare { .. }));
    for _ in 0..2 {
        let event = Event::Timed { ms: vec![vec![2.0, 3.0], vec![1.0]] };
        bench.act(Action::Heard { task, event: Box::new(event) });
    }
    let counts = |bench: &Bench| -> Vec<usize> {
        bench.state.latencies().iter().map(|(_, _, ms)| ms.len()).collect()
    };
    assert_eq!(counts(&bench), [4, 2]);
    bench.work();
    assert_eq!((counts(&bench), bench.state.times.clone()), (vec![4, 2], None));
    let mut again = Bench::open();
    again.act(Action::VariantsRecalled(bench.shelf.values().cloned().collect()));
    again.work();
    assert_eq!(counts(&again), [4, 2], "a reload loses none");
}

/// The next visit in a browser that keeps what one's own was.
fn next_visit(bench: &Bench, with_files: bool) -> Bench {
    let mut again = Bench::open();
    for saved in bench.own_networks.values() {
        again.act(Action::NetworkRecalled(Box::new(saved.clone())));
    }
    for saved in bench.own_sets.values() {
        let mut saved = saved.clone();
        if !with_files {
            saved.files.clear();
        }
        again.act(Action::FramesRecalled { saved: Box::new(saved), bytes: 1 });
    }
    again.work();
    again
}

#[test]
fn ones_own_files_outlive_a_reload_where_there_is_room() {
    let mut bench = Bench::open();
    bench.act(Action::OpenModels(vec![file("mine.onnx")]));
    let (role, files) = (Role::Validation, vec![file("tub.zip").into()]);
    bench.act(Action::OpenData { role, name: "tub.zip".into(), files });
    bench.work();
    let kept = bench.own_networks.values().next().expect("the network is kept");
    let (sent, _) = bench.state.queue.files("opened-1").expect("the worker has it");
    assert!(Rc::ptr_eq(&kept.file, sent), "a large file is there once");
    let again = next_visit(&bench, true);
    let name = |bench: &Bench| bench.state.validation.loaded.as_ref().map(|own| own.name.clone());
    assert_eq!(name(&again).as_deref(), Some("tub.zip"));
    assert_eq!(again.state.selected.as_deref(), Some("plain"), "nobody has chosen it now");
    assert!(again.state.network("opened-1").is_some());
    assert!(again.own_sets.is_empty(), "it is kept already");

    let mut asked = next_visit(&bench, false);
    let missing = &asked.state.own_files.missing[&role];
    assert_eq!((&*missing.name, name(&asked).as_deref()), ("tub.zip", Some("the bundled frames")));
    asked.act(Action::ForgetKept);
    assert!(asked.state.own_files.missing.is_empty());
    bench.act(Action::CloseModel("opened-1".into()));
    bench.act(Action::UseBundledData(role));
    assert!(bench.own_networks.is_empty() && bench.own_sets.is_empty());
}
