/** What operators and owners of pools write: plans, codes of vouchers, settings of pools. */

import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect } from 'vitest';
import { FREE_PLAN, parsePlans } from '../../../src/funding/plans-file.ts';
import { makeVoucherCode, readVoucherCode } from '../../../src/funding/voucher-codes.ts';
import { csvOf } from '../../../src/pools/csv.ts';
import { POOL_NAME, readPoolWords } from '../../../src/pools/pool-words.ts';
import { StartError } from '../../../src/start-error.ts';
import { bentJson, cut, join, oddText } from '../inputs.ts';
import { holds, throwsOnly } from '../property.ts';

const FREE = { turnsPerDay: 20, microsPerDay: 100_000 };
const PLANS: readonly unknown[] = [
  {
    free: { day: { turns: 20, usd: 0.1 }, requestsPerMinute: 5, waiting: 3 },
    plus: { day: { turns: 100 }, month: { usd: 9 }, models: ['openai/gpt-5'] },
  },
  {
    team: { week: { turns: 10 }, timeZone: 'Asia/Tokyo', tokensPerMinute: 10_000 },
    house: {
      hourly: true,
      allow: ['telegram:1'],
      chatDayUsd: 1,
      newUserDays: 3,
      models: { 'openai/gpt-5': { requestsPerMinute: 3 } },
    },
  },
];

export const planFiles = holds('PLANS_FILE', bentJson(PLANS), async (text) => {
  const error = await throwsOnly([StartError], () => {
    const { plans, free, house } = parsePlans(text, FREE, '/plans.json');
    expect(plans.get(FREE_PLAN)).toBe(free);
    for (const { windows, waiting, requestsPerMinute, tokensPerMinute } of plans.values()) {
      const limits = Object.values(windows).flatMap(({ turns, micros }) => [turns, micros]);
      for (const limit of [...limits, waiting, requestsPerMinute, tokensPerMinute]) {
        if (limit === null) continue;
        expect(Number.isSafeInteger(limit)).toBe(true);
        expect(limit).toBeGreaterThanOrEqual(0);
      }
    }
    expect(house.newUserDays).toBeGreaterThanOrEqual(0);
  });
  expect(error?.message ?? '').not.toContain('\n');
});

const CODES = Array.from({ length: 8 }, makeVoucherCode);
const codes = fc.oneof(
  fc.constantFrom(...CODES),
  fc.constantFrom(...CODES).map((code) => code.toLowerCase().replaceAll('-', ' ')),
  cut(fc.constantFrom(...CODES)),
  fc.tuple(fc.constantFrom(...CODES), oddText).map(([code, odd]) => code + odd),
  oddText,
);

export const voucherCodes = holds('codes of vouchers', codes, (text) => {
  const code = readVoucherCode(text);
  if (code === undefined) return;
  expect(code).toMatch(/^[A-HJ-NP-Z2-9]{18}$/);
  // As it is looked up it is itself a way to write it.
  expect(readVoucherCode(code)).toBe(code);
});

const poolWord = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        ...['hour', 'day', 'month', 'total', 'name', 'zone', 'key', 'models', 'members', 'from'],
        ...['until', 'rpm', 'tpm', 'pace', 'waiting', '__proto__', 'constructor', 'toString'],
      ),
      fc.oneof(
        fc.constantFrom('off', '0.20', '1', '-1', '1e9', 'Asia/Tokyo', 'openai', '2030-01-01', '='),
        oddText,
      ),
    )
    .map(([name, value]) => `${name}=${value}`),
  oddText,
);

export const poolSettings = holds(
  'settings of pools',
  fc.array(poolWord, { maxLength: 12 }).map((words) => words.join(' ')),
  (text) => {
    const read = readPoolWords(text, { hour: null, day: null, month: 200_000 });
    if (!read.ok) return void expect(text).toContain(read.word);
    const sums = JSON.stringify(read).match(/"\w*[mM]icros":(-?[\d.e+]+)/g) ?? [];
    for (const sum of sums) expect(Number(sum.split(':')[1])).toBeGreaterThan(0);
    const name = JSON.stringify(read).match(/"name":"([^"\\]*)"/)?.[1];
    if (name !== undefined) expect(name).toMatch(POOL_NAME);
  },
);

const cell = fc.oneof(
  oddText,
  fc.tuple(fc.constantFrom('=', '+', '-', '@', '\t', '\r', '＝', '"', ';'), oddText).map(join),
);

export const tables = holds(
  'tables for spreadsheets',
  fc.array(cell, { minLength: 1 }),
  (names) => {
    const rows = names.map((name, number) => ({ number, name }));
    const read: Record<string, string>[] = parse(csvOf(rows), { columns: true, bom: true });
    expect(read).toHaveLength(rows.length);
    for (const [index, { number, name = '' }] of read.entries()) {
      expect(number).toBe(String(index));
      // Nothing that a spreadsheet calculates.
      expect(name).not.toMatch(/^[=+\-@\t\r＝＋－＠]/);
      expect(name.replace(/^'/, '')).toBe(names[index]?.toWellFormed().replace(/^'/, ''));
    }
  },
);
