//! A screen that nobody sees, for a browser that cannot be without a window.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::Result;

pub(crate) const PROGRAM: &str = "Xvfb";

/// Xvfb, ended with this value.
#[derive(Debug)]
pub(crate) struct Screen {
    process: Child,
    display: String,
}

impl Screen {
    pub(crate) fn start() -> Result<Self> {
        let failed = |why: std::io::Error| format!("{PROGRAM} did not start: {why}");
        let mut process = Command::new(PROGRAM)
            // It chooses a free number and tells it.
            .args(["-displayfd", "1", "-screen", "0", "1440x1000x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let mut number = String::new();
        if let Some(told) = process.stdout.take() {
            BufReader::new(told).read_line(&mut number).map_err(failed)?;
        }
        let display = format!(":{}", number.trim());
        Ok(Self { process, display })
    }

    /// What a program is told that is to be on it.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![("DISPLAY", self.display.clone())]
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
