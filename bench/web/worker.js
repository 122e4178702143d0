// Both engines in one worker, on one thread, answering one request after the other; the requests are
// told in `xtask/src/bench/rig.rs`.

import * as ort from "./onnxruntime-web/ort.wasm.min.mjs";

ort.env.wasm.wasmPaths = new URL("onnxruntime-web/", import.meta.url).href;
ort.env.wasm.numThreads = 1;
ort.env.wasm.proxy = false;

/** Steer8's module of each build, by its name. */
const builds = {};
/** What was loaded: `run` gives the first output, or a promise of it. */
let variants = [];
let frames = [];

async function steer8(build) {
  if (!builds[build]) {
    const module = await import(`./${build}/bench_web.js`);
    await module.default();
    builds[build] = module;
  }
  return builds[build];
}

async function bytes(file) {
  const answer = await fetch(file);
  if (!answer.ok) {
    throw new Error(`${file}: ${answer.status} ${answer.statusText}`);
  }
  return answer.arrayBuffer();
}

/** A network in an engine: how to run it on the frame of that number, and how to let it go. */
async function prepare(engine, build, file, shape) {
  if (engine === "steer8") {
    const network = new (await steer8(build)).Network(file);
    return {
      run: (frame) => network.run(frames[frame]),
      convShare: (runs) => network.conv_share(frames[0], runs),
      sessionBytes: network.session_bytes(),
      release: () => network.free(),
    };
  }
  const session = await ort.InferenceSession.create(file, {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
    executionMode: "sequential",
  });
  const [input] = session.inputNames;
  const [output] = session.outputNames;
  const feeds = frames.map((frame) => ({ [input]: new ort.Tensor("float32", frame, shape) }));
  return {
    run: async (frame) => (await session.run(feeds[frame]))[output].data,
    sessionBytes: null,
    release: () => session.release(),
  };
}

const answers = {
  /** The smallest step of the clock, in milliseconds. */
  grain() {
    let grain = Infinity;
    for (let steps = 0; steps < 50; steps++) {
      const start = performance.now();
      let now = start;
      while (now === start) {
        now = performance.now();
      }
      grain = Math.min(grain, now - start);
    }
    return { ms: grain };
  },

  async frames({ file, frame_len }) {
    const all = new Float32Array(await bytes(file));
    frames = [];
    for (let at = 0; at < all.length; at += frame_len) {
      frames.push(all.slice(at, at + frame_len));
    }
    return {};
  },

  async load({ engine, build, file, shape }) {
    const content = new Uint8Array(await bytes(file));
    if (engine === "steer8") {
      // Compiling the module is no part of preparing a network.
      await steer8(build);
    }
    const start = performance.now();
    const variant = await prepare(engine, build, content, shape);
    await variant.run(0);
    const cold_ms = performance.now() - start;
    variants.push(variant);
    return { variant: variants.length - 1, cold_ms, session_bytes: variant.sessionBytes };
  },

  async answer({ variant }) {
    const logits = [];
    for (const frame of frames.keys()) {
      logits.push([...(await variants[variant].run(frame))]);
    }
    return { logits };
  },

  async time({ variant, runs, samples }) {
    const { run } = variants[variant];
    const ms = [];
    for (let sample = 0; sample < samples; sample++) {
      const start = performance.now();
      for (let i = 0; i < runs; i++) {
        // Waiting for what is no promise would cost our side what it does not owe.
        const done = run(0);
        if (done instanceof Promise) {
          await done;
        }
      }
      ms.push((performance.now() - start) / runs);
    }
    return { ms };
  },

  profile({ variant, runs }) {
    return { conv_share: variants[variant].convShare(runs) };
  },

  async forget() {
    for (const variant of variants) {
      await variant.release();
    }
    variants = [];
    return {};
  },

  /** The most GMAC/s of each kind of step, over all numbers of chains; 0 where a build has none. */
  async peak({ build, repeats }) {
    const { peak, Step } = await steer8(build);
    const best = (step) => {
      let most = 0;
      for (const chains of [6, 8, 10, 12, 14]) {
        // As many rounds as last some 10 ms.
        let rounds = 1000;
        let ms = 0;
        while (ms < 10) {
          rounds *= 2;
          const start = performance.now();
          if (peak(step, chains, rounds) === 0) {
            return 0;
          }
          ms = performance.now() - start;
        }
        for (let i = 0; i < repeats; i++) {
          const start = performance.now();
          const macs = peak(step, chains, rounds);
          most = Math.max(most, macs / (performance.now() - start) / 1e6);
        }
      }
      return most;
    };
    return {
      f32_gmacs: best(Step.MulAdd),
      f32_relaxed_gmacs: best(Step.RelaxedMadd),
      int8_gmacs: best(Step.Dot),
    };
  },
};

onmessage = async ({ data }) => {
  try {
    postMessage(await answers[data.do](data));
  } catch (why) {
    postMessage({ error: `${data.do}: ${why?.message ?? why}` });
  }
};
