//! The bundled networks through the whole job: nothing measurable may be lost at 8 bits, and the
//! file must shrink.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use steer8::lab::Lab;
use steer8::lab::protocol::{Event, Request, Role};
use steer8::vocabulary::file::File;
use steer8::vocabulary::reading::Reading;
use steer8::vocabulary::recipe::Recipe;
use steer8::vocabulary::task::Judging;

fn file(path: &str) -> File {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let bytes = fs::read(models.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    File { name: path.rsplit('/').next().unwrap_or(path).into(), bytes: bytes.into() }
}

fn ask(lab: &mut Lab, request: Request) -> Event {
    let mut last = None;
    lab.handle(request, &mut |event| {
        last = Some(event);
        ControlFlow::Continue(())
    });
    match last {
        Some(Event::Failed { error }) => panic!("{error}"),
        Some(event) => event,
        None => panic!("the lab said nothing"),
    }
}

fn quantize_and_compare(network: &str) {
    let mut lab = Lab::new();
    for (role, path) in
        [(Role::Calibration, "frames/calibration.zip"), (Role::Validation, "frames/validation.zip")]
    {
        ask(
            &mut lab,
            Request::LoadData { role, files: vec![file(path).into()], reading: Reading::default() },
        );
    }
    let float = file(&format!("networks/{network}.onnx"));
    ask(&mut lab, Request::LoadModel { model: "float".into(), file: float, beside: Vec::new() });
    let request =
        Request::Quantize { model: "float".into(), recipe: Recipe::default(), into: "int8".into() };
    let Event::Quantized { summary, .. } = ask(&mut lab, request) else { panic!("not quantized") };
    assert_eq!(summary.left_in_float, [], "{network} has only operators with an integer version");

    let models = vec!["float".into(), "int8".into()];
    let Event::Compared { reports, verdict, classes, .. } =
        ask(&mut lab, Request::Compare { models, judging: Judging::default() })
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
    ask(&mut lab, Request::Forget { model: "int8".into() });
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
