// Starts the worker's module: the build for the widest instructions that this browser has. trunk does
// not hash the names of a worker's files; its own loader calls wasm-bindgen in a way that it warns
// about.
"use strict";

// A module with one function that uses a relaxed instruction: f32x4.relaxed_madd of three splats.
const RELAXED = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 15,
  65, 0, 253, 15, 65, 0, 253, 15, 253, 133, 2, 11,
];

// `?kernels=simd128` in the page's address asks for the build that runs everywhere.
const asked = new URLSearchParams(self.location.search).get("kernels");

async function start() {
  let name = "worker";
  let response;
  if (asked !== "simd128" && WebAssembly.validate(Uint8Array.from(RELAXED))) {
    name = "worker_relaxed";
    response = await fetch(name + "_bg.wasm").catch(() => undefined);
  }
  if (!response?.ok) {
    // Not published: slower is better than not at all.
    name = "worker";
    response = await fetch(name + "_bg.wasm");
  }
  if (!response.ok) {
    throw new Error(name + "_bg.wasm: " + response.status + " " + response.statusText);
  }
  importScripts(name + ".js");
  await wasm_bindgen({ module_or_path: response });
}

start().catch((error) => {
  // A rejection stays inside the worker; what is thrown reaches the page.
  setTimeout(() => {
    throw error;
  });
});
