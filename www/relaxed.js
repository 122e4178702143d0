// Whether this browser has the relaxed instructions. `cargo xtask dist` puts it before the scripts that
// choose a build of the worker by it.
"use strict";

// A module with one function that uses one: f32x4.relaxed_madd of three splats.
const RELAXED = WebAssembly.validate(
  Uint8Array.from([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 15,
    65, 0, 253, 15, 65, 0, 253, 15, 253, 133, 2, 11,
  ]),
);
