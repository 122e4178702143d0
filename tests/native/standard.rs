//! The standard's own tests, made small networks of by `goldens/standard.py`: what becomes of each is
//! counted, and none may be wrong. `goldens/standard.txt` has the counts of the small ones, which are
//! stored, and `goldens/standard_all.txt` those of all.

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
    /// The package: the current one or an older.
    from: String,
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

/// Of a value itself, as the standard's own runner allows: some expected numbers are rounded.
const OF_EACH: f64 = 1e-3;

/// The same where it was computed in 16 bits, of which Steer8 makes 32.
const OF_EACH_HALF: f64 = 2e-3;

/// A test whose expected numbers a later version of its package mended.
const MENDED: &str = "averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True:x";

/// Tests in which ONNX Runtime, whose answer ours is, takes the rounded size for a Resize's.
const ROUNDED: [&str; 2] = [
    "resize_downsample_scales_linear_align_corners",
    "resize_downsample_scales_cubic_align_corners",
];

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
    let halves = case.excuse.as_deref() == Some("16-bit floats");
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
            let own = if halves { OF_EACH_HALF } else { OF_EACH };
            let close = !whole && (a - b).abs() <= (TOLERANCE * largest).max(own * b.abs());
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
        Ok(Ok(ours)) => match complaint(case, &ours, all) {
            None => Outcome::Right,
            Some(_) if input.wide => Outcome::Excused("a frame that float32 does not hold".into()),
            Some(what) => Outcome::Wrong(what),
        },
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
    let mended = |(case, _): &(Case, Outcome)| {
        let rounded = ROUNDED.iter().any(|test| case.name.starts_with(test));
        !(rounded || case.name == MENDED && case.from == "older")
    };
    cases.into_iter().map(judge).filter(mended).collect()
}

/// Why a network is refused, in a few kinds.
fn kind(why: &str) -> &'static str {
    const KINDS: [(&str, &str); 6] = [
        ("control flow", "control flow"),
        ("is not known here", "an operator that nobody here has"),
        ("element type", "a type that is not known here"),
        ("has no shape", "a shape that depends on numbers"),
        ("single value", "a scale for each channel of what is computed"),
        ("on uint", "quantization to other types"),
    ];
    KINDS.iter().find(|(part, _)| why.contains(part)).map_or("other", |(_, kind)| kind)
}

/// The counts as they are stored.
fn table(judged: &[(Case, Outcome)]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, outcome) in judged {
        let row = match outcome {
            Outcome::Right => "right".into(),
            Outcome::Excused(why) => format!("refused, as may be: {why}"),
            Outcome::Refused(why) => format!("refused: {}", kind(why)),
            Outcome::Wrong(_) => "wrong".into(),
            Outcome::Crashed => "crashed".into(),
        };
        *counts.entry(row).or_default() += 1;
    }
    let rows = counts.iter().map(|(row, count)| format!("{count:5} {row}\n"));
    format!("{:5} networks\n{}", judged.len(), rows.collect::<String>())
}

/// Everything but what is right, a line each.
fn lines(judged: &[(Case, Outcome)]) -> String {
    let line = |(case, outcome): &(Case, Outcome)| match outcome {
        Outcome::Right => String::new(),
        other => format!("{}: {other:?}\n", case.name),
    };
    judged.iter().map(line).collect()
}

/// Those of them that are small.
#[test]
fn small_tests_of_the_standard() {
    let judged = judged(include_bytes!("../goldens/standard.zip"));
    let (table, stored) = (table(&judged), include_str!("../goldens/standard.txt"));
    assert!(table == stored, "{}{table}", lines(&judged));
}

/// All of them; `standard_all.txt` has the counts.
#[test]
#[ignore = "for what goldens/standard.py makes without a limit, named by STEER8_STANDARD"]
fn all_tests_of_the_standard() {
    let pack = std::env::var("STEER8_STANDARD").expect("a file");
    let judged = judged(&fs::read(pack).expect("the file can be read"));
    let (table, stored) = (table(&judged), include_str!("../goldens/standard_all.txt"));
    assert!(table == stored, "{}{table}", lines(&judged));
}
