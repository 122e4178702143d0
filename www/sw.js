// Keeps the site in this browser, so that it opens without a network. A version is one cache, and what is
// in it is what `cargo xtask dist` wrote: every file is compared with its SHA-256, so that versions are
// never mixed, whatever a host or a cache between answers. Before it stand `RELAXED` (relaxed.js) and
// what dist knows: `VERSION`, `FILES` (the SHA-256 of each), `BUILDS` (the worker's files) and `FIRST`
// (what is kept at once, besides the build for this browser; the others when they are fetched).

const CACHE = "steer8-" + VERSION;
const folder = new URL("./", self.location.href).href;

/** The file that an address means, if it is one of the site's. */
function fileOf(address) {
  const url = new URL(address);
  const plain = url.origin + url.pathname;
  if (!plain.startsWith(folder)) {
    return undefined;
  }
  const file = plain.slice(folder.length) || "index.html";
  return Object.hasOwn(FILES, file) ? file : undefined;
}

/** Hosts send `index.html` on to the folder, and what was sent on opens no page. */
function addressOf(file) {
  return folder + (file === "index.html" ? "" : file);
}

async function isIt(file, response) {
  if (!response?.ok) {
    return false;
  }
  const digest = await crypto.subtle.digest("SHA-256", await response.clone().arrayBuffer());
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  return hex.join("") === FILES[file];
}

/** Puts a file into this version's cache: from an older version, where it was the same, or from the host. */
async function keep(cache, file) {
  const address = addressOf(file);
  if (await cache.match(address)) {
    return;
  }
  let response = await caches.match(address);
  if (!(await isIt(file, response))) {
    response = await fetch(address, { cache: "no-cache" });
  }
  if (!(await isIt(file, response))) {
    throw new Error(file + " is not that of this version");
  }
  await cache.put(address, response);
}

async function install() {
  const cache = await caches.open(CACHE);
  const build = RELAXED ? BUILDS.relaxed : BUILDS.everywhere;
  for (const file of [...FIRST, build + ".js", build + "_bg.wasm"]) {
    await keep(cache, file);
  }
}

async function tidy() {
  // A page of another version that is still open may start a worker of that version.
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (pages.length > 1) {
    return;
  }
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("steer8-") && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}

async function answer(event, file) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(addressOf(file));
  if (kept) {
    // Under its own address, in which a worker looks for what it is told.
    return new Response(kept.body, kept);
  }
  const response = await fetch(event.request);
  const copy = response.clone();
  event.waitUntil(
    isIt(file, copy)
      .then((is) => (is ? cache.put(addressOf(file), copy) : undefined))
      .catch(() => undefined),
  );
  return response;
}

/** Whatever an older version has, for a page of it that is still open. */
async function answerOld(request) {
  return (await caches.match(request, { ignoreSearch: true })) ?? fetch(request);
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(tidy()));
self.addEventListener("message", (event) => {
  if (event.data === "take over") {
    self.skipWaiting();
  }
});
self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || !event.request.url.startsWith(folder)) {
    return;
  }
  const file = fileOf(event.request.url);
  event.respondWith(file ? answer(event, file) : answerOld(event.request));
});
