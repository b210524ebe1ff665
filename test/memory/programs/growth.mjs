// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Whether a use of a map takes more and more memory: run it for a while, and then again.

/** Prints, for each pattern, by how much a map and the process grew from `steps[0]` steps of it to `steps[1]` more. */
export function reportGrowth(map, patterns, steps) {
  const measure = (pattern, count) => {
    for (let step = 0; step < count; step++) pattern(step);
    return { bytes: map.stats().bytesTotal, rss: settledRss() };
  };
  const report = {};
  for (const [name, pattern] of Object.entries(patterns)) {
    map.clear();
    const before = measure(pattern, steps[0]);
    const after = measure(pattern, steps[1]);
    report[name] = { bytesGrown: after.bytes - before.bytes, rssGrown: after.rss - before.rss, size: map.size };
  }
  console.log(JSON.stringify(report));
}

/** V8 gives memory back a while after a collection, in threads of its own: the least of some looks, in bytes. */
function settledRss() {
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < 10; look++) {
    globalThis.gc();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
    least = Math.min(least, process.memoryUsage.rss());
  }
  return least;
}
