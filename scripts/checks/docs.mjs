// Relative links in Markdown files lead to a file that exists and, where they name one, to a heading in it.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { files } from '../files.mjs';
import { ROOT } from '../sources.mjs';

/**
 * @param {string} [root]
 * @returns {import('../check.mjs').Outcome}
 */
export default function docs(root = ROOT) {
  const pages = files('', ['.md'], root);
  const broken = pages.flatMap((page) =>
    links(path.join(root, page))
      .filter((link) => !resolves(path.join(root, page), link))
      .map((link) => `${page}: ${link} leads nowhere`),
  );
  return { checked: [`${pages.length} Markdown files`], skipped: [], violations: broken };
}

/**
 * The file's prose: without its code, where brackets mean other things.
 *
 * @param {string} page
 */
function prose(page) {
  return readFileSync(page, 'utf8')
    .replace(/^(```|~~~).*?^\1/gms, '')
    .replace(/`[^`\n]*`/g, '``');
}

/**
 * @param {string} page
 * @returns {string[]} relative ones only
 */
function links(page) {
  const targets = [...prose(page).matchAll(/\]\(<?([^)\s>]+)[^)]*\)|^\[[^\]]+\]:\s*(\S+)/gm)].map(
    (m) => m[1] ?? m[2] ?? '',
  );
  return targets.filter((target) => !/^[a-z][a-z+.-]*:|^\/\//i.test(target));
}

/**
 * @param {string} page
 * @param {string} link
 */
function resolves(page, link) {
  const [file = '', heading] = link.split('#').map(decodeURIComponent);
  const target = file === '' ? page : path.resolve(path.dirname(page), file);
  if (!existsSync(target)) return false;
  return heading === undefined || !target.endsWith('.md') || headings(target).includes(heading.toLowerCase());
}

/**
 * The names that GitHub gives a page's headings.
 *
 * @param {string} page
 */
function headings(page) {
  const text = readFileSync(page, 'utf8').replace(/^(```|~~~).*?^\1/gms, '');
  return [...text.matchAll(/^#+\s+(.*)$/gm)].map(([, title = '']) =>
    title
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
