//! `steer8 drive`: networks on the road and recorded drives, as JSON, as a table and in numpy's files.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value as Json;
use steer8::data::{npy, npz};
use steer8::drive::{Action, Discrete, Episode, Picture, SIDE};
use steer8::lab::Lab;
use steer8::lab::protocol::{Event, Request};
use steer8::onnx;
use steer8::random::SplitMix64;
use steer8::vocabulary::driving::RoadTest;
use steer8::vocabulary::file::File;
use tempfile::TempDir;

use crate::made_up::{by_colour, dataset};

/// A folder with two networks, and a program that runs in it.
struct Desk(TempDir);

impl Desk {
    /// `gas.onnx` always gives gas, `left.onnx` turns to the left, too, and `values.onnx` says 0.5, -0.25 and 7.
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let answers: [(&str, &[f32]); 3] = [
            ("gas.onnx", &[0.0, 0.0, 0.0, 1.0, 0.0]),
            ("left.onnx", &[0.0, 0.0, 1.0, 0.0, 0.0]),
            ("values.onnx", &[0.5, -0.25, 7.0]),
        ];
        for (name, answer) in answers {
            let network = by_colour(&vec![0.0; 3 * answer.len()], answer);
            fs::write(desk.path(name), onnx::write(&network)).unwrap();
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_steer8"))
            .args(arguments.split(' '))
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    fn text(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &str) -> Json {
        serde_json::from_str(&self.text(arguments)).unwrap()
    }

    /// stderr of a run that must end with this status.
    fn failure(&self, arguments: &str, status: i32) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{arguments}: {said}");
        assert!(output.stdout.is_empty(), "{arguments}");
        said
    }
}

/// The return of a drive that does the same after its wait.
fn expected(seed: u64, action: Action, steps: usize) -> f64 {
    let mut episode = Episode::reset(seed);
    episode.steps(vec![Action::Discrete(Discrete::Nothing); 50]);
    episode.steps(vec![action; steps - 50]);
    episode.total_return()
}

#[test]
fn drives_are_told_in_full() {
    let desk = Desk::new();
    let road = "--tracks 3 --from 7 --steps 110";
    let json = desk.json(&format!("drive gas.onnx left.onnx {road} --json"));
    assert_eq!(
        (&json["steer8"], &json["stopped"]),
        (&env!("CARGO_PKG_VERSION").into(), &false.into())
    );
    let results = json["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for (result, (name, action)) in
        results.iter().zip([("gas.onnx", Discrete::Gas), ("left.onnx", Discrete::Left)])
    {
        assert_eq!((&result["model"], &result["variant"]), (&name.into(), &"float".into()));
        let tracks = result["tracks"].as_array().unwrap();
        assert_eq!(
            tracks.iter().map(|track| track["seed"].as_u64()).collect::<Vec<_>>(),
            [7, 8, 9].map(Some)
        );
        let mut sum = 0.0;
        for track in tracks {
            let wanted = expected(track["seed"].as_u64().unwrap(), Action::Discrete(action), 110);
            assert!((track["return"].as_f64().unwrap() - wanted).abs() < 1e-9, "{name}: {track}");
            assert_eq!((&track["steps"], &track["finished"]), (&110.into(), &false.into()));
            assert!(track["tiles"].as_u64().unwrap() > 0 && track["off_road"].is_f64());
            sum += wanted;
        }
        assert!((result["mean"].as_f64().unwrap() - sum / 3.0).abs() < 1e-9);
        assert_eq!(result["ci95"].as_array().unwrap().len(), 2);
    }
    let pair = &json["pairs"][0];
    assert_eq!(pair["models"], serde_json::json!(["gas.onnx", "left.onnx"]));
    let means = [0, 1].map(|at| results[at]["mean"].as_f64().unwrap());
    assert!((pair["mean_difference"].as_f64().unwrap() - (means[1] - means[0])).abs() < 1e-9);
    assert_eq!(pair["first_disagreement"], serde_json::json!([50, 50, 50]));
    assert!(pair["p"].is_f64() && pair["ci95"].is_array());
    assert_eq!(pair["apart"].as_array().unwrap().len(), 10);

    // The same by one thread as by three, and alone as beside others.
    let threads =
        [1, 3].map(|n| desk.json(&format!("drive left.onnx {road} --threads {n} --json")));
    assert_eq!(threads[0], threads[1]);
    assert_eq!(threads[0]["results"][0], results[1]);

    let text = desk.text(&format!("drive gas.onnx left.onnx {road}"));
    let wanted = ["mean return", "laps finished", "0 of 3", "in pairs", "gas.onnx, left.onnx"];
    assert!(wanted.iter().all(|wanted| text.contains(wanted)), "{text}");
    let text = desk.text(&format!("drive gas.onnx {road}"));
    assert!(
        text.starts_with("gas.onnx (float): mean return") && text.contains("off road %"),
        "{text}"
    );
}

#[test]
fn values_drive_as_their_columns_are_named() {
    let desk = Desk::new();
    let total = |outputs: &str| {
        let arguments =
            format!("drive values.onnx --outputs {outputs} --tracks 1 --steps 80 --json");
        desk.json(&arguments)["results"][0].clone()
    };
    let action = |steering, gas, brake| Action::Continuous { steering, gas, brake };
    for (outputs, action) in [
        ("steering,-gas,_", action(0.5, 0.25, 0.0)),
        ("-steering*0.5,_,brake*0.125", action(-0.25, 0.2, 0.875)),
    ] {
        // The speed stays far below what is kept by the gas.
        let paid = total(outputs)["tracks"][0]["return"].as_f64().unwrap();
        assert!((paid - expected(20_000, action, 80)).abs() < 1e-9, "{outputs}: {paid}");
    }
    assert_eq!(total("steering,gas,brake")["ci95"], Json::Null);
    let error = desk.failure("drive values.onnx --tracks 1", 1);
    assert!(error.contains("values.onnx: its first output is 3 numbers"), "{error}");
    let error = desk.failure("drive gas.onnx --outputs steering --tracks 1", 1);
    assert!(error.contains("gas.onnx: its outputs are 5 numbers"), "{error}");
    for wrong in [
        "drive gas.onnx --tracks 0",
        "drive gas.onnx --steps 50",
        "drive gas.onnx --frame-skip 0",
        "drive values.onnx --outputs steering,throttle",
        "drive values.onnx --outputs gas",
        "drive gas.onnx --replay actions.npy --seed 1 --states states.npy",
        "drive --replay actions.npy --states states.npy",
        "drive --states states.npy",
    ] {
        desk.failure(wrong, 2);
    }
}

#[test]
fn a_recorded_drive_is_driven_again() {
    let desk = Desk::new();
    let actions: Vec<u8> = [[0; 10], [3; 10], [1; 10]].concat();
    fs::write(desk.path("actions.npy"), npy::write("|u1", &[30], actions.clone())).unwrap();
    let files = "--states states.npy --frames frames.npz --every 12";
    let json = desk.json(&format!("drive --replay actions.npy --seed 4294967300 {files} --json"));
    assert_eq!(
        (&json["steps"], &json["frames"], &json["ended_at"]),
        (&30.into(), &3.into(), &Json::Null)
    );

    let mut episode = Episode::reset(4_294_967_300);
    let mut picture = Picture::new();
    let states = npy::read(&fs::read(desk.path("states.npy")).unwrap()).unwrap();
    let npy::Numbers::Floats(numbers) = states.numbers else { panic!("floats are written") };
    assert_eq!(states.shape, [30, 4]);
    let frames = dataset("frames.npz", &fs::read(desk.path("frames.npz")).unwrap());
    assert_eq!((frames.len(), frames.frame_shape()), (3, &[3, SIDE, SIDE][..]));
    for (i, (&action, state)) in actions.iter().zip(numbers.chunks(4)).enumerate() {
        if i % 12 == 0 {
            let seen = episode.observe(&mut picture);
            let rgba = frames.picture(i / 12).unwrap().rgba;
            assert!(rgba.chunks(4).zip(seen.chunks(3)).all(|(a, b)| a[..3] == *b), "picture {i}");
        }
        let reward = episode.step(Action::discrete(action.into()).unwrap()).reward;
        let hull = episode.hull();
        let place = [hull.x, hull.y, hull.angle].map(f64::from);
        assert_eq!(state, [&place[..], &[reward]].concat(), "step {i}");
    }
    let total = json["return"].as_f64().unwrap();
    assert!((total - episode.total_return()).abs() < 1e-9);

    let full: Vec<u8> =
        [[-0.2_f32, 0.1, 0.0]; 7].concat().iter().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(desk.path("values.npy"), npy::write("<f4", &[7, 3], full)).unwrap();
    let text = desk.text("drive --replay values.npy --seed 5 --states states.npy");
    assert!(text.contains("track 5: return") && text.contains("the episode goes on"), "{text}");
}

#[test]
fn what_is_no_recorded_drive_is_told() {
    let desk = Desk::new();
    let replay = |bytes: Vec<u8>| {
        fs::write(desk.path("actions.npy"), bytes).unwrap();
        desk.failure("drive --replay actions.npy --seed 1 --states states.npy", 1)
    };
    for (bytes, why) in [
        (npy::write("|i1", &[3], [0, 5, 0]), "action 1 is 5. Discrete actions are 0 nothing"),
        (npy::write("|i1", &[1], [255]), "action 0 is -1"),
        (npy::write("<f4", &[2], [0; 8]), "an array of floats of shape [2] is no actions"),
        (npy::write("<f8", &[1, 3], [255; 24]), "action 0 is [NaN, NaN, NaN]"),
        (npy::write("|i1", &[4], [0, 1]), "cut short"),
        (b"steering".to_vec(), "no array in numpy's format"),
    ] {
        let error = replay(bytes);
        assert!(error.contains("actions.npy: ") && error.contains(why), "{error}");
    }
    assert!(!desk.path("states.npy").exists());
    let error = desk.failure("drive --replay actions.npy --seed 1 --states actions.npy", 1);
    assert!(error.contains("would overwrite an input"), "{error}");
}

/// Frames of noise, half of them of each of two classes.
fn noise() -> Vec<u8> {
    const FRAMES: usize = 12;
    let mut random = SplitMix64::new(8);
    let pixels = (0..FRAMES * SIDE * SIDE * 3).map(|_| random.below(256) as u8);
    let x = npy::write("|u1", &[FRAMES, SIDE, SIDE, 3], pixels);
    let y = npy::write("|u1", &[FRAMES], (0..FRAMES).map(|frame| 1 + 2 * (frame % 2) as u8));
    npz::write(&[("x", x), ("y", y)]).unwrap()
}

#[test]
fn a_recipe_is_searched_and_layers_are_judged_by_driving() {
    let desk = Desk::new();
    fs::write(desk.path("set.npz"), noise()).unwrap();
    // Gas, whatever it sees, by weights that few bits keep well enough.
    let rows = [[0.0; 3], [0.1, -0.2, 0.3], [0.0; 3], [0.2, 0.1, 0.3], [0.1, 0.0, 0.1]];
    let network = by_colour(&rows.concat(), &[0.0, 0.1, 0.0, 0.4, 0.0]);
    fs::write(desk.path("net.onnx"), onnx::write(&network)).unwrap();
    let frames = "--data set.npz --calibration set.npz --steps 62";
    let json = desk.json(&format!(
        "search net.onnx {frames} --weight-bits 2 --min-return 0.9 --tracks 4 --unseen-tracks 3 --json"
    ));
    let best = &json["best"]["driving"];
    assert_eq!((&json["best"]["meets"], &best["tracks"]), (&true.into(), &4.into()));
    assert!(best["share"].as_f64().unwrap() >= 0.9, "{best}");
    let heldout = &json["heldout"];
    assert_eq!(
        (&heldout["return_is_kept"], &heldout["driving"]["tracks"]),
        (&"holds".into(), &3.into())
    );
    assert_eq!(heldout["holds"], Json::Null);
    let text = desk.text(&format!(
        "search net.onnx {frames} --min-return 0.9 --tracks 4 --unseen-tracks 0 --seconds 0"
    ));
    assert!(text.contains("return kept %") && !text.contains("other tracks"), "{text}");
    desk.failure(&format!("search net.onnx {frames} --min-return -1"), 2);

    let json = desk.json(&format!("analyze net.onnx {frames} --drive 2 --json"));
    let losses = &json["driving"];
    assert_eq!(losses["tracks"], 2);
    assert!(losses["float"].is_f64() && losses["quantized"]["change"].is_f64());
    assert_eq!(
        losses["layers"].as_array().unwrap().len(),
        json["layers"].as_array().unwrap().len()
    );
    assert!(losses["layers"][0]["only_this_quantized"]["mean"].is_f64(), "{losses}");
    let text = desk.text(&format!("analyze net.onnx {frames} --drive 1"));
    assert!(text.contains("tracks driven: 1; float") && text.contains("alone: return"), "{text}");

    let json = desk.json(&format!("compare net.onnx {frames} --drive 2 --json"));
    let int8 = &json["results"][1]["driving"];
    assert_eq!(int8["tracks"].as_array().unwrap().len(), 2);
    assert_eq!(int8["against_float"]["models"][0], "net.onnx");
}

/// Whoever stops keeps what is done: as many tracks of each network, or one more.
#[test]
fn what_is_stopped_keeps_its_drives() {
    let mut lab = Lab::new();
    let models = ["gas", "left"].map(String::from);
    for (model, scores) in models.iter().zip([[0.0, 0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0]])
    {
        let bytes = onnx::write(&by_colour(&[0.0; 15], &scores)).into();
        let file = File { name: format!("{model}.onnx"), bytes };
        let request =
            Request::LoadModel { model: model.clone(), file: file.into(), beside: Vec::new() };
        lab.handle(request, &mut |_| ControlFlow::Continue(()));
    }
    let test = RoadTest { tracks: 50, steps: 80, ..RoadTest::default() };
    let mut drives = 0;
    let mut answer = None;
    let request = Request::Drive { models: models.into(), test };
    lab.handle(request, &mut |event| {
        drives += usize::from(matches!(event, Event::Drove { .. }));
        if event.is_final() {
            answer = Some(event);
        }
        if drives < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let Some(Event::Driven { drives }) = answer else { panic!("{answer:?}") };
    let tracks: Vec<usize> = drives.results.iter().map(|driven| driven.tracks.len()).collect();
    assert!(drives.stopped);
    assert_eq!((tracks, drives.pairs[0].first_disagreement.len()), (vec![2, 1], 1));
}
