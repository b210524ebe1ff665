// Results as people read them; nothing here measures.

/** @typedef {import('./pairs.mjs').Row} Row */

const DIGITS = { ns: 0, ms: 2, bytes: 0, 'M/s': 2, 'k/s': 1, 'MB/s': 0, calls: 0 };

/** @param {Row} row */
export function describeRow(row) {
  const { name, unit, subject, reference, ratio, note = '' } = row;
  const show = (/** @type {number} */ figure) =>
    `${figure.toLocaleString('en-US', { minimumFractionDigits: DIGITS[unit], maximumFractionDigits: DIGITS[unit] })} ${unit}`;
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

/** @param {import('./suites.mjs').Finding} finding */
export function showFinding(finding) {
  if ('progress' in finding) return console.log(`  … ${finding.progress}`);
  if ('skipped' in finding) return console.log(`  SKIPPED ${finding.skipped}`);
  const { name, subject, reference, ratio, spread, isNoChange, target, note } = describeRow(finding);
  const sides = [`${finding.subject.label} ${subject}`, `${finding.reference.label} ${reference}`];
  const verdict = [isNoChange ? 'no difference' : '', target, note].filter(Boolean).join('; ');
  const columns = [name.padEnd(64), ...sides.map((side) => side.padStart(28)), ratio.padStart(7), `(${spread})`];
  console.log(`  ${columns.join(' ')}  ${verdict}`.trimEnd());
}

/** @param {import('./results.mjs').Result} result */
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

/**
 * Rows that have a target, and what became of it.
 *
 * @param {import('./results.mjs').Result} result
 */
export function showTargets({ suites }) {
  const rows = suites
    .flatMap(({ name, rows }) => rows.map((row) => ({ suite: name, row })))
    .filter(({ row }) => row.target !== undefined);
  const missed = rows.filter(({ row }) => describeTarget(row).endsWith('MISSED'));
  console.log(`\n${rows.length - missed.length} of ${rows.length} targets reached`);
  for (const { suite, row } of missed) {
    const { name, subject, reference } = row;
    const found = `${subject.label} to ${reference.label} ${describeRow(row).ratio}`;
    console.log(`  missed: ${suite}: ${name}: ${found}, ${describeTarget(row)}`);
  }
}
