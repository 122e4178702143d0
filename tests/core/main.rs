//! What holds natively and as WebAssembly in a browser. One program, because each is linked with the
//! whole core and starts a browser of its own.

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[path = "../asking/mod.rs"]
mod asking;
#[path = "../made_up/mod.rs"]
mod made_up;

mod answers;
mod drawn;
mod drive;
mod driver;
mod goldens;
mod inputs;
mod integers;
mod kernels;
mod learning;
mod onnx_operators;
mod operators;
mod prepare;
mod shapes;
mod spectra;
mod training;
mod values;
