/** What holds for every command of the operator's shell, also for those that come later. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProgram } from '../../src/admin/program.ts';
import { beginAdmin } from '../support/admin.ts';

interface Leaf {
  readonly words: readonly string[];
  readonly command: Command;
}

function leavesOf(command: Command, words: readonly string[] = []): readonly Leaf[] {
  if (command.commands.length === 0) return [{ words, command }];
  return command.commands.flatMap((each) => leavesOf(each, [...words, each.name()]));
}

const program = createProgram(() => {
  throw new Error('nothing is run here');
});
const leaves = leavesOf(program);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-commands-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('there are commands', () => {
  expect(leaves.length).toBeGreaterThan(20);
});

test.each(leaves.map(({ words, command }) => [words.join(' '), command] as const))(
  'help of %s says what it does, and what each word and option is',
  (name, command) => {
    expect(command.description(), name).toMatch(/^\S.{9,}$/s);
    const groups: Command[] = [];
    for (let { parent } = command; parent !== null; parent = parent.parent) groups.push(parent);
    for (const group of groups) expect(group.description()).toMatch(/^\S.{9,}$/s);
    expect(command.helpInformation()).toContain('--json');
    for (const { description, long } of command.options) {
      expect(description, `${name} ${long}`).not.toBe('');
    }
    for (const argument of command.registeredArguments) {
      expect(argument.description, `${name} ${argument.name()}`).not.toBe('');
    }
  },
);

test('every command that fails says so as JSON where it was asked for JSON', async () => {
  // No database answers there; what is refused before that is refused as JSON too.
  const env = { DATABASE_URL: 'postgres://127.0.0.1:1/x', DATA_DIR: folder };
  const runs = leaves.map(({ words, command }) => [
    ...words,
    ...command.registeredArguments.filter(({ required }) => required).map(() => 'x'),
    '--json',
  ]);
  runs.push(['nonsense', '--json'], ['key-ring', 'nonsense', '--json'], ['stats', '--x', '--json']);
  const wrong: unknown[] = [];
  const worker = async () => {
    for (let run = runs.pop(); run !== undefined; run = runs.pop()) {
      const { code, out } = await beginAdmin({ cwd: folder, env }, run).ended;
      const said = parsed(out);
      const isSaid = said !== undefined && ('error' in said || 'findings' in said);
      if (code === 0 || !isSaid) wrong.push({ run: run.join(' '), code, out });
    }
  };
  await Promise.all([worker(), worker(), worker()]);
  expect(wrong).toEqual([]);
}, 120_000);

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
