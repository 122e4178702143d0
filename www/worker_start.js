// Starts the worker's module. trunk does not hash the names of a worker's files; its own loader
// calls wasm-bindgen in a way that it warns about.
"use strict";
importScripts("worker.js");
wasm_bindgen({ module_or_path: "worker_bg.wasm" }).catch((error) => {
  // A rejection stays inside the worker; what is thrown reaches the page.
  setTimeout(() => {
    throw error;
  });
});
