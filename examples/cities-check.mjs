// How the parts of cities.mjs tell that something is not as it has to be.

export class CheckError extends Error {}

export function expectSame(what, found, expected) {
  if (found !== expected) throw new CheckError(`${what}: found ${found}, expected ${expected}`);
}
