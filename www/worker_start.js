// Starts the worker's module: the build for the widest instructions that this browser has. trunk's own
// loader calls wasm-bindgen in a way that it warns about. Before it stand `RELAXED` (relaxed.js) and
// `BUILDS`, what the files of each build are called.

// `?kernels=simd128` in the page's address asks for the build that runs everywhere.
const asked = new URLSearchParams(self.location.search).get("kernels");

async function start() {
  let name = BUILDS.everywhere;
  let response;
  if (asked !== "simd128" && RELAXED) {
    name = BUILDS.relaxed;
    response = await fetch(name + "_bg.wasm").catch(() => undefined);
  }
  if (!response?.ok) {
    // Not published: slower is better than not at all.
    name = BUILDS.everywhere;
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
