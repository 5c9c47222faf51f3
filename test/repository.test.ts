/** What stands in this repository. */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { detectKeys } from '../src/keys/detection.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const PLACES = [
  'src',
  'test',
  'bench',
  'demo',
  'drizzle',
  '.ci',
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  '.env.example',
  'package.json',
];

function* filesUnder(path: string): Generator<string> {
  if (!statSync(path).isDirectory()) yield path;
  else for (const name of readdirSync(path).sort()) yield* filesUnder(join(path, name));
}

test('no file of the repository holds what looks like a key, so that scanners stay useful', () => {
  const alarms: string[] = [];
  let files = 0;
  for (const file of PLACES.flatMap((place) => [...filesUnder(join(ROOT, place))])) {
    files += 1;
    const found = detectKeys(readFileSync(file, 'utf8'));
    if (found.length > 0) alarms.push(relative(ROOT, file));
  }
  expect(files).toBeGreaterThan(300);
  expect(alarms).toEqual([]);
});
