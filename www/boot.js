// Starts the page, or says what the browser lacks.
(function () {
  "use strict";
  const { page, wasm } = document.currentScript.dataset;

  // A module with one function that uses a 128-bit instruction: i8x16.popcnt(i8x16.splat(0)).
  const SIMD = [
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253,
    15, 253, 98, 11,
  ];

  function needs(text) {
    const note = document.createElement("p");
    note.className = "needs";
    note.setAttribute("role", "alert");
    note.dataset.testid = "needs";
    note.textContent = text;
    document.body.append(note);
  }

  if (typeof WebAssembly !== "object" || !WebAssembly.validate(Uint8Array.from(SIMD))) {
    needs(
      "Steer8 computes in WebAssembly with 128-bit SIMD, which this browser lacks. It works in " +
        "Chrome and Edge 91, Firefox 89, Safari 16.4 and newer; some browsers switch WebAssembly " +
        "off in a lockdown or strict mode.",
    );
    return;
  }
  const url = (path) => new URL(path, document.baseURI).href;
  import(url(page))
    .then((module) => module.default({ module_or_path: url(wasm) }))
    .catch((error) => {
      needs("The page could not be started: " + error + ". Reload it; if that does not help, it was not published whole.");
      throw error;
    });
})();
