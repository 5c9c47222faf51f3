/**
 * Latchkey as a process of its own, at LOG_LEVEL=trace, with its own PostgreSQL: what the machine
 * shows of it (command lines, environments of its children, output, reports) holds no key, and its
 * memory holds no user's key once the call is over.
 */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorld, type World } from '../support/latchkey.ts';
import { botSays, madeKey } from '../support/people.ts';
import { type LatchkeyProcess, startProcess } from '../support/process.ts';
import { waitFor } from '../support/wait-for.ts';

let world: World;
let latchkey: LatchkeyProcess;
let folder: string;
let used: string;
let refused: string;

beforeAll(async () => {
  [world, folder] = await Promise.all([createWorld(), mkdtemp(join(tmpdir(), 'latchkey-heap-'))]);
  world.openai.script((question) => `Answer to: ${question}`);
  const { DATABASE_URL: _none, ...env } = world.env;
  latchkey = await startProcess({
    entry: 'main',
    env: {
      ...env,
      HOME: folder,
      DATA_DIR: join(folder, 'data'),
      LOG_LEVEL: 'trace',
      OPENAI_BASE_URL: world.openai.url,
      ANTHROPIC_BASE_URL: world.anthropic.url,
      NODE_OPTIONS: `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${folder}`,
    },
  });
  const user = world.telegram.addUser({ first_name: 'Somebody' });
  const chat = world.telegram.privateChat(user);
  refused = madeKey();
  world.telegram.say(chat, user, `/setkey openai ${refused}`);
  await botSays(world, chat, /does not accept/);
  used = world.openai.keys.add('valid', madeKey());
  world.telegram.say(chat, user, `/setkey openai ${used}`);
  await botSays(world, chat, /Saved: your OpenAI key/);
  world.telegram.say(chat, user, 'first');
  await botSays(world, chat, /Answer to: first/);
  world.openai.keys.set(used, 'revoked');
  world.telegram.say(chat, user, 'second');
  await botSays(world, chat, /refuses your key/);
  // Something else to do, so that nothing is kept for having been last.
  const other = world.telegram.addUser({ first_name: 'Other' });
  const otherChat = world.telegram.privateChat(other);
  for (const words of ['one', 'two', 'three']) {
    world.telegram.say(otherChat, other, words);
    await botSays(world, otherChat, new RegExp(`Answer to: ${words}`));
  }
}, 60_000);
afterAll(async () => {
  latchkey?.signal('SIGTERM');
  await latchkey?.ended();
  await world?.close();
  await rm(folder, { recursive: true, force: true });
});

async function descendants(pid: number): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => '');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (parent === pid) found.push(Number(name), ...(await descendants(Number(name))));
  }
  return found;
}

const hasProc = process.platform === 'linux';
const secrets = () => [used, refused, world.openai.apiKey, world.telegram.token];

test.runIf(hasProc)('no command line holds a key, and no child’s environment', async () => {
  const children = await descendants(latchkey.pid);
  expect(children.length).toBeGreaterThan(0);
  const shown = await Promise.all(
    [latchkey.pid, ...children].flatMap((pid) => [
      readFile(`/proc/${pid}/cmdline`, 'latin1'),
      readFile(`/proc/${pid}/comm`, 'latin1'),
      ...(pid === latchkey.pid ? [] : [readFile(`/proc/${pid}/environ`, 'latin1')]),
    ]),
  );
  for (const secret of secrets()) expect(shown.join('\n')).not.toContain(secret);
  // The control: what was started with them does have the house's in its environment, and no user's.
  const own = await readFile(`/proc/${latchkey.pid}/environ`, 'latin1');
  expect(own).toContain(world.openai.apiKey);
  expect(own).not.toContain(used);
});

test('what it wrote at LOG_LEVEL=trace holds none', () => {
  expect(latchkey.output()).toContain('"level":"info"');
  for (const secret of secrets()) {
    expect(latchkey.output()).not.toContain(secret);
    expect(latchkey.output()).not.toContain(secret.slice(-8));
  }
});

test('nothing under DATA_DIR holds one', async () => {
  const files = await readdir(join(folder, 'data'), { recursive: true, withFileTypes: true });
  for (const file of files.filter((entry) => entry.isFile())) {
    const bytes = await readFile(join(file.parentPath, file.name)).catch(() => Buffer.alloc(0));
    for (const secret of secrets()) expect(bytes.includes(secret), file.name).toBe(false);
  }
  expect(files.length).toBeGreaterThan(100);
});

test('a signal does not open its memory to a debugger', async () => {
  latchkey.signal('SIGUSR1');
  const user = world.telegram.addUser({ first_name: 'Later' });
  const chat = world.telegram.privateChat(user);
  world.telegram.say(chat, user, 'after the signal');
  await botSays(world, chat, /Answer to: after the signal/);
  expect(latchkey.output()).not.toMatch(/Debugger listening/);
});

test('a snapshot of its heap after the calls holds no user’s key', async () => {
  latchkey.signal('SIGUSR2');
  const snapshot = await waitFor(
    async () => {
      const name = (await readdir(folder)).find((n) => n.endsWith('.heapsnapshot'));
      const text = name === undefined ? '' : await readFile(join(folder, name), 'latin1');
      return text.trimEnd().endsWith('}') ? text : undefined;
    },
    { timeoutMs: 40_000, what: 'the snapshot' },
  );
  // The control: the house's key is held for as long as the process lives.
  expect(snapshot.includes(world.openai.apiKey)).toBe(true);
  expect(snapshot.includes(used)).toBe(false);
  expect(snapshot.includes(refused)).toBe(false);
}, 60_000);
