//! Answers for `goldens/drawn.py`, which draws networks and knows what ONNX Runtime answers.

use std::fs;
use std::io::Write;

use steer8::data::Dataset;
use steer8::error::Result;
use steer8::graph::{Data, Graph, Tensor};
use steer8::onnx;
use steer8::progress::unwatched;
use steer8::quantize::quantize;
use steer8::runtime::{Arithmetic, Session};
use steer8::vocabulary::file::File;
use steer8::vocabulary::reading::Reading;
use steer8::vocabulary::recipe::{Format, Recipe};

/// Does what each line of the standard input asks, and prints a line about it:
/// - `fast|deterministic NETWORK NPZ OUT`: runs the frames and writes all outputs to each run, as
///   float64; prints how many elements each output has in all;
/// - `qdq|qoperator NETWORK NPZ OUT`: writes the quantized network.
#[test]
#[ignore = "run by goldens/drawn.py"]
fn answers() {
    let mut out = std::io::stdout();
    for line in std::io::stdin().lines() {
        let line = line.expect("text");
        let words: Vec<&str> = line.split('\t').collect();
        let said = match done(&words) {
            Ok(counts) => format!("done {counts:?}"),
            Err(error) => format!("refused {}", error.to_string().replace('\n', " ")),
        };
        writeln!(out, "{said}").expect("somebody listens");
        out.flush().expect("somebody listens");
    }
}

fn done(words: &[&str]) -> Result<Vec<usize>> {
    let &[what, network, frames, out] = words else { panic!("four words") };
    let file = |path: &str| fs::read(path).expect("it can be read");
    let mut graph = onnx::read(&file(network))?;
    graph.see_frames()?;
    let frames = File { name: frames.into(), bytes: file(frames).into() };
    let data = Dataset::read(&[frames], &Reading::default(), &mut unwatched)?;
    let format = match what {
        "qdq" => Format::Qdq,
        "qoperator" => Format::Qoperator,
        _ => return answered(&graph, &data, what, out),
    };
    let recipe = Recipe { format, ..Recipe::default() };
    let made = quantize(&graph, &recipe, &data, &mut |_, _, _| Ok(()))?;
    fs::write(out, onnx::write(&made.graph)).expect("it can be written");
    Ok(Vec::new())
}

fn answered(graph: &Graph, data: &Dataset, what: &str, out: &str) -> Result<Vec<usize>> {
    let arithmetic = match what {
        "fast" => Arithmetic::Fast,
        _ => Arithmetic::Deterministic,
    };
    let mut session = Session::new(graph, Some(data.frame_shape()), arithmetic)?;
    let (batch, len) = (session.batch(), session.frame_len());
    let shape = [&[batch], data.frame_shape()].concat();
    let mut outputs = vec![Vec::new(); graph.outputs.len()];
    for first in (0..data.len()).step_by(batch) {
        let mut input = vec![0.0; batch * len];
        for (slot, input) in input.chunks_exact_mut(len.max(1)).enumerate() {
            data.input((first + slot) % data.len(), input);
        }
        let made = session.run_typed(Tensor::new(&shape[..], Data::F32(input)))?;
        for (values, tensor) in outputs.iter_mut().zip(&made) {
            values.extend(numbers(tensor));
        }
    }
    let bytes = outputs.iter().flatten().flat_map(|x: &f64| x.to_le_bytes());
    fs::write(out, bytes.collect::<Vec<u8>>()).expect("it can be written");
    Ok(outputs.iter().map(Vec::len).collect())
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    match &tensor.data {
        Data::F32(values) => values.iter().map(|&x| x.into()).collect(),
        Data::I64(values) => values.iter().map(|&x| x as f64).collect(),
        Data::Other(_, bytes) => bytes.iter().map(|&x| x.into()).collect(),
        _ => tensor.to_i32().expect("integers").iter().map(|&x| x.into()).collect(),
    }
}
