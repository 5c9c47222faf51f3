// Checks the boundaries of the source tree, then proves each rule: a copy of the tree with planted
// breaches must be refused for exactly those. A check that found no files, or whose parser can't
// read today's TypeScript any more, would otherwise pass everything.

import {
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix, resolve } from 'node:path';
import { parseAst } from 'rolldown/parseAst';
import { BREACHES, ENVIRONMENT, ENVIRONMENT_READER, NO_CYCLES, RULES } from './boundary-rules.mjs';

const root = resolve(import.meta.dirname, '..');

const breaches = findBreaches(root);
if (breaches.length > 0) {
  console.error(breaches.map(({ rule, from, what }) => `${from}: ${rule} (${what})`).join('\n'));
  process.exit(1);
}
const missed = proveRules();
if (missed.length > 0) {
  console.error(`The boundary check does not see these breaches:\n- ${missed.join('\n- ')}`);
  process.exit(1);
}
console.log(`Boundaries hold; each of ${BREACHES.length} planted breaches was refused.`);

function proveRules() {
  const copy = mkdtempSync(join(tmpdir(), 'latchkey-boundaries-'));
  try {
    cpSync(join(root, 'src'), join(copy, 'src'), { recursive: true });
    for (const [, file, text] of BREACHES) writeFileSync(join(copy, file), `${text}\n`);
    const found = findBreaches(copy);
    const unseen = BREACHES.filter(
      ([rule, file]) => !found.some((breach) => breach.rule === rule && breach.from === file),
    );
    const unproved = [...Object.keys(RULES), NO_CYCLES, ENVIRONMENT].filter(
      (rule) => !BREACHES.some(([proved]) => proved === rule),
    );
    return [
      ...unseen.map(([rule, file]) => `${file}: ${rule}`),
      ...unproved.map((rule) => `${rule}: nothing is planted for it`),
    ];
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** All breaches in `directory`, each `{ rule, from, what }`. */
function findBreaches(directory) {
  const files = globSync('src/**/*.{js,ts}', { cwd: directory }).map((file) =>
    file.replaceAll('\\', '/'),
  );
  if (files.length === 0) throw new Error(`There are no source files in ${directory}.`);
  const imports = [];
  const found = [];
  for (const from of files) {
    const { specifiers, readsEnvironment } = read(join(directory, from));
    for (const specifier of specifiers) imports.push(resolveImport(directory, from, specifier));
    if (readsEnvironment && from !== ENVIRONMENT_READER) {
      found.push({ rule: ENVIRONMENT, from, what: 'process.env' });
    }
  }
  for (const edge of imports) {
    for (const [rule, forbids] of Object.entries(RULES)) {
      if (forbids(edge)) found.push({ rule, from: edge.from, what: edge.to ?? edge.name });
    }
  }
  return [...found, ...findCycles(files, imports)];
}

/** Everything a file imports, by whatever syntax, types included. */
function read(file) {
  const program = parseAst(readFileSync(file, 'utf8'), { lang: 'ts' }, file);
  const specifiers = new Set();
  let readsEnvironment = false;
  const visit = (node) => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (typeof node !== 'object' || node === null) return undefined;
    const source = sourceOf(node);
    if (source !== undefined) {
      if (typeof source.value !== 'string') throw new Error(`${file} imports a computed name.`);
      specifiers.add(source.value);
    }
    if (isEnvironment(node)) readsEnvironment = true;
    return Object.values(node).forEach(visit);
  };
  visit(program.body);
  return { specifiers, readsEnvironment };
}

function sourceOf(node) {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ImportExpression':
    case 'ExportAllDeclaration':
    case 'TSImportType':
      return node.source;
    case 'ExportNamedDeclaration':
      return node.source ?? undefined;
    case 'CallExpression':
      return node.callee.name === 'require' ? (node.arguments[0] ?? {}) : undefined;
    default:
      return undefined;
  }
}

/** `process.env`, `process['env']`, and `process` itself handed on or taken apart. */
function isEnvironment(node) {
  if (node.type === 'MemberExpression' && node.object.name === 'process') {
    return node.property.name === 'env' || node.property.value === 'env';
  }
  return node.type === 'VariableDeclarator' && node.init?.name === 'process';
}

function resolveImport(directory, from, specifier) {
  if (specifier.startsWith('.')) {
    const to = posix.join(posix.dirname(from), specifier);
    return { from, to, exists: existsSync(join(directory, to)) };
  }
  const parts = specifier.split('/');
  const name = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
  return { from, name: name === 'process' ? 'node:process' : name };
}

/** One breach for each file from which a way leads back to it. */
function findCycles(files, imports) {
  const next = new Map(files.map((file) => [file, []]));
  for (const { from, to } of imports) if (next.has(to)) next.get(from).push(to);
  return files.flatMap((from) => {
    const way = wayBack(from, next);
    return way === undefined ? [] : [{ rule: NO_CYCLES, from, what: way.join(' → ') }];
  });
}

function wayBack(start, next) {
  const cameFrom = new Map();
  const queue = [start];
  for (const file of queue) {
    for (const to of next.get(file)) {
      if (to === start) return trace(file, cameFrom, [start]);
      if (!cameFrom.has(to)) {
        cameFrom.set(to, file);
        queue.push(to);
      }
    }
  }
  return undefined;
}

function trace(file, cameFrom, way) {
  const whole = [file, ...way];
  const before = cameFrom.get(file);
  return before === undefined ? whole : trace(before, cameFrom, whole);
}
