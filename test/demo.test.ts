/** `npm run demo`, as a process of its own: what it shows, and what it leaves behind. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { INSTALLED_WITH } from '../demo/discord-acts.ts';
import { detectKeys } from '../src/keys/detection.ts';
import { waitFor } from './support/wait-for.ts';

const README = new URL('../README.md', import.meta.url);
const ENTRY = fileURLToPath(new URL('../demo/main.ts', import.meta.url));

/** Without what is another each time: codes, hints of keys, dates, counts. */
function lasting(line: string): string {
  return line
    .replace(/(ending in|\/link(?: code:)?) [\w-]+/, '$1 …')
    .replace(/\d+/g, '0')
    .trimEnd();
}

/** Its temporary files and its home are a folder of the test's own, empty at the start. */
async function startDemo() {
  const home = await mkdtemp(join(tmpdir(), 'latchkey-test-'));
  const child = spawn(process.execPath, [ENTRY], {
    env: { PATH: process.env.PATH ?? '', HOME: home, TMPDIR: home },
    // A group of its own, as a terminal gives it: Ctrl+C reaches everybody in it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid = 0 } = child;
  let shown = '';
  let complained = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complained += chunk;
  });
  return {
    shown: () => shown,
    complained: () => complained,
    interrupt: () => process.kill(-pid, 'SIGINT'),
    ended: () => exitCode(child),
    left: () => readdir(home),
    async clear() {
      if (isThere(pid)) process.kill(-pid, 'SIGKILL');
      await rm(home, { recursive: true, force: true });
    },
    /** Whether any process of its group still runs. */
    runs: () => isThere(pid),
  };
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  return child.exitCode;
}

function isThere(group: number): boolean {
  try {
    return process.kill(-group, 0);
  } catch {
    return false;
  }
}

describe('the whole play', () => {
  let demo: Awaited<ReturnType<typeof startDemo>>;
  let code: number | null;
  beforeAll(async () => {
    demo = await startDemo();
    code = await demo.ended();
  }, 90_000);
  afterAll(() => demo.clear());

  test('ends by itself and well, without a word of complaint', () => {
    expect([code, demo.complained()]).toEqual([0, '']);
  });

  test.each([
    ['a newcomer is greeted', /Ann +\/start\n\nLatchkey +Hello! I am Latchkey/],
    ['answers have readable code', /── python ─+\n +def reverse\(text: str\) -> str:\n {15}return/],
    [
      'a key on Telegram is deleted with its message, and then saved',
      /Latchkey deletes Ann’s message: sk-proj•+\n[\s\S]{1,200}Saved: your OpenAI key/,
    ],
    [
      'a mention that replies to code is answered in the group',
      /Carol +\(replies to “let i = 0;.*”\)\n +@\w+ why does it never end\?\n\nLatchkey +i is never/,
    ],
    [
      'the allowance running out in a group is told to one person',
      /Latchkey +\(only Carol sees this\)\n +Your 2 free messages for today are used/,
    ],
    ['a message command reviews code', /Apps › Review this code\n\nLatchkey +One bug/],
    [
      'the allowance running out in a server is one neutral line with details for one person',
      /I have a note about this for you alone\.\n +\[Details\]\n\n +Eve presses \[Details\]\n\nLatchkey +\(only Eve sees this\)\n +Your 2 free messages/,
    ],
    [
      'a key on Discord is taken by a form',
      /fills in the form “[^”]+”: sk-ant-•+\n\nLatchkey +\(only Ann sees this\)\n +Saved: your Anthropic key/,
    ],
    [
      'accounts are joined by a code',
      /Ann runs \/link .*[\s\S]*Joined with your account on Telegram/,
    ],
    [
      'usage is one afterwards: a key was used once on each platform',
      /\/usage\n\nLatchkey +Today\n +• house: 1 answer,.*\n +• own key: 2 answers,/,
    ],
  ])('shows that %s', (_, what) => {
    expect(demo.shown()).toMatch(what);
  });

  test('shows no key, and no escape sequence where nobody’s terminal is', () => {
    expect(detectKeys(demo.shown())).toEqual([]);
    expect(demo.shown()).not.toContain('\u001b');
  });

  test('is what README shows, shortened', async () => {
    const section = (await readFile(README, 'utf8')).split('## See it without any token')[1];
    const transcript = section?.split('```')[3]?.trim().split('\n') ?? [];
    expect(transcript.length).toBeGreaterThan(50);
    const shown = new Set(demo.shown().split('\n').map(lasting));
    const ours = transcript.map(lasting).filter((line) => line.trim() !== '[…]');
    expect(ours.filter((line) => !shown.has(line))).toEqual([]);
  });

  test('leaves no process and no file behind', async () => {
    expect(demo.runs()).toBe(false);
    expect(await demo.left()).toEqual([]);
  });
});

test('interrupted in the middle, it leaves no process and no file behind', async () => {
  const demo = await startDemo();
  onTestFinished(() => demo.clear());
  await waitFor(() => demo.shown().includes('Hello! I am Latchkey'), { timeoutMs: 60_000 });
  demo.interrupt();
  demo.interrupt();
  expect(await demo.ended()).toBe(130);
  expect(demo.shown()).not.toContain('/usage\n\nLatchkey');
  await waitFor(() => !demo.runs());
  expect(await demo.left()).toEqual([]);
}, 90_000);

test('README asks for the permissions with which the demo’s bot does its work', async () => {
  expect(await readFile(README, 'utf8')).toContain(
    `&scope=bot+applications.commands&permissions=${INSTALLED_WITH}`,
  );
});
