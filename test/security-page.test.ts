/** SECURITY.md keeps its word: every threat has a proof, and every proof is a test that exists. */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

interface Threat {
  readonly threat: string;
  readonly mitigation: string;
  readonly proofs: readonly { readonly file: string; readonly name: string }[];
}

function threats(): readonly Threat[] {
  const page = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8');
  const section = /## Threats\n([\s\S]*?)\n## /.exec(page)?.[1] ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| threat |'))
    .map((line) => {
      const [threat = '', mitigation = '', proof = '', ...more] = line.slice(2, -2).split(' | ');
      expect(more, line).toEqual([]);
      const proofs = [...proof.matchAll(/`(test\/[^`]+)`: “([^”]+)”/g)].map(
        ([, file = '', name = '']) => ({ file, name }),
      );
      // Nothing stands in the cell beside the proofs.
      expect(proofs.map(({ file, name }) => `\`${file}\`: “${name}”`).join('; ')).toBe(proof);
      return { threat, mitigation, proofs };
    });
}

/** The names that are given to tests in a file, as they stand in its source. */
function namesIn(file: string): ReadonlySet<string> {
  const source = readFileSync(join(ROOT, file), 'utf8');
  // `test('…'`, and behind the cases of `test.each(…)`: `)('…'`; in any of the three quotes.
  const named = source.matchAll(
    /(?:\btest(?:\.\w+)?(?:\([\w.]+\))?|\))\(\s*(['"`])((?:(?!\1)[^\\\n]|\\.)+)\1/g,
  );
  return new Set([...named].map(([, , name = '']) => name));
}

test('the page names enough threats, each with a mitigation and a proof', () => {
  const all = threats();
  expect(all.length).toBeGreaterThan(20);
  for (const { threat, mitigation, proofs } of all) {
    expect(threat.length, threat).toBeGreaterThan(10);
    expect(mitigation.length, threat).toBeGreaterThan(10);
    expect(proofs.length, threat).toBeGreaterThan(0);
  }
});

describe('each proof is a test of that name', () => {
  const proofs = threats().flatMap((threat) => threat.proofs);
  test.each(proofs)('$file: $name', ({ file, name }) => {
    expect([...namesIn(file)]).toContain(name);
  });
});

test('a name that no test has is not found (the control)', () => {
  expect(namesIn('test/security-page.test.ts')).toContain(
    'a name that no test has is not found (the control)',
  );
  expect(namesIn('test/security-page.test.ts')).not.toContain('something else');
});
