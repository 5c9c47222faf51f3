/** The operator's shell on the embedded database, beside a running bot and without one. */

import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startApp } from '../../src/app.ts';
import { parseConfig } from '../../src/config.ts';
import { createLog } from '../../src/log.ts';
import { startTelegramSimulator } from '../fakes/telegram.ts';

const START = fileURLToPath(new URL('../../src/start.js', import.meta.url));

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'latchkey-admin-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const admin = (...args: readonly string[]) => adminWith({}, ...args);

function adminWith(
  more: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<{ out: string; err: string; code: number }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [START, 'admin', ...args],
      { cwd: dataDir, env: { PATH: process.env.PATH ?? '', DATA_DIR: dataDir, ...more } },
      (_error, out, err) => resolve({ out, err, code: child.exitCode ?? -1 }),
    );
  });
}

test('it works beside a running bot, which goes on, and without one', async () => {
  const telegram = await startTelegramSimulator();
  const alice = telegram.addUser({ first_name: 'Alice' });
  const chat = telegram.privateChat(alice);
  const lines: string[] = [];
  const app = await startApp({
    config: parseConfig({
      TELEGRAM_BOT_TOKEN: telegram.token,
      TELEGRAM_API_ROOT: telegram.url,
      DATA_DIR: dataDir,
      HTTP_PORT: '0',
    }),
    log: await createLog({ level: 'warn', stream: { write: (line) => void lines.push(line) } }),
    onStep: () => undefined,
    onFatal: (error) => void lines.push(String(error)),
  });
  const answered = (times: number) =>
    telegram.waitFor(
      () =>
        telegram.messages(chat).filter((m) => /offline provider/.test(m.text ?? '')).length ===
          times || undefined,
      { timeoutMs: 10_000 },
    );
  try {
    telegram.say(chat, alice, 'one');
    await answered(1);
    const rotated = await admin('key-ring', 'rotate');
    expect(rotated).toMatchObject({ code: 0, out: expect.stringContaining('1 rows were brought') });
    telegram.say(chat, alice, 'two');
    await answered(2);
    expect(await admin('backup', 'all.backup')).toMatchObject({ code: 0, err: expect.any(String) });
  } finally {
    await app.stop();
    await telegram.close();
  }
  expect(lines).toEqual([]);
  const { out, code } = await admin('key-ring', 'status', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out).keks).toMatchObject([
    { state: 'unused', rows: 0 },
    { state: 'active', rows: 1 },
  ]);
  // Into a data directory that has nothing but the key ring.
  const elsewhere = await mkdtemp(join(tmpdir(), 'latchkey-restored-'));
  try {
    await copyFile(join(dataDir, 'key-ring.json'), join(elsewhere, 'key-ring.json'));
    const there = { DATA_DIR: elsewhere };
    const restored = await adminWith(there, 'restore', join(dataDir, 'all.backup'));
    expect(restored).toMatchObject({ code: 0, out: expect.stringMatching(/^Put back \d+ rows/) });
    const status = await adminWith(there, 'key-ring', 'status', '--json');
    expect(JSON.parse(status.out).keks).toMatchObject([{ rows: 0 }, { rows: 1 }]);
  } finally {
    await rm(elsewhere, { recursive: true, force: true });
  }
}, 60_000);
