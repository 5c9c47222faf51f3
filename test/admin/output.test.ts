import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createOutput } from '../../src/admin/output.ts';

function made({ json = false, isTerminal = false } = {}) {
  let now = 0;
  const stderr = Object.assign(new PassThrough(), { isTTY: isTerminal, columns: 80 });
  let [out, err] = ['', ''];
  stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const output = createOutput({
    json,
    stdout: { write: (text) => (out += text) },
    stderr,
    isTerminal,
    now: () => now,
  });
  return {
    output,
    pass: (ms: number) => {
      now += ms;
    },
    out: () => out,
    err: () => err,
  };
}

test('in a terminal progress is a bar that ends before the result', () => {
  const { output, err, out } = made({ isTerminal: true });
  output.progress({ done: 0, total: 0, unit: 'rows' });
  output.progress({ done: 0, total: 10, unit: 'rows' });
  output.progress({ done: 5, total: 10, unit: 'rows' });
  output.progress({ done: 20, total: 20, unit: 'rows' });
  expect(out()).toBe('');
  output.result({}, ['Done.']);
  expect(err()).toMatch(/\[ {40}\] 0 % {2}0 of 10 rows/);
  expect(err()).toMatch(/\[={40}\] 100 % {2}20 of 20 rows.*\n$/s);
  expect(out()).toBe('Done.\n');
});

test('elsewhere it is a line now and then, and the last', () => {
  const { output, pass, err } = made();
  for (let done = 0; done <= 100; done += 1) {
    output.progress({ done, total: 100, unit: 'rows' });
    pass(100);
  }
  output.note('A note.');
  const lines = err().trimEnd().split('\n');
  expect(lines[0]).toBe('0 of 100 rows');
  expect(lines.slice(1)).toEqual([
    '50 of 100 rows, 10 a second',
    '100 of 100 rows, 10 a second',
    'A note.',
  ]);
});

test('with --json there is none', () => {
  for (const isTerminal of [true, false]) {
    const { output, err, out } = made({ json: true, isTerminal });
    output.progress({ done: 5, total: 10, unit: 'rows' });
    output.result({ a: 1 }, ['Done.']);
    expect([err(), out()]).toEqual(['', '{"a":1}\n']);
  }
});
