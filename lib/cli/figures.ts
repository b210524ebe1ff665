/** Figures as people read them. */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;
const KIBI = 1024;

/** With a comma between thousands. */
export function count(value: number): string {
  return whole.format(value);
}

/** `1 entry`, `2 entries`. */
export function countOf(value: number, one: string, many: string): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export function bytes(value: number): string {
  if (value < KIBI) return `${value} B`;
  let scaled = value;
  let unit = -1;
  while (scaled >= KIBI && unit < UNITS.length - 1) {
    scaled /= KIBI;
    unit++;
  }
  return `${scaled.toFixed(1)} ${UNITS[unit]}`;
}

export function milliseconds(value: number): string {
  return value < 1000 ? `${value.toFixed(value < 10 ? 1 : 0)} ms` : `${(value / 1000).toFixed(1)} s`;
}

/** Rows of cells below one another. The second of a row is a figure, and figures end together. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      column === 1 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
    );
    return `  ${cells.join('  ')}`.trimEnd();
  });
}
