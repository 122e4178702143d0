//! A network as both programs hold it.

use steer8::error::Result;
use steer8::kernels::Machine;
use steer8::onnx;
use steer8::runtime::{Arithmetic, Options, Session};

pub(crate) struct Network {
    session: Session,
    logits: Vec<f32>,
}

impl Network {
    /// Computed by the kernels of `machine`.
    ///
    /// # Errors
    /// A file that Steer8 cannot read or run.
    pub(crate) fn new(file: &[u8], machine: Machine) -> Result<Self> {
        let graph = onnx::read(file)?;
        let outputs: Vec<String> = graph.outputs.iter().map(|v| v.name.clone()).collect();
        let options = Options { machine, ..Options::new(Arithmetic::Fast) };
        let session = Session::observing(&graph, &outputs, None, options)?;
        Ok(Self { session, logits: Vec::new() })
    }

    /// The first output for one frame.
    ///
    /// # Errors
    /// A frame of another size than the network's.
    pub(crate) fn run(&mut self, frame: &[f32]) -> Result<&[f32]> {
        let logits = &mut self.logits;
        self.session.run(frame, |index, values| {
            if index == 0 {
                logits.clear();
                logits.extend_from_slice(values);
            }
        })?;
        Ok(&self.logits)
    }

    /// The share of the operators' time that convolutions take, over so many runs.
    ///
    /// # Errors
    /// As [`Network::run`].
    pub(crate) fn conv_share(&mut self, frame: &[f32], runs: usize) -> Result<f64> {
        let (mut in_convolutions, mut in_all) = (0.0, 0.0);
        for _ in 0..runs {
            for step in self.session.profile(frame)? {
                in_all += step.ms;
                if ["Conv", "QLinearConv"].contains(&step.operator) {
                    in_convolutions += step.ms;
                }
            }
        }
        Ok(in_convolutions / in_all)
    }

    /// # Errors
    /// A network that takes more memory than there may be.
    pub(crate) fn session_bytes(&mut self) -> Result<usize> {
        self.session.bytes()
    }
}
