import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startOpenAiSimulator } from '../fakes/openai.ts';

const run = promisify(execFile);

/** Makes ten calls in a process of its own and looks for the key in a snapshot of its heap. */
const PROGRAM = `
  import { getHeapSnapshot } from 'node:v8';
  import { Secret } from './src/secret.ts';
  import { createProviders } from './src/llm/providers.ts';

  // Kept backwards and as bytes, so that the program itself does not hold what it looks for.
  const hidden = Buffer.from(process.env.HIDDEN_KEY, 'hex').reverse();
  delete process.env.HIDDEN_KEY;
  const provider = createProviders({ baseUrls: { openai: process.env.BASE_URL } })('openai');
  const reveal = () => Buffer.from(hidden).reverse().toString('latin1');
  globalThis.held = process.env.HOLD === 'yes' ? new Secret(reveal()) : undefined;
  // In a function of its own, so that no local of this module keeps the last call's secret.
  async function call() {
    const completion = {
      apiKey: new Secret(reveal()), model: 'gpt-5.4-mini', system: 's', maxOutputTokens: 300,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
      signal: new AbortController().signal,
    };
    for await (const event of provider.complete(completion));
  }
  for (let i = 0; i < 10; i++) await call();
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    globalThis.gc();
  }
  let found = 0;
  let rest = '';
  const part = () => Buffer.from(hidden).reverse().subarray(8, 40);
  for await (const chunk of getHeapSnapshot()) {
    const text = Buffer.concat([Buffer.from(rest, 'latin1'), Buffer.from(chunk, 'latin1')]);
    found += text.indexOf(part()) === -1 ? 0 : 1;
    rest = text.subarray(-64).toString('latin1');
  }
  console.log(found > 0 ? 'found' : 'none');
`;

test.each([
  ['nothing', 'no', 'none'],
  ['a held secret (the control)', 'yes', 'found'],
])(
  'after calls the heap holds the key in %s',
  async (_what, HOLD, expected) => {
    const openai = await startOpenAiSimulator({ answersAtOnce: true });
    try {
      const { stdout, stderr } = await run(
        process.execPath,
        ['--expose-gc', '--input-type=module', '--eval', PROGRAM],
        {
          env: {
            HIDDEN_KEY: Buffer.from(openai.apiKey, 'latin1').toString('hex'),
            BASE_URL: openai.url,
            HOLD,
          },
        },
      );
      expect(stderr).toBe('');
      expect(stdout.trim()).toBe(expected);
    } finally {
      await openai.close();
    }
  },
  30_000,
);
