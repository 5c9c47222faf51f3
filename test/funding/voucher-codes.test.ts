/** How the codes of vouchers are written and read. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeVoucherCode, readVoucherCode } from '../../src/funding/voucher-codes.ts';

const LETTERS = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789';

test('a code has three groups without ambiguous letters, fits into a link, and none comes twice', () => {
  const codes = Array.from({ length: 2_000 }, makeVoucherCode);
  expect(new Set(codes).size).toBe(codes.length);
  for (const code of codes) {
    expect(code).toMatch(/^([A-HJKMNP-Z2-9]{6}-){2}[A-HJKMNP-Z2-9]{6}$/);
    expect(`redeem_${code}`).toMatch(/^[\w-]{1,64}$/);
    expect(readVoucherCode(code)).toBe(code.replaceAll('-', ''));
  }
  expect(Math.log2(LETTERS.length ** 17)).toBeGreaterThan(80);
});

test('a code is read as people type it', () => {
  const code = makeVoucherCode();
  const plain = code.replaceAll('-', '');
  for (const typed of [
    code.toLowerCase(),
    plain,
    ` ${code.replaceAll('-', ' ')} `,
    code.replaceAll('-', '–'),
    code.replaceAll('-', '_'),
  ]) {
    expect(readVoucherCode(typed)).toBe(plain);
  }
  for (const typed of [
    '',
    '-',
    plain.slice(1),
    `${plain}A`,
    plain.replace(/./, 'O'),
    '🙂'.repeat(18),
  ]) {
    expect(readVoucherCode(typed)).toBeUndefined();
  }
});

test('one wrong letter, or two that changed places, are told from a code', () => {
  const place = fc.integer({ min: 0, max: 17 });
  fc.assert(
    fc.property(
      fc.constant(0).map(makeVoucherCode),
      place,
      place,
      fc.constantFrom(...LETTERS),
      (made, one, other, letter) => {
        const code = [...made.replaceAll('-', '')];
        const [a = '', b = ''] = [code[one], code[other]];
        if (a !== letter) expect(readVoucherCode(code.with(one, letter).join(''))).toBeUndefined();
        if (a !== b) {
          expect(readVoucherCode(code.with(one, b).with(other, a).join(''))).toBeUndefined();
        }
      },
    ),
  );
});
