//! The standard's own tests, made small networks of by `goldens/standard.py`: what becomes of each is
//! counted, and none may be wrong.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};
use std::panic::catch_unwind;

use serde::Deserialize;
use steer8::graph::{Data, Element, Tensor};
use steer8::onnx::read;
use steer8::runtime::{Arithmetic, Session};

#[derive(Deserialize)]
struct Case {
    name: String,
    /// What may be refused of it.
    excuse: Option<String>,
    input: Option<Place>,
    outputs: Vec<Option<Place>>,
    /// Of the network.
    bytes: usize,
}

/// Where numbers lie.
#[derive(Deserialize)]
struct Place {
    at: usize,
    /// 64 bits each, not 32.
    wide: bool,
    shape: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Right,
    /// For a reason that is allowed.
    Excused(String),
    Refused(String),
    Wrong(String),
    Crashed,
}

/// Of the largest value of an output.
const TOLERANCE: f64 = 1e-4;

/// Tests whose expected integers wrapped around where the operator saturates, as ONNX Runtime does and
/// the operator's page says: <https://github.com/onnx/onnx/issues/6169>.
const WRAPPED: &str = "qlinearmatmul_";

impl Place {
    fn numbers(&self, all: &[u8]) -> Vec<f64> {
        let count: usize = self.shape.iter().product();
        let bytes = &all[self.at..];
        let wide = bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b));
        let narrow = bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b).into());
        match self.wide {
            true => wide.take(count).collect(),
            false => narrow.take(count).collect(),
        }
    }
}

fn run(network: &[u8], shape: &[usize], frame: &[f64]) -> Result<Vec<Tensor>, String> {
    let mut graph = read(network).map_err(|error| error.to_string())?;
    graph.see_frames().map_err(|error| error.to_string())?;
    let frame = Data::F32(frame.iter().map(|&x| x as f32).collect());
    let rest = shape.get(1..);
    let session = Session::new(&graph, rest, Arithmetic::Fast);
    let outputs = session.and_then(|mut session| session.run_typed(Tensor::new(shape, frame)));
    outputs.map_err(|error| error.to_string())
}

fn numbers(tensor: &Tensor) -> Option<Vec<f64>> {
    Some(match &tensor.data {
        Data::I64(values) => values.iter().map(|&x| x as f64).collect(),
        Data::Other(Element(9), bytes) => bytes.iter().map(|&x| x.into()).collect(),
        Data::Other(Element(4), bytes) => {
            bytes.as_chunks().0.iter().map(|&b| u16::from_le_bytes(b).into()).collect()
        }
        Data::Other(Element(5), bytes) => {
            bytes.as_chunks().0.iter().map(|&b| i16::from_le_bytes(b).into()).collect()
        }
        Data::Other(Element(11), bytes) => {
            bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect()
        }
        Data::Other(Element(12), bytes) => {
            bytes.as_chunks().0.iter().map(|&b| u32::from_le_bytes(b).into()).collect()
        }
        Data::Other(Element(13), bytes) => {
            bytes.as_chunks().0.iter().map(|&b| u64::from_le_bytes(b) as f64).collect()
        }
        _ => match tensor.to_f32() {
            Some(values) => values.into_iter().map(f64::from).collect(),
            None => tensor.to_i32()?.into_iter().map(f64::from).collect(),
        },
    })
}

fn complaint(case: &Case, ours: &[Tensor], all: &[u8]) -> Option<String> {
    if ours.len() != case.outputs.len() {
        return Some(format!("{} outputs, not {}", ours.len(), case.outputs.len()));
    }
    for (at, (ours, expected)) in ours.iter().zip(&case.outputs).enumerate() {
        let Some(place) = expected else { return Some(format!("output {at} is no number")) };
        if ours.shape != place.shape {
            return Some(format!(
                "output {at} has the shape {:?}, not {:?}",
                ours.shape, place.shape
            ));
        }
        let whole = !matches!(ours.element(), Element::F32 | Element::F16 | Element(11 | 16));
        let expected = place.numbers(all);
        let Some(ours) = numbers(ours) else {
            return Some(format!("output {at} is {}", ours.element().name()));
        };
        let finite = expected.iter().filter(|x| x.is_finite());
        let largest = finite.fold(0f64, |most, x| most.max(x.abs()));
        for (i, (a, b)) in ours.iter().zip(&expected).enumerate() {
            let end = case.name.starts_with(WRAPPED) && [-128.0, 127.0, 255.0].contains(a);
            let close = !whole && (a - b).abs() <= TOLERANCE * largest;
            if !(a == b || close || end || a.is_nan() && b.is_nan()) {
                return Some(format!("output {at}: [{i}] is {a}, not {b}"));
            }
        }
    }
    None
}

fn outcome(case: &Case, network: &[u8], all: &[u8]) -> Outcome {
    let excused = |why: String| match &case.excuse {
        Some(excuse) => Outcome::Excused(excuse.clone()),
        None => Outcome::Refused(why),
    };
    let Some(input) = &case.input else { return excused("its input is no numbers".into()) };
    let ran = catch_unwind(|| run(network, &input.shape, &input.numbers(all)));
    match ran {
        Err(_) => Outcome::Crashed,
        Ok(Err(why)) => excused(why),
        Ok(Ok(ours)) => complaint(case, &ours, all).map_or(Outcome::Right, Outcome::Wrong),
    }
}

fn judged(pack: &[u8]) -> Vec<(Case, Outcome)> {
    let mut pack = zip::ZipArchive::new(Cursor::new(pack)).expect("a zip");
    let mut part = |name: &str| {
        let mut part = Vec::new();
        let mut file = pack.by_name(name).expect("the pack has this part");
        file.read_to_end(&mut part).expect("the pack is whole");
        part
    };
    let (networks, all) = (part("networks"), part("numbers"));
    let cases: Vec<Case> = serde_json::from_slice(&part("cases.json")).expect("JSON");
    let mut at = 0;
    let judge = |case: Case| {
        let network = &networks[at..at + case.bytes];
        at += case.bytes;
        let outcome = outcome(&case, network, &all);
        (case, outcome)
    };
    cases.into_iter().map(judge).collect()
}

#[test]
#[ignore = "for all of it, made by goldens/standard.py and named by STEER8_STANDARD"]
fn all_of_the_standards_tests() {
    let pack = std::env::var("STEER8_STANDARD").expect("a file");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (case, outcome) in &judged(&fs::read(pack).expect("the file can be read")) {
        let (kind, why) = match outcome {
            Outcome::Right => ("right", ""),
            Outcome::Excused(why) => ("excused", &why[..]),
            Outcome::Refused(why) => ("refused", &why[..]),
            Outcome::Wrong(why) => ("wrong", &why[..]),
            Outcome::Crashed => ("crashed", ""),
        };
        *counts.entry(kind).or_default() += 1;
        println!("{kind}\t{}\t{}", case.name, why.replace('\n', " "));
    }
    println!("{counts:?}");
}
