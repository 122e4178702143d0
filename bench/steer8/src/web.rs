//! Steer8 for `bench/web/worker.js`: a network to run, and the peak of this browser's thread.
#![cfg(target_arch = "wasm32")]

mod network;
mod peak;

use js_sys::Float32Array;
use steer8::kernels::Machine;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// A network prepared to run, and the frame that it runs on.
#[wasm_bindgen]
pub struct Network {
    network: network::Network,
    frame: Vec<f32>,
}

#[wasm_bindgen]
impl Network {
    /// From the content of an ONNX file.
    ///
    /// # Errors
    /// A file that Steer8 cannot read or run.
    #[wasm_bindgen(constructor)]
    pub fn new(file: &[u8]) -> Result<Network, JsError> {
        Ok(Self { network: network::Network::new(file, Machine::best())?, frame: Vec::new() })
    }

    /// The first output for one frame, copied in and out as any engine behind JavaScript has to.
    ///
    /// # Errors
    /// A frame of another size than the network's.
    pub fn run(&mut self, frame: &Float32Array) -> Result<Float32Array, JsError> {
        self.frame.resize(frame.length() as usize, 0.0);
        frame.copy_to(&mut self.frame);
        Ok(Float32Array::from(self.network.run(&self.frame)?))
    }

    /// The share of the operators' time that convolutions take, over so many runs.
    ///
    /// # Errors
    /// As `run`.
    pub fn conv_share(&mut self, frame: &Float32Array, runs: usize) -> Result<f64, JsError> {
        Ok(self.network.conv_share(&frame.to_vec(), runs)?)
    }

    /// # Errors
    /// A network that takes more memory than there may be.
    pub fn session_bytes(&mut self) -> Result<usize, JsError> {
        Ok(self.network.session_bytes()?)
    }
}
