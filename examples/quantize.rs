// Reads a float network, quantizes it on calibration frames, measures what that costs on others, and
// writes the int8 file.
//
//     cargo run --release --example quantize [OUT.onnx]

use std::fs;

use steer8::data::Dataset;
use steer8::graph::Graph;
use steer8::onnx;
use steer8::progress::unwatched;
use steer8::quantize::quantize;
use steer8::runtime::{Arithmetic, Session};
use steer8::score::classes::{accuracy, agreement, top1};
use steer8::vocabulary::file::File;
use steer8::vocabulary::reading::Reading;
use steer8::vocabulary::recipe::{Method, Recipe};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = onnx::read(&fs::read("models/networks/assignment.onnx")?)?;
    let calibration = frames("models/frames/calibration.zip")?;
    let validation = frames("models/frames/validation.zip")?;

    // What is not said is as the command line has it: 8 bits, weights per channel, QDQ form.
    let recipe = Recipe { method: Method::Percentile, samples: Some(64), ..Recipe::default() };
    // Who waits hears here how far it is; an error would end it.
    let quantized = quantize(&network, &recipe, &calibration, &mut |_step, _done, _total| Ok(()))?;
    for left in &quantized.left_in_float {
        println!("{} ({}) stays in float: {}", left.node, left.op, left.why);
    }

    let labels = validation.classes().ok_or("the frames have no classes")?;
    let float = answers(&network, &validation)?;
    let int8 = answers(&quantized.graph, &validation)?;
    for (name, answers) in [("float", &float), ("int8", &int8)] {
        let score = accuracy(answers, labels, validation.class_counts().len());
        let [low, high] = score.ci95.map(|share| 100.0 * share);
        println!("{name:5} {:.1} % right ({low:.1} to {high:.1})", 100.0 * score.top1);
    }
    println!("the same answer on {:.1} % of the frames", 100.0 * agreement(&float, &int8));

    let out =
        std::env::args().nth(1).map_or_else(|| std::env::temp_dir().join("int8.onnx"), Into::into);
    fs::write(&out, onnx::write(&quantized.graph))?;
    println!("{} is written", out.display());
    Ok(())
}

/// A zip of class folders of images; an npz is read the same way.
fn frames(path: &str) -> Result<Dataset, Box<dyn std::error::Error>> {
    let file = File { name: path.into(), bytes: fs::read(path)?.into() };
    Ok(Dataset::read(&[file], &Reading::default(), &mut unwatched)?)
}

/// The class that a network gives each frame.
fn answers(network: &Graph, data: &Dataset) -> steer8::error::Result<Vec<usize>> {
    // As this network takes them: channels first or last, several inputs as one.
    let data = data.taken_by(network)?;
    let mut session = Session::new(network, Some(data.frame_shape()), Arithmetic::Fast)?;
    let mut frame = vec![0.0; session.frame_len()];
    let mut answers = Vec::with_capacity(data.len());
    for index in 0..data.len() {
        data.input(index, &mut frame);
        session.run(&frame, |output, logits| {
            if output == 0 {
                answers.push(top1(logits));
            }
        })?;
    }
    Ok(answers)
}
