//! The bundled networks through the whole job: nothing measurable may be lost at 8 bits, and the
//! file must shrink.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;
use steer8::lab::Lab;
use steer8::lab::protocol::{Event, Request, Role};
use steer8::vocabulary::file::File;
use steer8::vocabulary::reading::Reading;
use steer8::vocabulary::recipe::Recipe;
use steer8::vocabulary::task::Judging;

use crate::asking::done;

fn file(path: &str) -> File {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let bytes = fs::read(models.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    File { name: path.rsplit('/').next().unwrap_or(path).into(), bytes: bytes.into() }
}

fn quantize_and_compare(network: &str) {
    let mut lab = Lab::new();
    for (role, path) in
        [(Role::Calibration, "frames/calibration.zip"), (Role::Validation, "frames/validation.zip")]
    {
        done(
            &mut lab,
            Request::LoadData { role, files: vec![file(path).into()], reading: Reading::default() },
        );
    }
    let float = file(&format!("networks/{network}.onnx"));
    done(
        &mut lab,
        Request::LoadModel { model: "float".into(), file: float.into(), beside: Vec::new() },
    );
    let request =
        Request::Quantize { model: "float".into(), recipe: Recipe::default(), into: "int8".into() };
    let Event::Quantized { summary, .. } = done(&mut lab, request) else { panic!("not quantized") };
    assert_eq!(summary.left_in_float, [], "{network} has only operators with an integer version");

    let models = vec!["float".into(), "int8".into()];
    let Event::Compared { reports, verdict, classes, .. } =
        done(&mut lab, Request::Compare { models, judging: Judging::default() })
    else {
        panic!("not compared")
    };
    let [float, int8] = &reports[..] else { panic!("two networks were compared") };
    let top1 = |i: usize| reports[i].accuracy.as_ref().map_or(0.0, |a| a.top1);
    println!(
        "{network}: float {:.4}, int8 {:.4}, agreement {:?}, {} -> {} bytes. {verdict}",
        top1(0),
        top1(1),
        int8.agreement_with_float,
        float.file_bytes,
        int8.file_bytes
    );
    assert!(top1(0) > 0.85);
    assert!((top1(0) - top1(1)).abs() <= 0.005, "{} against {}", top1(1), top1(0));
    assert!(int8.agreement_with_float > Some(0.98));
    assert!(int8.file_bytes as f64 <= 0.30 * float.file_bytes as f64);
    assert_eq!(float.macs, int8.macs);

    let classes = classes.expect("both give classes");
    let labels = classes.labels.expect("the frames are labelled");
    for (report, answers) in reports.iter().zip(&classes.answers) {
        let right = labels.iter().zip(answers).filter(|(label, answer)| label == answer).count();
        let top1 = report.accuracy.as_ref().map(|accuracy| accuracy.top1);
        assert_eq!(top1, Some(right as f64 / labels.len() as f64), "frame by frame");
    }
    done(&mut lab, Request::Forget { model: "int8".into() });
    let gone = Request::Compare { models: vec!["int8".into()], judging: Judging::default() };
    let mut last = None;
    lab.handle(gone, &mut |event| {
        last = Some(event);
        std::ops::ControlFlow::Continue(())
    });
    assert!(matches!(last, Some(Event::Failed { .. })), "{last:?}");
}

#[test]
fn assignment() {
    quantize_and_compare("assignment");
}

#[test]
fn pilotnet() {
    quantize_and_compare("pilotnet");
}

#[test]
fn mobilenet() {
    quantize_and_compare("mobilenet");
}

/// A network of values, on the command line: neither its labels nor how it drives has to be said.
#[test]
fn pilotnet_steering() {
    let run = |command: &str| -> Json {
        let output = Command::new(env!("CARGO_BIN_EXE_steer8"))
            .args(command.replace("NET", "networks/pilotnet-steering.onnx").split(' '))
            .args(["--json", "--quiet"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("models"))
            .output()
            .expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {said}");
        serde_json::from_slice(&output.stdout).expect("--json gives JSON")
    };
    let compared = run("compare NET");
    let outputs = |report: &Json| -> Vec<(String, f64)> {
        let outputs = report["values"]["outputs"].as_array().expect("values");
        let of = |output: &Json| {
            let name = output["name"].as_str().expect("a name");
            (name.to_owned(), output["mae"].as_f64().expect("a MAE"))
        };
        outputs.iter().map(of).collect()
    };
    let [float, int8] = [0, 1].map(|at| outputs(&compared["results"][at]));
    let names: Vec<&str> = float.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["steering", "gas", "brake"]);
    for ((name, float), (_, int8)) in float.iter().zip(&int8) {
        println!("{name}: MAE {float:.5} in float, {int8:.5} in int8");
        // Half a step of an output of 8 bits is up to 0.002.
        assert!(*float < 0.1 && *int8 < 1.1 * float + 0.002, "{name}: {float}, {int8}");
    }
    assert_eq!(compared["results"][1]["left_in_float"], serde_json::json!([]));
    let by_hand = run("evaluate NET --data frames/validation.zip --table frames/values.csv");
    assert_eq!(outputs(&by_hand), float);
    // It takes pixels as they are, another beside it does not.
    let both = run("drive NET networks/assignment.onnx --tracks 1 --steps 80");
    let road = "drive NET --tracks 1 --steps 80";
    let alone = run(road);
    assert_eq!(alone, run(&format!("{road} --outputs steering,gas,brake")));
    assert_eq!(both["results"][0], alone["results"][0]);
}
