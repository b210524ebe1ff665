// All bugs in one copy of the sources, each behind a switch, so that what they are in is built once. (Mutant schemata:
// R. Untch, A. Offutt and M. Harrold, "Mutation analysis using mutant schemata", 1993.)
//
// Of statements, `{ if (planted(7)) { with the bug } else { as it is } }`; of an expression, `(planted(7) ? (with the
// bug) : (as it is))`: the same in C++ and TypeScript. Bugs of one text ask one after the other, and what stays as it is
// may have others in it.

/** @typedef {import('../../test/planted/bugs.mjs').Bug} Bug */
/** @typedef {Pick<Bug, 'name' | 'file' | 'find' | 'replace' | 'within' | 'alone'>} Planted */
/** @typedef {{ bug: Planted, number: number, start: number, end: number }} Place */

/**
 * Where the bug's text is, or why that cannot be told.
 *
 * @param {string} text of its file
 * @param {Planted} bug
 * @returns {{ start: number, end: number } | string}
 */
export function placeOf(text, { find, within = find, file }) {
  for (const [part, whole, where] of /** @type {const} */ ([
    [within, text, file],
    [find, within, 'what it is within'],
  ])) {
    const count = whole.split(part).length - 1;
    if (count !== 1) return `its text occurs ${count} times in ${where}`;
  }
  const start = text.indexOf(within) + within.indexOf(find);
  return { start, end: start + find.length };
}

/**
 * The text of a file with all of its bugs, by their numbers.
 *
 * @param {string} text
 * @param {ReadonlyMap<number, Planted>} bugs
 */
export function withSwitches(text, bugs) {
  const places = [...bugs].map(([number, bug]) => {
    const place = placeOf(text, bug);
    if (typeof place === 'string') throw new Error(`${bug.name}: ${place}`);
    return { bug, number, ...place };
  });
  places.sort((a, b) => a.start - b.start || b.end - a.end);
  return switched(text, 0, text.length, places);
}

/**
 * @param {string} text
 * @param {number} start
 * @param {number} end
 * @param {Place[]} places between start and end, in order, what holds others before them
 * @returns {string}
 */
function switched(text, start, end, places) {
  let result = '';
  let at = start;
  for (let i = 0; i < places.length; ) {
    const outer = /** @type {Place} */ (places[i]);
    const inside = places.slice(i).filter((place) => place.start < outer.end);
    i += inside.length;
    const crossing = inside.find((place) => place.end > outer.end);
    if (crossing !== undefined)
      throw new Error(`${crossing.bug.name}: its text begins within that of ${outer.bug.name}`);
    const same = inside.filter((place) => place.end === outer.end && place.start === outer.start);
    const original = switched(text, outer.start, outer.end, inside.slice(same.length));
    result += text.slice(at, outer.start) + same.reduceRight(withSwitch, original);
    at = outer.end;
  }
  return result + text.slice(at, end);
}

/**
 * @param {string} original
 * @param {Place} place
 */
function withSwitch(original, { number, bug }) {
  if (/[;}]\s*$/.test(bug.find)) return `{ if (planted(${number})) {\n${bug.replace}\n} else {\n${original}\n} }`;
  return `(planted(${number}) ? (${bug.replace}) : (${original}))`;
}
