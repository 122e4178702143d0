// Hands the requests of `cargo xtask bench` to the worker that does everything, one at a time.

const worker = new Worker("worker.js", { type: "module" });
let answered;

worker.onmessage = ({ data }) => answered(data);
worker.onerror = ({ message, filename }) =>
  answered?.({ error: `${message ?? "the worker did not start"} (${filename})` });

/** Asks the worker; gives its answer, or `{ error }`. */
globalThis.ask = (request) =>
  new Promise((resolve) => {
    answered = resolve;
    worker.postMessage(request);
  });
