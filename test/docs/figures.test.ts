/** Danger: a guide tells what something costs by a figure that has been measured anew, or was never measured. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const GUIDES = path.resolve(import.meta.dirname, '../../docs/guides');

/** The section of a page that has this heading, as GitHub names it; without one the whole page. */
function sectionOf(page: string, heading: string | undefined): string {
  const text = readFileSync(page, 'utf8');
  if (heading === undefined) return text;
  return text.split(/^## /m).find((section) => slugOf(section.split('\n')[0] ?? '') === heading) ?? '';
}

const slugOf = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');

/** The ways in which a figure may be written where it is measured. */
function formsOf(figure: string): string[] {
  const thousands = /^([\d,]+),000$/.exec(figure)?.[1];
  return thousands === undefined ? [figure] : [figure, `${thousands} k/s`, `${thousands}.0 k/s`];
}

it.each(readdirSync(GUIDES))('%s tells costs by figures of the pages to which it leads', (guide) => {
  const costs = sectionOf(path.join(GUIDES, guide), 'what-it-costs');
  expect(costs).not.toBe('');
  const links = [...costs.matchAll(/\]\(([^)#]+\.md)(?:#([\w-]+))?\)/g)];
  const measured = links.map(([, page = '', heading]) => sectionOf(path.resolve(GUIDES, page), heading)).join('\n');
  // Those that have a fraction, a unit or thousands: others count something else.
  const figures = costs.match(/\b(?:\d+\.\d+|[\d,]+,000|\d+(?= (?:ns|bytes)\b))/g) ?? [];
  const known = (figure: string): boolean =>
    formsOf(figure).some((form) => new RegExp(`(?<![\\d.,])${form.replace('.', '\\.')}(?![\\d])`).test(measured));
  expect(figures.filter((figure) => !known(figure))).toEqual([]);
});
