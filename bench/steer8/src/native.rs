//! Steer8 natively, answering one request a line for `cargo xtask bench native`; the requests are
//! told in `xtask/src/bench/rig.rs`.

mod network;

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

use network::Network;
use serde_json::{Value, json};
use steer8::kernels::Machine;

fn main() -> Result<(), Box<dyn Error>> {
    let mut engine = Engine::default();
    for line in io::stdin().lines() {
        let answer = engine
            .answer(&serde_json::from_str(&line?)?)
            .unwrap_or_else(|why| json!({ "error": why.to_string() }));
        println!("{answer}");
        io::stdout().flush()?;
    }
    Ok(())
}

#[derive(Default)]
struct Engine {
    networks: Vec<Network>,
    frames: Vec<Vec<f32>>,
}

impl Engine {
    fn answer(&mut self, request: &Value) -> Result<Value, Box<dyn Error>> {
        let text = |key: &str| request[key].as_str().ok_or(format!("the request has no {key}"));
        let number = |key: &str| -> Result<usize, Box<dyn Error>> {
            let number = request[key].as_u64().ok_or(format!("the request has no {key}"))?;
            Ok(number.try_into()?)
        };
        match text("do")? {
            "builds" => {
                let machines = Machine::available().into_iter();
                Ok(json!({ "builds": machines.map(Machine::name).collect::<Vec<_>>() }))
            }
            "frames" => {
                let bytes = fs::read(text("file")?)?;
                let (floats, _) = bytes.as_chunks::<4>();
                let floats: Vec<f32> = floats.iter().map(|b| f32::from_le_bytes(*b)).collect();
                self.frames = floats.chunks(number("frame_len")?).map(<[f32]>::to_vec).collect();
                Ok(json!({}))
            }
            "load" => {
                let machine: Machine = text("build")?.parse()?;
                let file = fs::read(text("file")?)?;
                let start = Instant::now();
                let mut network = Network::new(&file, machine)?;
                network.run(&self.frames[0])?;
                let cold_ms = ms(start);
                let session_bytes = network.session_bytes()?;
                self.networks.push(network);
                let variant = self.networks.len() - 1;
                Ok(
                    json!({ "variant": variant, "cold_ms": cold_ms, "session_bytes": session_bytes }),
                )
            }
            "answer" => {
                let network = &mut self.networks[number("variant")?];
                let logits: Result<Vec<Vec<f32>>, _> = self
                    .frames
                    .iter()
                    .map(|frame| network.run(frame).map(<[f32]>::to_vec))
                    .collect();
                Ok(json!({ "logits": logits? }))
            }
            "time" => {
                let network = &mut self.networks[number("variant")?];
                let (runs, samples) = (number("runs")?, number("samples")?);
                let mut times = Vec::with_capacity(samples);
                for _ in 0..samples {
                    let start = Instant::now();
                    for _ in 0..runs {
                        black_box(network.run(black_box(&self.frames[0]))?);
                    }
                    times.push(ms(start) / runs as f64);
                }
                Ok(json!({ "ms": times }))
            }
            "profile" => {
                let network = &mut self.networks[number("variant")?];
                let share = network.conv_share(&self.frames[0], number("runs")?)?;
                Ok(json!({ "conv_share": share }))
            }
            "forget" => {
                self.networks.clear();
                Ok(json!({}))
            }
            other => Err(format!("there is no request {other}").into()),
        }
    }
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
