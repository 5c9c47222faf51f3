/** In the terminal, too, a pasted key goes to no model and does not stay in the window. */

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type App, startApp } from '../../src/app.ts';
import { parseConfig } from '../../src/config.ts';
import { createLog } from '../../src/log.ts';
import { Keyboard } from '../platforms/terminal/harness.ts';
import { Window } from '../platforms/terminal/window.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { madeKey } from '../support/people.ts';
import { dumpDatabase, formsOf } from '../support/traces.ts';

let world: World;
let app: App;
const keyboard = new Keyboard();
const screen = new Window(100, 40);
const logged: string[] = [];

beforeAll(async () => {
  world = await createWorld();
  world.openai.script((question) => `Answer to: ${question}`);
  const { TELEGRAM_BOT_TOKEN: _token, TELEGRAM_API_ROOT: _root, ...env } = world.env;
  app = await startApp({
    config: parseConfig(env),
    log: await createLog({ level: 'trace', stream: { write: (line) => void logged.push(line) } }),
    onStep: () => {},
    onFatal: (error) => logged.push(String(error)),
    terminal: { input: keyboard, output: screen, onExit: () => {} },
    tuning: { vendorUrls: { openai: world.openai.url } },
  });
});
afterAll(async () => {
  await app?.stop();
  await world?.close();
});

const PASTE = ['\u001b[200~', '\u001b[201~'] as const;

test.each([
  ['typed', (key: string) => `my key is ${key}\r`],
  ['with zero-width spaces', (key: string) => `${[...key].join('\u200b')}\r`],
  [
    'pasted in two lines',
    (key: string) => `${PASTE[0]}${key.slice(0, 30)}\n${key.slice(30)}${PASTE[1]}\r`,
  ],
  ['in a pasted line of .env', (key: string) => `${PASTE[0]}OPENAI_API_KEY="${key}"${PASTE[1]}\r`],
  ['behind a command', (key: string) => `/help ${key}\r`],
] as const)('a key that is %s', async (_, write) => {
  const key = madeKey();
  const before = screen.raw.length;
  const asked = world.openai.requests.length;
  keyboard.write(write(key));
  await vi.waitFor(
    () => expect(screen.raw.slice(before)).toMatch(/That was an API key for OpenAI/),
    {
      timeout: 10_000,
    },
  );
  expect(world.openai.requests).toHaveLength(asked);
  const places = [screen.raw, logged.join('\n'), await dumpDatabase(world.database.db)];
  for (const place of places) {
    for (const [form, needle] of formsOf(key)) expect(place.includes(needle), form).toBe(false);
    expect(place).not.toContain(key.slice(12, 24));
  }
});
