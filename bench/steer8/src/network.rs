//! A network as both programs hold it.

use steer8::error::Result;
use steer8::onnx;
use steer8::runtime::{Arithmetic, Session};

pub(crate) struct Network {
    session: Session,
    logits: Vec<f32>,
}

impl Network {
    /// # Errors
    /// A file that Steer8 cannot read or run.
    pub(crate) fn new(file: &[u8]) -> Result<Self> {
        let session = Session::new(&onnx::read(file)?, None, Arithmetic::Fast)?;
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

    pub(crate) fn session_bytes(&self) -> usize {
        self.session.bytes()
    }
}
