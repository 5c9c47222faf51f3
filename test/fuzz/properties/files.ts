/** Files that an operator has: key ring, prices, thresholds, backups. */

import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect } from 'vitest';
import { BackupError } from '../../../src/db/backup/format.ts';
import { checkBackup } from '../../../src/db/backup/read.ts';
import { createPrices } from '../../../src/funding/prices.ts';
import { readPricesFile } from '../../../src/funding/prices-file.ts';
import { KeyRingError } from '../../../src/keys/key-ring.ts';
import { parseRingFile } from '../../../src/keys/key-ring-file.ts';
import { readThresholds } from '../../../src/moderation/thresholds-file.ts';
import { StartError } from '../../../src/start-error.ts';
import { bentJson, cut, oddText } from '../inputs.ts';
import { holds, throwsOnly } from '../property.ts';

const key = () => randomBytes(32).toString('base64url');
const RING_KEYS = [key(), key(), key(), key()] as const;
const [FIRST, SECOND, FINGERPRINT, AUDIT] = RING_KEYS;
const RING = {
  active: 'k-1',
  keys: { 'k-1': FIRST, 'k-2': SECOND },
  fingerprint: FINGERPRINT,
  audit: AUDIT,
};
/** As somebody leaves it who copies by hand. */
const RINGS = [
  RING,
  { ...RING, active: FIRST },
  { ...RING, keys: { [FIRST]: 'k-1' } },
  { ...RING, active: SECOND, keys: { [SECOND]: FIRST.slice(1) } },
  { ...RING, [FIRST]: 'k-1' },
  { ...RING, audit: FINGERPRINT },
];

export const keyRings = holds('the key ring file', bentJson(RINGS), async (json) => {
  const error = await throwsOnly([KeyRingError], () => {
    const ring = parseRingFile(json, '/ring.json');
    expect(ring.keys.has(ring.active)).toBe(true);
    for (const bytes of [...ring.keys.values(), ring.fingerprintKey, ring.auditKey]) {
      expect(bytes).toHaveLength(32);
    }
  });
  for (const secret of RING_KEYS) expect(error?.message ?? '').not.toContain(secret.slice(0, 30));
  expect(error?.message ?? '').not.toContain('\n');
});

const PRICES = [
  {
    'openai/gpt-5': { input: 1.25, output: 10, cachedInput: 0.1, cacheWrite: 2 },
    unknown: { input: 5, output: 20 },
  },
  { 'openai/gpt-5': { input: 0, output: 0 }, unknown: 'refuse' },
];
const tokens = fc.oneof(fc.nat(), fc.double({ noNaN: false }));

export const priceFiles = holds(
  'PRICES_FILE',
  fc.tuple(bentJson(PRICES), fc.record({ in: tokens, cached: tokens, write: tokens, out: tokens })),
  async ([json, used]) => {
    const usage = {
      inputTokens: used.in,
      cachedInputTokens: used.cached,
      cacheWriteTokens: used.write,
      outputTokens: used.out,
    };
    await withFile(json, (file) =>
      throwsOnly([StartError], async () => {
        const prices = createPrices({ overrides: await readPricesFile(file) });
        for (const model of ['gpt-5', 'none', '__proto__']) {
          const known = prices.priceFor('openai', model);
          if (known === undefined) continue;
          const cost = prices.costMicros(known.price, usage);
          expect(cost).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  },
);

export const thresholdFiles = holds(
  'moderation.json',
  bentJson([{ thresholds: { violence: 0.9, hate: 2 } }]),
  (json) =>
    withFile(json, async (file) => {
      await throwsOnly([StartError], async () => {
        for (const value of Object.values(await readThresholds(file))) {
          expect(value).toBeGreaterThan(0);
          expect(value).toBeLessThanOrEqual(2);
        }
      });
    }),
);

const HEADER = {
  format: 'latchkey-backup',
  version: 1,
  at: '2026-11-21T00:00:00.000Z',
  migrations: [{ hash: 'x', createdAt: 1 }],
};
const TABLE = { table: 'users', columns: ['id', 'name'], identity: ['id'] };
const BODY = [JSON.stringify(HEADER), JSON.stringify(TABLE), '1\tAnn', '2\t\\N', '\\.'];
const sha256 = createHash('sha256')
  .update(`${BODY.join('\n')}\n`)
  .digest('hex');
const BACKUP = `${[...BODY, JSON.stringify({ end: true, rows: 2, sha256 })].join('\n')}\n`;

interface Damage {
  readonly at: number;
  readonly byte: number;
  readonly keep: number;
}
const damage = fc.option(fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }), keep: fc.nat() }));

export const backups = holds(
  'backups',
  fc.tuple(
    fc.oneof(fc.constant(BACKUP), cut(fc.constant(BACKUP)), bentJson([HEADER]), oddText),
    damage,
    fc.boolean(),
  ),
  ([text, broken, isPacked]) =>
    withFile(damaged(isPacked ? gzipSync(text, { level: 1 }) : Buffer.from(text), broken), (file) =>
      throwsOnly([BackupError], async () => {
        const { rows } = await checkBackup(file);
        // What is taken is the one that was written.
        expect(`${text.trimEnd()}\n`).toBe(BACKUP);
        expect(rows).toBe(2);
      }),
    ),
);

function damaged(bytes: Buffer, broken: Damage | null): Buffer {
  if (broken === null || bytes.length === 0) return bytes;
  const copy = Buffer.from(bytes);
  copy[broken.at % copy.length] = broken.byte;
  return broken.keep % 3 === 0 ? copy.subarray(0, broken.keep % copy.length) : copy;
}

/** Synchronously, which is cheaper for what is so small. */
async function withFile(
  contents: string | Uint8Array,
  use: (file: string) => Promise<unknown>,
): Promise<void> {
  const file = join(tmpdir(), `latchkey-fuzz-${randomUUID()}`);
  writeFileSync(file, contents);
  try {
    await use(file);
  } finally {
    unlinkSync(file);
  }
}
