// The layers: binding -> engine -> log -> core -> base, never up; Node only in the binding; the addon only in
// native.ts; what is around the package, its command line and adapters, only above it.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { files } from '../files.mjs';
import { ROOT, sources } from '../sources.mjs';

const LAYERS = ['base', 'core', 'log', 'engine', 'binding'];
const AROUND = ['lib/adapters/', 'lib/cli/'];
const NODE_HEADER = /^(node|napi|js_native_api|uv|v8)\b|^node_|^js_native_api|^napi-|^v8-/;

/**
 * @param {string} [root]
 * @returns {import('../check.mjs').Outcome}
 */
export default function layers(root = ROOT) {
  const cpp = files('native', ['.cc', '.h'], root);
  const ts = files('lib', ['.ts'], root);
  return {
    checked: [`${cpp.length} C++ files`, `${ts.length} TypeScript files`],
    skipped: [],
    violations: [
      ...cpp.flatMap((file) => includeViolations(root, file)),
      ...listViolations(root, cpp),
      ...ts.flatMap((file) => addonViolations(root, file)),
      ...ts.flatMap((file) => aroundViolations(root, file)),
    ],
  };
}

/**
 * @param {string} root
 * @param {string} file
 * @returns {string[]}
 */
function includeViolations(root, file) {
  const layer = file.split('/')[1] ?? '';
  if (!LAYERS.includes(layer)) return [`${file}: native/ holds ${LAYERS.join(', ')} and nothing else`];

  const text = readFileSync(path.join(root, file), 'utf8');
  return [...text.matchAll(/^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]/gm)].flatMap(([, kind, header = '']) => {
    if (layer !== 'binding' && NODE_HEADER.test(header))
      return [`${file}: includes ${header}; only binding knows Node`];
    if (kind === '<') return [];
    const target = header.split('/')[0] ?? '';
    if (!LAYERS.includes(target) || !existsSync(path.join(root, 'native', header))) {
      return [`${file}: includes "${header}", which is no path below native/`];
    }
    return LAYERS.indexOf(target) > LAYERS.indexOf(layer) ? [`${file}: includes ${header}, up from ${layer}`] : [];
  });
}

/**
 * @param {string} root
 * @param {string[]} cpp
 * @returns {string[]}
 */
function listViolations(root, cpp) {
  const listed = sources(root);
  const unlisted = cpp.filter((file) => file.endsWith('.cc') && !listed.includes(file));
  const absent = listed.filter((file) => !cpp.includes(file));
  return [
    ...unlisted.map((file) => `${file}: is not in native/sources.txt`),
    ...absent.map((file) => `native/sources.txt: lists ${file}, which does not exist`),
  ];
}

/**
 * @param {string} root
 * @param {string} file
 * @returns {string[]}
 */
function addonViolations(root, file) {
  if (file === 'lib/native.ts') return [];
  const text = readFileSync(path.join(root, file), 'utf8');
  const loads = /['"](node-gyp-build|bindings|[^'"\n]*\.node)['"]|\bprocess\.dlopen\b/.exec(text);
  return loads ? [`${file}: reaches the addon by ${loads[0]}; only lib/native.ts may`] : [];
}

/**
 * @param {string} root
 * @param {string} file
 * @returns {string[]}
 */
function aroundViolations(root, file) {
  const text = readFileSync(path.join(root, file), 'utf8');
  return [...text.matchAll(/['"](\.\.?\/[^'"\n]*)['"]/g)].flatMap(([, imported = '']) => {
    const target = path.posix.join(path.posix.dirname(file), imported);
    const folder = AROUND.find((around) => target.startsWith(around) && !file.startsWith(around));
    return folder === undefined ? [] : [`${file}: imports ${imported}; nothing outside of ${folder} may`];
  });
}
