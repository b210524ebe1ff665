// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Stores until memory is out (the caller limits it), then goes on with what is there. The bytes are always the same ones, so that
// it is the store that runs out, and not V8.
import { addon } from '../../../dist/native.js';

const native = addon.create(undefined, 0, 0, false);
const { slot } = native;
const bytes = new Uint8Array(128 * 2 ** 20);
addon.set(slot, 'first', 1);
let stored = 0;
let error;
while (error === undefined && stored < 1000) {
  try {
    addon.setEncoded(slot, stored, addon.valueKinds.Uint8Array, bytes, 0, bytes.length);
    stored++;
  } catch (thrown) {
    error = thrown;
  }
}
const before = [addon.get(slot, 'first'), addon.has(slot, 0), addon.has(slot, stored), addon.size(slot) === stored + 1];
const overwrite = (() => {
  try {
    addon.setEncoded(slot, 'first', addon.valueKinds.Uint8Array, bytes, 0, bytes.length);
    return 'stored';
  } catch {
    return addon.get(slot, 'first');
  }
})();
addon.delete(slot, 0);
addon.setEncoded(slot, 'after', addon.valueKinds.Uint8Array, bytes, 0, 1000);
const after = [addon.has(slot, 0), addon.has(slot, 'after'), addon.size(slot) === stored + 1];
console.log(JSON.stringify({ name: error?.name, code: error?.code, before, overwrite, after }));
