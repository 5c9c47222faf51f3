/**
 * The guard against pasted keys: no form with a prefix gets past it, however a chat or a person has
 * bent it, and real code and prose raise at most one false alarm in ten thousand messages.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { detectKeys, recognise, scrub } from '../../src/keys/detection.ts';
import { KEY_FORMS, looksRandom } from '../../src/keys/key-forms.ts';
import { NAMED_SAMPLES, OTHER_SAMPLES, SAMPLES } from './sample-keys.ts';

const FORMS = Object.entries({ ...SAMPLES, ...OTHER_SAMPLES });

/** What writes a key in another way without changing what a person reads or copies. */
const DISGUISES: readonly (readonly [string, (key: string, at: number) => string])[] = [
  ['nothing', (key) => key],
  ['a zero-width space', (key, at) => insert(key, at, '\u200b')],
  ['a zero-width joiner in each place', (key) => [...key].join('\u200d')],
  ['a word joiner', (key, at) => insert(key, at, '\u2060')],
  ['a soft hyphen', (key, at) => insert(key, at, '\u00ad')],
  ['a byte order mark', (key, at) => insert(key, at, '\ufeff')],
  ['a direction mark', (key, at) => insert(key, at, '\u202d')],
  ['a variation selector', (key, at) => insert(key, at, '\ufe0f')],
  ['a tag character', (key, at) => insert(key, at, '\u{e0061}')],
  ['a Hangul filler', (key, at) => insert(key, at, '\u3164')],
  ['Markdown’s escapes', (key) => key.replaceAll(/[-_.]/g, '\\$&')],
  ['percent-encoding', (key) => encodeURIComponent(key).replaceAll('-', '%2D')],
  ['JavaScript’s escapes', (key) => key.replaceAll('-', '\\u002d').replaceAll('_', '\\u005F')],
  ['a phone’s dashes', (key) => key.replaceAll('-', '\u2013')],
  ['unbreakable hyphens', (key) => key.replaceAll('-', '\u2011')],
  ['full-width forms', fullWidth],
  ['full-width forms in part', (key, at) => key.slice(0, at) + fullWidth(key.slice(at))],
];

/** What breaks a key in two: beside the pieces, nothing of it may stay readable. */
const BREAKS: readonly (readonly [string, string])[] = [
  ['a line break', '\n'],
  ['a line break of Windows', '\r\n'],
  ['an indented line break', '\n    '],
  ['a quoted line break', '\n> '],
  ['a space', ' '],
  ['an unbreakable space', '\u00a0'],
];

const PLACES: readonly (readonly [string, (key: string) => string])[] = [
  ['alone', (key) => key],
  ['in a sentence', (key) => `Here it is: ${key}. Does it work?`],
  ['behind words', (key) => `my key ${key} please`],
  ['in double quotes', (key) => `"${key}"`],
  ['in single quotes', (key) => `'${key}'`],
  ['in typographic quotes', (key) => `“${key}”`],
  ['in code', (key) => `\`${key}\``],
  ['in a block of code', (key) => `\`\`\`bash\ncurl -H "Authorization: Bearer ${key}"\n\`\`\``],
  ['in JSON', (key) => JSON.stringify({ provider: 'x', apiKey: key, n: 1 })],
  ['in JSON in JSON', (key) => JSON.stringify(JSON.stringify({ apiKey: `\n${key}` }))],
  ['in YAML', (key) => `llm:\n  key: ${key}\n  model: gpt\n`],
  ['in a line of .env', (key) => `A=1\nAPI_KEY=${key}\nB=2`],
  ['in an exported line of .env', (key) => `export API_KEY="${key}" # mine`],
  ['in source', (key) => `const client = new Client({ apiKey: '${key}' });`],
  ['in an address', (key) => `https://example.org/v1?key=${key}&alt=sse`],
  ['in a path', (key) => `https://example.org/${key}/chat`],
  ['in user information', (key) => `https://user:${key}@example.org/`],
  ['in Markdown’s bold', (key) => `**${key}**`],
  ['in a link', (key) => `[${key}](https://example.org)`],
  ['in brackets', (key) => `<${key}>`],
  ['in letters of another script', (key) => `клавиша:${key}，谢谢`],
  ['beside an emoji', (key) => `🔑${key}🔑`],
  ['in a table', (key) => `| name | key |\n|---|---|\n| x | ${key} |`],
  ['quoted', (key) => `> ${key}\nwhat is this?`],
];

function insert(key: string, at: number, what: string): string {
  return key.slice(0, at) + what + key.slice(at);
}

function fullWidth(text: string): string {
  return text.replaceAll(/[!-~]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0));
}

test('every form that is looked for has a sample here', () => {
  const samples = FORMS.map(([, make]) => make());
  const without = KEY_FORMS.map(({ prefix }) => prefix).filter(
    (prefix) => !samples.some((sample) => sample.startsWith(prefix)),
  );
  // Rare spellings of forms that have one; the loose form has no maker.
  expect(without.sort()).toEqual(
    ['gho_', 'ghs_', 'ghu_', 'sk-None-', 'sk-ant-sid', 'sk-service-'].sort(),
  );
});

/** One that does not, by a rare chance, look like words: in pieces such a key can't be told from them. */
function drawTypical(make: () => string): string {
  for (;;) {
    const key = make();
    if (looksRandom(key)) return key;
  }
}

test.each([
  // Five changes between letters and digits in 48 characters: drawn, and found, once in 30,000.
  ['few digits', () => `csk-${'3nq6cvpwnnkvvbtcj10uklee'}${'qerzecfnkhuqiqudglkwlxut'}`],
  ['one digit', () => `csk-${'qwrtzpsdfghkl7mnbvcxy'}${'kjhgfdsapoiuztrewqlmnbvcxya'}`],
  ['two capitals', () => `hf_${'hgfdskjqwpoizt'}N${'mbvcxylkjhgfd'}Q${'sapoi'}`],
])('a key with %s is found as it is', (_, make) => {
  expect(detectKeys(`"${make()}"`).map(({ value }) => value.reveal())).toEqual([make()]);
});

test('the rest of a key on the next line is scrubbed however few letters are in it', () => {
  const [first, rest] = ['52a3c0d47d505f430dd91dbfbcfcefcbcd9e', '591a2714442524724281950028ba'];
  expect(scrub(`here: s${'k-or-v1-'}${first}\n${rest}`)).toBe('here: [key removed]');
});

describe.each(FORMS)('a key of the form %s', (_name, make) => {
  test('is found exactly, wherever it stands and however it is disguised', () => {
    for (const [place, put] of PLACES) {
      for (const [disguise, write] of DISGUISES) {
        const key = make();
        const at = 1 + Math.floor(Math.random() * (key.length - 2));
        const text = put(write(key, at));
        const found = detectKeys(text).map(({ value }) => value.reveal());
        expect(found, `${place}, with ${disguise} at ${at}: ${text}`).toEqual([key]);
      }
    }
  });

  test('is found when it is broken anywhere, and no large piece of it stays when it is scrubbed', () => {
    for (const [what, gap] of BREAKS) {
      const key = drawTypical(make);
      for (let at = 1; at < key.length - 1; at += 1) {
        const text = `here: ${insert(key, at, gap)}`;
        expect(detectKeys(text).length, `${what} at ${at}: ${text}`).toBeGreaterThan(0);
        const clean = scrub(text);
        // A short piece is no use to anybody: what is left of it has 2^90 forms and more.
        for (const piece of [key.slice(0, at), key.slice(at)]) {
          if (piece.length > 24) expect(clean, `${what} at ${at}`).not.toContain(piece);
        }
      }
    }
  });

  test('is found in lines as long as a terminal’s, and taken whole from a message that is the key', () => {
    for (const width of [20, 32, 40, 64, 72, 80]) {
      const key = drawTypical(make);
      const lines = key.match(new RegExp(`.{1,${width}}`, 'g')) ?? [];
      const text = lines.join('\n');
      expect(detectKeys(text).length, text).toBeGreaterThan(0);
      const recognised = recognise(text);
      const last = lines.at(-1) ?? '';
      // A short last line may as well be a word behind the key.
      if (recognised.result === 'key' && (lines.length === 1 || last.length >= 20)) {
        expect(recognised.key.reveal(), text).toBe(key);
      }
    }
  });

  test('is found whatever stands around it', () => {
    const around = fc
      .string({ unit: 'grapheme', maxLength: 40 })
      .filter(
        (text) =>
          !/[\w%\\\p{Pd}\p{Cf}\p{M}>|！-ﾠ]$|^[\w%\\\p{Pd}\p{Cf}\p{M}！-ﾠ]|\s$|^\s/u.test(text),
      );
    fc.assert(
      fc.property(around, around, (before, after) => {
        const key = make();
        const found = detectKeys(before + key + after);
        expect(found.map(({ value }) => value.reveal())).toContain(key);
      }),
      { numRuns: 40 },
    );
  });
});

test('forms without a prefix raise no alarm outside the guided way', () => {
  expect(detectKeys(`see ${NAMED_SAMPLES.mistral()}`)).toEqual([]);
});

test.each([
  ['two keys on two lines', 2, () => `${SAMPLES.openai()}\n${SAMPLES.anthropic()}`],
  ['two keys side by side', 2, () => `${SAMPLES.groq()} ${SAMPLES.gemini()}`],
  ['two variables', 2, () => `A=${SAMPLES.openai()}\nANTHROPIC_API_KEY=${SAMPLES.anthropic()}`],
] as const)('%s are two', (_, count, make) => {
  for (let i = 0; i < 50; i += 1) expect(detectKeys(make())).toHaveLength(count);
});

const MODULES = join(dirname(fileURLToPath(import.meta.url)), '../../node_modules');
const SOURCE = /\.(?:[cm]?[jt]sx?|json|map|css|html|py|c|h|cc|sh|sql|ya?ml)$/;
const PROSE = /\.(?:md|markdown|txt|rst)$|^(?:licen[cs]e|changelog|changes|history|readme|notice)/i;
const MESSAGES = 24_000;

/** Every file of the installed packages, in the order of names. */
function* filesIn(folder: string): Generator<string> {
  const entries = readdirSync(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else if (entry.isFile()) yield path;
  }
}

/** Pieces of 200 to 4,000 characters, of lengths that are always the same for the same text. */
function* messagesOf(text: string): Generator<string> {
  let length = text.length;
  for (let at = 0; at < text.length; at += length) {
    length = 200 + ((length * 7_919 + at * 31) % 3_801);
    const piece = text.slice(at, at + length);
    if (piece.length >= 200) yield piece;
  }
}

/** The first messages of each file, so that the sample reaches into every package. */
function* sample(kind: RegExp, perFile: number): Generator<readonly [file: string, text: string]> {
  for (const file of filesIn(MODULES)) {
    if (!kind.test(basename(file))) continue;
    let taken = 0;
    for (const message of messagesOf(readFileSync(file, 'utf8').slice(0, 200_000))) {
      if (taken >= perFile) break;
      taken += 1;
      yield [file, message];
    }
  }
}

/** Names of styles, tags and packages, as there are that begin like a key: `sk-fading-circle`. */
function* compounds(): Generator<readonly [name: string, text: string]> {
  const seen = new Set<string>();
  for (const [, text] of sample(SOURCE, 6)) {
    for (const [name] of text.matchAll(
      /(?<![\w-])[a-z]{2,}(?:-[a-z]{1,16}\d{0,2}){2,}(?![\w-])/g,
    )) {
      if (name.length < 20 || name.length > 80 || seen.has(name)) continue;
      seen.add(name);
      yield [name, `<div class="sk-${name}">`];
    }
  }
}

test.each([
  ['source code', () => sample(SOURCE, 3), 20_000],
  ['prose', () => sample(PROSE, 40), 2_000],
  ['names that begin like a key', compounds, 1_000],
] as const)('in %s at most one message in ten thousand raises a false alarm', (_, read, least) => {
  const alarms: string[] = [];
  let messages = 0;
  for (const [where, message] of read()) {
    messages += 1;
    for (const { provider } of detectKeys(message)) alarms.push(`${where}: ${provider}`);
    if (messages >= MESSAGES) break;
  }
  // Every one is named, so that a look tells whether somebody has published a real key.
  expect(alarms.length, alarms.join('\n')).toBeLessThanOrEqual(messages / 10_000);
  expect(messages).toBeGreaterThanOrEqual(least);
});
