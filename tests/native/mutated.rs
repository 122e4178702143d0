//! Networks and data with something changed in them: whatever comes, there is an answer or an error, and
//! no panic. Half of the networks have bytes changed, half something in the decoded message.
//!
//! A few thousand here; `mutated/run.py` runs as many as one likes in programs of their own, with limits
//! of time and memory from outside.

mod cases;
mod changes;
mod data;

use std::fs;
use std::io::{Cursor, Read, Write};

use cases::{Outcome, tried};
use steer8::random::SplitMix64;

/// A network to be changed.
struct Seed {
    name: String,
    bytes: Vec<u8>,
}

/// The stored networks of other tests: small, and of many operators.
fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let pack = include_bytes!("../goldens/shapes.zip");
    let mut pack = zip::ZipArchive::new(Cursor::new(&pack[..])).expect("the pack is whole");
    for i in 0..pack.len() {
        let mut part = pack.by_index(i).expect("the pack is whole");
        let name = part.name().expect("a name").into_owned();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).expect("the pack is whole");
        if name.ends_with(".onnx") {
            seeds.push(Seed { name, bytes });
        }
    }
    let answers: serde_json::Value =
        serde_json::from_str(include_str!("../goldens/answers.json")).expect("JSON");
    let operators: serde_json::Value =
        serde_json::from_str(include_str!("../goldens/onnx_operators.json")).expect("JSON");
    let answers = answers.as_object().into_iter().flatten();
    let answers = answers.map(|(name, golden)| (name.as_str(), golden));
    let operators = operators.as_array().into_iter().flatten();
    let operators = operators.filter_map(|golden| Some((golden["name"].as_str()?, golden)));
    for (name, golden) in answers.chain(operators) {
        let hex = golden["network"].as_str().expect("a network").as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes = hex.chunks(2).map(|pair| byte(pair).expect("hexadecimal digits")).collect();
        seeds.push(Seed { name: name.into(), bytes });
    }
    seeds
}

/// The networks in a folder.
fn seeds_in(folder: &str) -> Vec<Seed> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "onnx"))
        .collect();
    paths.sort();
    let seed = |path: std::path::PathBuf| Seed {
        name: path.display().to_string(),
        bytes: fs::read(&path).expect("it can be read"),
    };
    paths.into_iter().map(seed).collect()
}

/// Says which case it was, where a test ends in it.
struct Case<'a>(&'a str, usize);

impl Drop for Case<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("case {} of `{}`", self.1, self.0);
        }
    }
}

/// Case `number`: every seed in turn, and each differently every time.
fn network(seeds: &[Seed], number: usize) -> (&Seed, Vec<u8>) {
    let seed = &seeds[number % seeds.len()];
    let mut random = SplitMix64::new(number as u64);
    let bytes = match number / seeds.len() % 2 {
        0 => changes::of_bytes(&seed.bytes, &mut random),
        _ => changes::of_message(&seed.bytes, &mut random),
    };
    (seed, bytes)
}

#[test]
fn changed_networks_get_an_answer_or_an_error() {
    let seeds = seeds();
    let mut counts = [0; 3];
    for number in 0..20 * seeds.len() {
        let (seed, bytes) = network(&seeds, number);
        let _case = Case(&seed.name, number);
        counts[tried(&bytes, number) as usize] += 1;
    }
    let read = counts[Outcome::RefusedLater as usize] + counts[Outcome::Ran as usize];
    assert!(3 * read >= counts.iter().sum::<usize>(), "few get past reading: {counts:?}");
}

#[test]
fn changed_data_is_read_or_refused() {
    let seeds = data::seeds();
    for number in 0..200 * seeds.len() {
        let _case = Case(&seeds[number % seeds.len()].name, number);
        data::read(&seeds, number);
    }
}

/// Many cases, for `mutated/run.py`: of the networks in the folder `MUTATED_SEEDS`, or of data without
/// it. Prints each number before the case, and after it what came of it, how long it took and how much
/// memory; keeps the networks in the folder `MUTATED_KEEP`, if it is given.
#[test]
#[ignore = "run by mutated/run.py"]
fn a_batch() {
    let number = |name: &str| -> usize {
        let text = std::env::var(name).expect("it is given");
        text.parse().expect("a number")
    };
    let cases = number("MUTATED_FIRST")..number("MUTATED_END");
    let folder = std::env::var("MUTATED_SEEDS");
    let networks = folder.map(|folder| seeds_in(&folder)).unwrap_or_default();
    let data = if networks.is_empty() { data::seeds() } else { Vec::new() };
    let mut out = std::io::stdout().lock();
    for number in cases {
        // The peak of the memory starts anew.
        let _ = fs::write("/proc/self/clear_refs", "5");
        writeln!(out, "case {number}").expect("somebody listens");
        let start = cpu_ms();
        let (outcome, constants) = if networks.is_empty() {
            (data::read(&data, number), 0)
        } else {
            let (_, bytes) = network(&networks, number);
            if let Ok(folder) = std::env::var("MUTATED_KEEP") {
                fs::write(format!("{folder}/{number}.onnx"), &bytes).expect("it can be written");
            }
            (tried(&bytes, number), cases::constants(&bytes))
        };
        let (ms, peak) = (cpu_ms() - start, peak_bytes());
        writeln!(out, "done {number} {outcome:?} {ms} {peak} {constants}")
            .expect("somebody listens");
    }
}

/// The time that this thread has computed.
fn cpu_ms() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0) / 1_000_000
}

fn peak_bytes() -> usize {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    kib.unwrap_or(0) * 1024
}
