//! What the figures were measured on.

use std::fs;
use std::process::Command;
use std::thread;

use crate::process::output;

/// The processor, how many of it, and the system.
pub(crate) fn name() -> String {
    let processor = processor().unwrap_or_else(|| std::env::consts::ARCH.into());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    format!("{processor}, {cores} cores, {}", std::env::consts::OS)
}

fn processor() -> Option<String> {
    if cfg!(target_os = "macos") {
        return output(Command::new("sysctl").args(["-n", "machdep.cpu.brand_string"]));
    }
    let described = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = described.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The system's load average over the last minute, where the system tells it.
fn load_now() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// The load while something was measured.
#[derive(Default)]
pub(crate) struct Load(Vec<f64>);

impl Load {
    pub(crate) fn look(&mut self) {
        self.0.extend(load_now());
    }

    /// The mean of what was seen.
    pub(crate) fn mean(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.iter().sum::<f64>() / self.0.len() as f64)
    }
}
