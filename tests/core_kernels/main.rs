//! What holds natively and in a browser in both builds of the kernels: what differs between the builds
//! is the kernels, and what must not is the files and the drives.

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[path = "../asking/mod.rs"]
mod asking;

mod drive;
mod goldens;
mod kernels;
