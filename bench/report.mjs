// Results as people read them; nothing here measures.

/** @typedef {import('./pairs.mjs').Row} Row */

const DIGITS = { ns: 0, bytes: 0, 'M/s': 2 };

/** @param {Row} row */
export function describeRow(row) {
  const { name, unit, subject, reference, ratio, note = '' } = row;
  const show = (/** @type {number} */ figure) => `${figure.toFixed(DIGITS[unit])} ${unit}`;
  return {
    name,
    subject: show(subject.median),
    reference: show(reference.median),
    ratio: ratio.median.toFixed(2),
    spread: `${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}`,
    isNoChange: ratio.low <= 1 && ratio.high >= 1,
    target: describeTarget(row),
    note,
  };
}

/** @param {Row} row */
function describeTarget({ target, ratio, subject }) {
  if (target === undefined) return '';
  const found = target.of === 'ratio' ? ratio.median : subject.median;
  const reaches = (/** @type {number} */ bound) => (target.bound === 'max' ? found <= bound : found >= bound);
  const sign = target.bound === 'max' ? '≤' : '≥';
  if (reaches(target.goFor)) return `${sign} ${target.goFor} reached`;
  if (reaches(target.atLeast)) return `${sign} ${target.atLeast} reached, ${sign} ${target.goFor} not yet`;
  return `${sign} ${target.atLeast} MISSED`;
}

/** @param {Row[]} rows */
export function showRows(rows) {
  for (const row of rows) {
    const { name, subject, reference, ratio, spread, isNoChange, target, note } = describeRow(row);
    const sides = `${row.subject.label} ${subject}`.padStart(20) + `${row.reference.label} ${reference}`.padStart(20);
    const verdict = [isNoChange ? 'no difference' : '', target, note].filter(Boolean).join('; ');
    console.log(`  ${name.padEnd(56)}${sides}${ratio.padStart(7)} (${spread})  ${verdict}`.trimEnd());
  }
}

/** @param {import('./run.mjs').Result} result */
export function showHead({ machine, build }) {
  const { cpu, cores, memoryGiB, os, node, loadBefore } = machine;
  console.log(`${cpu}, ${cores} cores, ${memoryGiB} GiB, ${os}, Node ${node}`);
  console.log(`commit ${build.commit}${build.isModified ? ' and changes' : ''}, ${build.type} build`);
  if (loadBefore > 0.5)
    console.log(`NOTE: the machine is not idle (load ${loadBefore.toFixed(2)}): expect wide spreads`);
  console.log(
    'median of each side, ratio within a round with its quartiles; "no difference": the quartiles enclose 1\n',
  );
}
