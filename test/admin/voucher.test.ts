/** `voucher`, as a process of its own: what is mistyped makes nothing. */

import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { createRingStage, type RingStage } from '../keys/ring-stage.ts';
import { beginAdmin } from './run-admin.ts';

let stage: RingStage;
beforeAll(async () => {
  stage = await createRingStage();
  const bot = await stage.process();
  await stage.database.db.execute(
    sql`insert into installation values ('key-ring', ${JSON.stringify(bot.ring.pseudonym('installation'))}::text::jsonb)`,
  );
});
afterAll(() => stage.close());

const HOUSE = { OPENAI_API_KEY: ['sk', 'proj', 'x'.repeat(40)].join('-') };
const admin = (...args: readonly string[]) => beginAdmin(stage, ['voucher', ...args], HOUSE).ended;
const create = (...more: readonly string[]) =>
  admin('create', '--name', 'w', '--usd', '1', '--expires', '2035-12-31', ...more);

test('makes codes once, lists them, and makes them void', async () => {
  const file = join(stage.folder, 'codes.csv');
  const made = await create('--count', '3', '--csv', file);
  expect(made).toMatchObject({ code: 0 });
  expect(made.out).toMatch(/3 codes "w", worth \$3\.00 together, until 2036-01-01T00:00:00\.000Z/);
  const [head, ...lines] = (await readFile(file, 'utf8')).trim().split('\n');
  // No bot has run here yet.
  expect(head).toBe('code,usd,expires,telegram,discord');
  expect(lines).toHaveLength(3);
  for (const line of lines) {
    expect(line).toMatch(/^([A-HJKMNP-Z2-9]{6}-?){3},1,2036-01-01T00:00:00\.000Z,,$/);
  }
  const twice = await create();
  expect(twice).toMatchObject({
    code: 1,
    err: 'There are vouchers "w" already: take another name.\n',
  });
  const [code = ''] = lines[0]?.split(',') ?? [];
  expect((await admin('revoke', code)).out).toBe('Void now: 1 code.\n');
  const listed = await admin('list', '--json');
  expect(JSON.parse(listed.out)).toMatchObject({
    vouchers: [
      { name: 'w', codes: 3, revoked: 1, used: 0, uses: 3, micros: 1_000_000, models: [] },
    ],
  });
  expect((await admin('revoke', 'w')).out).toBe('Void now: 2 codes.\n');
  expect(await admin('revoke', 'nobody')).toMatchObject({
    code: 1,
    err: 'There are no vouchers of this name, and no such code.\n',
  });
}, 60_000);

test('what is negative, nothing, huge or mistyped is one sentence, and makes nothing', async () => {
  const taken = join(stage.folder, 'taken.csv');
  await writeFile(taken, 'mine');
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--usd', '-1'], /It is a sum in dollars above 0/],
    [['--usd', '0'], /It is a sum in dollars above 0/],
    [['--usd', '1e9'], /It is a sum in dollars above 0/],
    [['--usd', '99999999'], /It is a sum in dollars above 0/],
    [['--usd', '1,000'], /It is a sum in dollars above 0/],
    [['--count', '0'], /whole number from 1 to 10000/],
    [['--count', '-5'], /whole number from 1 to 10000/],
    [['--count', '1.5'], /whole number from 1 to 10000/],
    [['--count', '1000000'], /whole number from 1 to 10000/],
    [['--uses', 'many'], /whole number from 1 to 100000/],
    [
      ['--count', '10000', '--usd', '1000'],
      /^Together they would be worth more than \$1000000\.00/,
    ],
    [['--expires', '2020-01-01'], /That is over already/],
    [['--expires', '2035-02-30'], /It is a day, such as/],
    [['--expires', 'soon'], /It is a day, such as/],
    [['--expires', '9999-12-31'], /more than 10 years/],
    [['--name', ' '], /1 to 60 characters/],
    [['--models', 'gpt-5.4-mini'], /It is provider\/model/],
    [['--models', 'groq/llama'], /^groq\/llama can't be paid for: the house has a key of openai/],
    [['--models', 'openai/nobody-knows-it'], /^The price of openai\/nobody-knows-it is unknown/],
    [['--csv', taken], /is there already: take another name/],
    [['--csv', '/nowhere/codes.csv'], /can't be written/],
  ];
  for (let from = 0; from < cases.length; from += 3) {
    await Promise.all(
      cases.slice(from, from + 3).map(async ([args, sentence]) => {
        const { code, out, err } = await create('--name', 'x', ...args);
        expect({ args, code, out }).toEqual({ args, code: 1, out: '' });
        expect(err.trim()).toMatch(sentence);
        expect(err.trim().split('\n')).toHaveLength(1);
      }),
    );
  }
  expect(await readFile(taken, 'utf8')).toBe('mine');
  expect((await stat(taken)).size).toBe(4);
  const [made] = await stage.database.db.execute<{ n: number }>(
    sql`select count(*)::int as n from vouchers where batch <> 'w'`,
  );
  expect(made?.n).toBe(0);
}, 120_000);
