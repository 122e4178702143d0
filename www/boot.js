// Starts the page, or says what the browser lacks; then has the browser keep the site.
(function () {
  "use strict";
  const { page, wasm } = document.currentScript.dataset;
  const url = (path) => new URL(path, document.baseURI).href;

  // A module with one function that uses a 128-bit instruction: i8x16.popcnt(i8x16.splat(0)).
  const SIMD = [
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253,
    15, 253, 98, 11,
  ];

  /** In place of the page. */
  function needs(text) {
    const note = document.createElement("p");
    note.className = "needs";
    note.setAttribute("role", "alert");
    note.dataset.testid = "needs";
    note.textContent = text;
    document.body.replaceChildren(note);
  }

  // The Content-Security-Policy lets nothing else decide what is a script: only files beside the page.
  self.trustedTypes?.createPolicy("default", {
    createScriptURL: (script) => (url(script).startsWith(url(".")) ? script : null),
  });

  if (typeof WebAssembly !== "object" || !WebAssembly.validate(Uint8Array.from(SIMD))) {
    needs(
      "Steer8 computes in WebAssembly with 128-bit SIMD, which this browser lacks. It works in " +
        "Chrome and Edge 91, Firefox 89, Safari 16.4 and newer; some browsers switch WebAssembly " +
        "off in a lockdown or strict mode.",
    );
    return;
  }
  if (typeof Worker !== "function") {
    needs("Steer8 computes in a worker beside the page, which this browser lacks or has switched off.");
    return;
  }
  import(url(page))
    .then((module) => module.default({ module_or_path: url(wasm) }))
    .catch((error) => {
      needs("The page could not be started: " + error + ". Reload it; if that does not help, it was not published whole.");
      throw error;
    });

  /** A newer version is kept beside this one; it is there from the next visit on, or now. */
  function offer(worker) {
    const note = document.createElement("p");
    note.className = "update panel";
    note.setAttribute("role", "status");
    note.dataset.testid = "update";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = "Reload with it";
    button.addEventListener("click", () => {
      navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
      worker.postMessage("take over");
    });
    note.append("A newer version of this page is here. ", button);
    document.body.append(note);
  }

  // Once the page has what it needs itself. Where nothing can be kept, everything works all the same.
  addEventListener(
    "settled",
    async () => {
      const registration = await navigator.serviceWorker?.register("sw.js").catch(() => undefined);
      if (!registration) {
        return;
      }
      const listen = (worker) =>
        worker?.addEventListener("statechange", () => {
          // The first version has nothing to take over from.
          if (worker.state === "installed" && navigator.serviceWorker.controller) {
            offer(worker);
          }
        });
      if (registration.waiting && navigator.serviceWorker.controller) {
        offer(registration.waiting);
      }
      listen(registration.installing);
      registration.addEventListener("updatefound", () => listen(registration.installing));
    },
    { once: true },
  );
})();
