import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { detectKeys, recognise, SCRUBBED, scrub } from '../../src/keys/detection.ts';
import { ALNUM, NAMED_SAMPLES, OTHER_SAMPLES, randomText, SAMPLES } from './sample-keys.ts';

const sk = 's' + 'k-';
const only = (text: string) => {
  const found = detectKeys(text);
  expect(found).toHaveLength(1);
  const [key] = found;
  if (key === undefined) throw new Error('none');
  return key;
};

describe('each form is found, with its maker and kind', () => {
  test.each(Object.entries(SAMPLES))('%s', (provider, make) => {
    for (let i = 0; i < 200; i += 1) {
      const key = make();
      const found = only(`my key is ${key}, thanks`);
      expect([found.provider, found.kind, found.value.reveal()]).toEqual([provider, 'usable', key]);
    }
  });

  test.each([
    ['openaiService', 'openai', 'usable'],
    ['openaiOld', 'openai', 'usable'],
    ['geminiNew', 'gemini', 'usable'],
    ['openaiAdmin', 'openai', 'refused-admin'],
    ['anthropicAdmin', 'anthropic', 'refused-admin'],
    ['anthropicLogin', 'anthropic', 'refused-login'],
    ['huggingface', 'huggingface', 'foreign'],
    ['perplexity', 'perplexity', 'foreign'],
    ['github', 'github', 'foreign'],
  ] as const)('%s', (name, provider, kind) => {
    for (let i = 0; i < 200; i += 1) {
      const key = OTHER_SAMPLES[name]();
      const found = only(key);
      expect([found.provider, found.kind, found.value.reveal()]).toEqual([provider, kind, key]);
    }
  });

  test('a form that many services share is found as nobody’s', () => {
    const found = only(`${sk}4f1c9a7be2d05836914cfa07bd3e5826`);
    expect([found.provider, found.kind]).toEqual(['unknown', 'foreign']);
  });
});

const AROUND: readonly (readonly [string, (key: string) => string])[] = [
  ['double quotes', (k) => `"${k}"`],
  ['backticks', (k) => `\`${k}\``],
  ['a code block', (k) => `\`\`\`\n${k}\n\`\`\``],
  ['an environment line', (k) => `export OPENAI_API_KEY=${k}`],
  ['a quoted environment line', (k) => `API_KEY='${k}';`],
  ['a header', (k) => `Authorization: Bearer ${k}`],
  ['JSON', (k) => JSON.stringify({ key: k, more: ['x'] })],
  ['JSON of a line of its own', (k) => JSON.stringify(`first\n${k}\tand`)],
  ['a sentence', (k) => `Is it ${k}? or ${'no'}`],
  ['the end of a sentence', (k) => `It is ${k}.`],
  ['front of a dash', (k) => `${k}—that is mine – ${'no'}`],
  ['brackets', (k) => `(${k})`],
  ['angle brackets', (k) => `<${k}>`],
  ['a link', (k) => `[key](https://example.org/?k=${k}&x=1)`],
  ['Markdown’s bold', (k) => `**${k}**`],
  ['Markdown’s italics', (k) => `so _${k}_ there`],
  ['a spoiler', (k) => `||${k}||`],
  ['letters of another script', (k) => `ключ${k}вот`],
  ['an encoded assignment', (k) => `url?q=key%3D${k}%26x`],
  ['a twice encoded assignment', (k) => `url?q=key%253D${k}%2526x`],
];

describe('a key is found, exactly, in', () => {
  test.each(AROUND)('%s', (_, put) => {
    for (const make of Object.values(SAMPLES)) {
      const key = make();
      const text = put(key);
      const found = only(text);
      expect(found.value.reveal()).toBe(key);
      expect(text.slice(found.start, found.end)).toBe(key);
    }
  });
});

describe('a key is found, and its place in the text, when it is', () => {
  const hide: readonly (readonly [string, (key: string) => string])[] = [
    ['split by zero-width spaces', (k) => [...k].join('\u200b')],
    [
      'split by a word joiner and a soft hyphen',
      (k) => `${k.slice(0, 9)}\u2060\u00ad${k.slice(9)}`,
    ],
    [
      'split by direction marks',
      (k) => `${k.slice(0, 2)}\u202e${k.slice(2, 20)}\u200f${k.slice(20)}`,
    ],
    ['written with a byte order mark in it', (k) => `${k.slice(0, 20)}\ufeff${k.slice(20)}`],
    ['escaped for Markdown', (k) => k.replaceAll('_', '\\_').replaceAll('-', '\\-')],
    ['percent-encoded', (k) => k.replaceAll('-', '%2D').replaceAll('_', '%5f')],
    [
      'percent-encoded all over',
      (k) => [...k].map((c) => `%${c.charCodeAt(0).toString(16)}`).join(''),
    ],
    ['percent-encoded twice', (k) => k.replaceAll('-', '%252D').replaceAll('_', '%255F')],
    ['given a phone’s dashes', (k) => k.replaceAll('-', '–')],
  ];
  test.each(hide)('%s', (_, put) => {
    for (const make of Object.values(SAMPLES)) {
      const key = make();
      const before = 'Grüße 👋 %41 \u200b ';
      const text = `${before}${put(key)} \u200b end`;
      const found = only(text);
      expect(found.value.reveal()).toBe(key);
      expect(text.slice(found.start, found.end)).toBe(put(key));
      expect(scrub(text)).toBe(`${before}${SCRUBBED} \u200b end`);
    }
  });
});

test('several keys are found in their order, without overlaps', () => {
  const keys = [SAMPLES.groq(), SAMPLES.anthropic(), SAMPLES.openai(), SAMPLES.gemini()];
  const text = keys.join('\n');
  expect(detectKeys(text).map(({ value }) => value.reveal())).toEqual(keys);
  const found = detectKeys(text);
  found.slice(1).forEach((key, i) => {
    expect(key.start).toBeGreaterThanOrEqual(found[i]?.end ?? Infinity);
  });
});

test('keys that a narrow window broke are all found, one below the other', () => {
  const keys = Array.from({ length: 12 }, () =>
    Object.values(SAMPLES).map((make) => make()),
  ).flat();
  const broken = keys.map((key) => key.match(/.{1,13}/g)?.join('\n> ') ?? '');
  const text = `> ${broken.join('\n> ')}`;
  const found = detectKeys(text).map(({ value }) => value.reveal());
  expect(found).toEqual(keys);
  const clean = scrub(text);
  expect(detectKeys(clean)).toEqual([]);
  for (const key of keys) expect(clean).not.toContain(key.slice(-8));
});

test.each([
  `${sk}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`,
  `${sk}proj-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`,
  `${sk}your-key-here-in-the-file`,
  `${sk}proj-YOUR_API_KEY_GOES_HERE_PLEASE`,
  `${sk}ant-api03-xxxxxxxxxxxxxxxxxxxxxxxxxxxx`,
  `${sk}ant-your-anthropic-key-goes-here`,
  `${sk}or-v1-00000000000000000000000000000000000000`,
  `${sk}…`,
  `${sk}...`,
  `${sk}proj-...abcd`,
  `${sk}1234567890abcdefghijklmnopqrstuvwxyz`,
  `gsk_${'x'.repeat(52)}`,
  `AIza${'X'.repeat(35)}`,
  `${sk}learn and ${sk}estimator-html-repr-fallback-message`,
  `.${sk}toggleable__content-fitted-with-animation`,
  `${sk}SK, ${sk}container-id-12, ${sk}circle-fade-dot-number-eleven`,
  'a task-management-system-v2-of-2026-with-many-words',
  'disk-usage-analyzer-3000-for-linux-x86_64-and-arm64',
  'git clone https://example.org/risk-assessment-2024-q3-report-final-v2',
  'task-4f1c9a7be2d05836914cfa07bd3e5826 on disk-9a7be2d04f1c5836914cfa07bd3e5826',
  'x-sk-4f1c9a7be2d05836914cfa07bd3e5826',
  'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
  'md5 d41d8cd98f00b204e9800998ecf8427e',
])('%s is no key', (text) => {
  expect(detectKeys(text)).toEqual([]);
});

test('in real source and prose at most one message in ten thousand raises a false alarm', () => {
  const packages = [
    'openai',
    '@anthropic-ai/sdk',
    'grammy',
    'fastify',
    'bullmq',
    'zod',
    'drizzle-orm',
  ];
  let messages = 0;
  const alarms: string[] = [];
  for (const file of packages.flatMap((name) => [...textFiles(join(MODULES, name))])) {
    if (messages >= 10_000) break;
    const text = readFileSync(file, 'utf8');
    for (let at = 0; at < text.length; at += 4096) {
      messages += 1;
      for (const { provider } of detectKeys(text.slice(at, at + 4096))) {
        alarms.push(`${file}: ${provider}`);
      }
    }
  }
  expect(messages).toBeGreaterThanOrEqual(10_000);
  expect(alarms.length / messages, alarms.join('\n')).toBeLessThanOrEqual(1 / 10_000);
});

const MODULES = join(dirname(fileURLToPath(import.meta.url)), '../../node_modules');

function* textFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* textFiles(path);
    else if (/\.(?:[cm]?[jt]s|md|json|map)$/.test(entry.name) && statSync(path).size < 2e6)
      yield path;
  }
}

const STARTS = [
  sk,
  `${sk}ant-`,
  `${sk}T3BlbkF`,
  'gsk_',
  'AIza',
  'AQ.',
  'Bearer ',
  '%25',
  '****',
  '12345678:',
  'csk-',
];
const FILLERS = ['', '-', 'a1B2', '_', '.', '*', '%', '\\', '\u200b', '\u2026', ' '];

test.each(STARTS)('messages made of %j take no longer than their length', (begin) => {
  for (const filler of FILLERS) {
    const unit = begin + filler;
    const adversarial = unit.repeat(Math.ceil(50_000 / unit.length));
    const start = performance.now();
    detectKeys(adversarial);
    scrub(adversarial);
    recognise(adversarial, 'mistral');
    // Measured: at most 0.05 s; a quadratic pattern takes minutes.
    expect(performance.now() - start, unit).toBeLessThan(2000);
  }
});

test('whatever stands around a key, it is found and scrubbed', () => {
  const makers = fc.constantFrom(...Object.values(SAMPLES));
  // What is taken for a part of the key, or for a mask, would change it.
  const around = fc
    .string({ unit: 'grapheme' })
    .filter((text) => !/^[\w%\\\p{Pd}\p{Cf}\p{M}！-ﾠ]|[\w%\\\p{Pd}\p{Cf}！-ﾠ]$|\*/u.test(text));
  fc.assert(
    fc.property(around, makers, around, (before, make, after) => {
      const key = make();
      const text = `${before}${key}${after}`;
      expect(detectKeys(text).some(({ value }) => value.reveal() === key)).toBe(true);
      expect(scrub(text)).not.toContain(key.slice(-12));
    }),
    { numRuns: 60 },
  );
});

test('offsets always lie within the text, in order', () => {
  const pieces = fc.constantFrom(
    sk,
    `${sk}ant-`,
    'AIza',
    'gsk_',
    '\u200b',
    '%2D',
    '%',
    '\\_',
    '–',
    '_',
    '👋',
    'x',
    'aB3',
    '****',
    '\ud800',
    `${sk}proj-a1B2c3D4e5F6g7H8i9J0`,
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
      const text = parts.join('');
      let done = 0;
      for (const { start, end } of detectKeys(text)) {
        expect(start).toBeGreaterThanOrEqual(done);
        expect(end).toBeGreaterThan(start);
        expect(end).toBeLessThanOrEqual(text.length);
        done = end;
      }
      expect(detectKeys(scrub(text))).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('a key that begins where another has just ended is found and scrubbed too', () => {
  const [first, second] = [SAMPLES.openrouter(), SAMPLES.gemini()];
  const text = `a${first}${second} b`;
  expect(detectKeys(text).map(({ value }) => value.reveal())).toEqual([first, second]);
  expect(scrub(text)).toBe(`a${SCRUBBED}${SCRUBBED} b`);
});

describe('scrubbing', () => {
  test('of what shows another key each time that one is gone leaves nothing', () => {
    // A key in pieces around a key, and so again.
    const half = SAMPLES.gemini().slice(0, 20);
    const text = `${half}${SAMPLES.gemini()}`.repeat(40) + '\n'.repeat(3) + half.repeat(40);
    expect(detectKeys(scrub(text))).toEqual([]);
    // Each is one only where no digit stands before it: more than there are passes.
    const token = `${'1234567890'}:${'AAb'.repeat(12).slice(0, 34)}7`;
    expect(scrub(token.repeat(9))).not.toContain('AAb');
  });

  test('leaves no key behind another that is cut off before it', () => {
    const [first, second] = [SAMPLES.groq().slice(0, 13), SAMPLES.openai()];
    const clean = scrub(`${first}\n${'x1Y'.repeat(12)}${second}`);
    expect(detectKeys(clean)).toEqual([]);
    expect(clean).not.toContain(second.slice(-12));
  });

  test.each([
    ['a masked echo', `Incorrect API key provided: ${sk}proj-****************abcd.`, 'abcd'],
    ['a masked echo with few stars', `key ${sk}ab****wxyz`, 'wxyz'],
    ['a masked echo of dots', `key ${sk}proj-...wxyz`, 'wxyz'],
    ['a masked echo of an ellipsis', `key ${sk}…wxyz`, 'wxyz'],
    ['a masked echo of bullets', 'key ••••••wxyz', 'wxyz'],
    ['a placeholder that may be none', `${sk}abcdefghijklmnopqrst`, 'ghijkl'],
    ['a token in a header', `Authorization: Bearer ${'q'.repeat(30)}`, 'qqqq'],
    [
      'a Telegram bot’s token',
      `https://api.telegram.org/bot${'123456789'}:${'AAb'.repeat(12).slice(0, 35)}/getMe`,
      'AAb',
    ],
    ['half a key', `${SAMPLES.openai().slice(0, 30)}`, 'zzzzzzzzzz'],
  ])('takes out %s', (_, text, secret) => {
    const clean = scrub(text);
    expect(clean).toContain(SCRUBBED);
    expect(clean).not.toContain(secret);
  });

  test('leaves other words as they are', () => {
    const text =
      'In task-management-systems, **bold** /*** note ***/ 5 * 4 = 20; disk-usage, v1.2.3.';
    expect(scrub(text)).toBe(text);
  });

  test('is done with after once', () => {
    const text = `a ${SAMPLES.openai()} b ${sk}ab****wxyz c ${NAMED_SAMPLES.deepseek()}`;
    expect(scrub(scrub(text))).toBe(scrub(text));
  });
});

describe('a key that is given on purpose', () => {
  const keyOf = (text: string, chosen?: Parameters<typeof recognise>[1]) => {
    const found = recognise(text, chosen);
    return found.result === 'key' ? [found.provider, found.key.reveal()] : found;
  };

  test.each(Object.entries(SAMPLES))('is recognised by its own prefix: %s', (provider, make) => {
    const key = make();
    expect(keyOf(` "${key}" `)).toEqual([provider, key]);
    // Never taken for another's, to whom it would be sent.
    expect(keyOf(key, 'deepseek')).toEqual([provider, key]);
    expect(keyOf(key, 'mistral')).toEqual([provider, key]);
  });

  test('may have no prefix where the provider was named', () => {
    const deepseek = NAMED_SAMPLES.deepseek();
    const mistral = NAMED_SAMPLES.mistral();
    expect(keyOf(`DEEPSEEK_API_KEY="${deepseek}"`, 'deepseek')).toEqual(['deepseek', deepseek]);
    expect(keyOf(`here: ${mistral}.`, 'mistral')).toEqual(['mistral', mistral]);
    const old = `${sk}${randomText(48, ALNUM)}`;
    expect(keyOf(old, 'openai')).toEqual(['openai', old]);
    for (const text of [deepseek, mistral, old]) {
      expect(keyOf(text)).toEqual({ result: 'unrecognised' });
      expect(keyOf(text, 'anthropic')).toEqual({ result: 'unrecognised' });
    }
  });

  test('is refused where it is an administrator’s key or a login token', () => {
    expect(keyOf(OTHER_SAMPLES.openaiAdmin(), 'openai')).toEqual({
      result: 'refused',
      reason: 'admin-key',
    });
    expect(keyOf(OTHER_SAMPLES.anthropicAdmin())).toEqual({
      result: 'refused',
      reason: 'admin-key',
    });
    expect(keyOf(OTHER_SAMPLES.anthropicLogin(), 'deepseek')).toEqual({
      result: 'refused',
      reason: 'login-token',
    });
  });

  test('of a service that is not served is sent to nobody', () => {
    for (const chosen of ['openai', 'deepseek', 'mistral'] as const) {
      expect(keyOf(OTHER_SAMPLES.huggingface(), chosen)).toEqual({ result: 'unrecognised' });
      expect(keyOf(OTHER_SAMPLES.github(), chosen)).toEqual({ result: 'unrecognised' });
    }
  });

  test('words are none', () => {
    for (const text of ['', 'hello', 'how do I get a key?', `${sk}short`, '\u200b']) {
      expect(keyOf(text, 'openai')).toEqual({ result: 'unrecognised' });
      expect(keyOf(text, 'mistral')).toEqual({ result: 'unrecognised' });
      expect(keyOf(text)).toEqual({ result: 'unrecognised' });
    }
  });
});
