// Charts as SVG: lines over a logarithmic or linear axis, and bars. Readable on light and on dark pages, and without
// fonts of their own.

const WIDTH = 720;
/** Room for title and axes; the legend is below. */
const MARGIN = { left: 92, right: 24, top: 48, bottom: 60 };
const PLOT = { width: WIDTH - MARGIN.left - MARGIN.right, height: 256 };
const LINE_HEIGHT = 18;
/** About as wide as a character gets on average. */
const CHAR_WIDTH = 7;
/** Colours that differ for colour-blind readers as well, on white and on black (P. Tol's bright scheme, and orange). */
const COLORS = ['#4477aa', '#ee6677', '#228833', '#ccbb44', '#66ccee', '#aa3377', '#999999', '#ee7733'];

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .axis { stroke: #59636e; }
  .grid { stroke: #d1d9e0; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .axis { stroke: #9198a1; }
    .grid { stroke: #3d444d; }
  }`;

/** @typedef {{ label: string, isLogarithmic?: boolean, format?: (value: number) => string }} Axis label with its unit */
/** @typedef {{ name: string, isDashed?: boolean, color?: number, points: [number, number][] }} Line */
/** @typedef {{ name: string, isDashed?: boolean, color?: number }} LegendItem */
/** @typedef {{ position: (value: number) => number, ticks: number[] }} Scale */

/**
 * @param {{ title: string, x: Axis, y: Axis, lines: Line[] }} chart
 * @returns {string}
 */
export function drawLines({ title, x, y, lines }) {
  const points = lines.flatMap((line) => line.points);
  const across = x.isLogarithmic
    ? createLogarithmicScale(points.map(([value]) => value))
    : createStepScale(points.map(([value]) => value));
  const up = y.isLogarithmic
    ? createLogarithmicScale(points.map(([, value]) => value))
    : createLinearScale(points.map(([, value]) => value));
  const at = (/** @type {[number, number]} */ [a, b]) => [left(across.position(a)), top(up.position(b))].join(',');
  const drawn = lines.map(({ points, isDashed, color }, index) => {
    const paint = COLORS[(color ?? index) % COLORS.length];
    const dots = points.map((point) => {
      const [cx, cy] = at(point).split(',');
      return `<circle cx="${cx}" cy="${cy}" r="3" fill="${paint}"/>`;
    });
    const dash = isDashed ? ' stroke-dasharray="5 4"' : '';
    return `<polyline points="${points.map(at).join(' ')}" fill="none" stroke="${paint}" stroke-width="2"${dash}/>${dots.join('')}`;
  });
  return frame(title, [...drawAxes(x, across, y, up), ...drawn], lines);
}

/**
 * Groups of bars.
 *
 * @param {{ title: string, y: Axis, groups: string[], bars: { name: string, values: (number | undefined)[] }[] }} chart
 *   a value for each group, whose names may have lines
 * @returns {string}
 */
export function drawBars({ title, y, groups, bars }) {
  const values = bars.flatMap(({ values }) => values).filter((value) => value !== undefined);
  const up = y.isLogarithmic ? createLogarithmicScale(values) : createLinearScale(values);
  const room = 1 / groups.length;
  const width = (0.84 * room) / bars.length;
  const drawn = groups.flatMap((_, group) => {
    const present = bars.flatMap(({ values }, index) => ({
      value: values[group],
      color: COLORS[index % COLORS.length],
    }));
    const shown = present.filter(({ value }) => value !== undefined);
    const from = (group + 0.5) * room - (shown.length * width) / 2;
    return shown.map(({ value = 0, color }, index) => {
      const [x, y] = [left(from + index * width), top(up.position(value))];
      const size = `width="${round(0.9 * width * PLOT.width)}" height="${round(top(0) - y)}"`;
      return `<rect x="${x}" y="${y}" ${size} fill="${color}"/>`;
    });
  });
  const names = groups.flatMap((name, group) =>
    name
      .split('\n')
      .map((line, index) => text(left((group + 0.5) * room), top(0) + (index + 1) * LINE_HEIGHT, line, 'middle')),
  );
  return frame(title, [...drawVertical(y, up), ...drawn, ...names], bars);
}

/**
 * @param {Axis} x
 * @param {Scale} across
 * @param {Axis} y
 * @param {Scale} up
 */
function drawAxes(x, across, y, up) {
  const format = x.format ?? String;
  return [
    ...drawVertical(y, up),
    ...across.ticks.map((tick) => text(left(across.position(tick)), top(0) + 18, format(tick), 'middle')),
    text(left(0.5), top(0) + 38, x.label, 'middle'),
  ];
}

/**
 * @param {Axis} y
 * @param {Scale} up
 */
function drawVertical({ label, format = String }, up) {
  const [middle, bottom] = [top(0.5), top(0)];
  return [
    ...up.ticks.map((tick) => {
      const y = top(up.position(tick));
      return `<line class="grid" x1="${left(0)}" x2="${left(1)}" y1="${y}" y2="${y}"/>${text(left(0) - 8, y + 4, format(tick), 'end')}`;
    }),
    `<line class="axis" x1="${left(0)}" x2="${left(1)}" y1="${bottom}" y2="${bottom}"/>`,
    `<text transform="translate(18 ${middle}) rotate(-90)" text-anchor="middle">${escaped(label)}</text>`,
  ];
}

/** @param {LegendItem[]} items */
function drawLegend(items) {
  const columns = legendColumns(items);
  return items.map(({ name, color, isDashed }, index) => {
    const x = MARGIN.left + (index % columns) * (PLOT.width / columns);
    const y = top(0) + MARGIN.bottom + Math.floor(index / columns) * LINE_HEIGHT;
    const dash = isDashed ? ' stroke-dasharray="4 3"' : '';
    const paint = COLORS[(color ?? index) % COLORS.length];
    const sample = `<line x1="${round(x)}" x2="${round(x + 22)}" y1="${y - 4}" y2="${y - 4}" stroke="${paint}" stroke-width="4"${dash}/>`;
    return sample + text(round(x + 28), y, name, 'start');
  });
}

/** @param {LegendItem[]} items */
function legendColumns(items) {
  const longest = Math.max(...items.map(({ name }) => name.length));
  return Math.min(3, Math.floor(PLOT.width / (36 + CHAR_WIDTH * longest)));
}

// --- Scales: from a value to 0…1 -------------------------------------------------------------------------------------

/**
 * @param {number[]} values
 * @returns {Scale}
 */
function createLinearScale(values) {
  const max = Math.max(...values) * 1.05;
  const step =
    [1, 2, 2.5, 5, 10].map((f) => f * 10 ** Math.floor(Math.log10(max / 4))).find((s) => max / s <= 6) ?? max;
  const ticks = Array.from({ length: Math.floor(max / step) + 1 }, (_, index) => Number((index * step).toPrecision(6)));
  return { position: (value) => value / max, ticks };
}

/**
 * @param {number[]} values
 * @returns {Scale}
 */
function createLogarithmicScale(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)].map(Math.log10);
  const [from, to] = [Math.floor(/** @type {number} */ (low) + 1e-9), Math.ceil(/** @type {number} */ (high) - 1e-9)];
  const ticks = Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index));
  return { position: (value) => (Math.log10(value) - from) / (to - from), ticks };
}

/**
 * A place for each value that occurs, all as far apart.
 *
 * @param {number[]} values
 * @returns {Scale}
 */
function createStepScale(values) {
  const ticks = [...new Set(values)].sort((a, b) => a - b);
  return { position: (value) => (ticks.indexOf(value) + 0.5) / ticks.length, ticks };
}

// --- SVG -------------------------------------------------------------------------------------------------------------

/** @param {number} share of the plot's width */
const left = (share) => round(MARGIN.left + share * PLOT.width);
/** @param {number} share of the plot's height */
const top = (share) => round(MARGIN.top + (1 - share) * PLOT.height);
/** @param {number} pixels */
const round = (pixels) => Math.round(10 * pixels) / 10;

/**
 * @param {string} title
 * @param {string[]} parts
 * @param {LegendItem[]} items
 */
function frame(title, parts, items) {
  const height = top(0) + MARGIN.bottom + Math.ceil(items.length / legendColumns(items)) * LINE_HEIGHT;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">`;
  const name = `<text class="title" x="${WIDTH / 2}" y="26" text-anchor="middle">${escaped(title)}</text>`;
  return `${[head, `<style>${STYLE}\n</style>`, name, ...parts, ...drawLegend(items), '</svg>'].join('\n')}\n`;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} words
 * @param {'start' | 'middle' | 'end'} anchor
 */
function text(x, y, words, anchor) {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escaped(words)}</text>`;
}

/** @param {string} words */
function escaped(words) {
  return words.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
