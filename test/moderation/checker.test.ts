import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createModerator } from '../../src/llm/moderator.ts';
import { type Checker, createChecker } from '../../src/moderation/checker.ts';
import { THRESHOLDS } from '../../src/moderation/thresholds.ts';
import { Secret } from '../../src/secret.ts';
import { type OpenAiSimulator, startOpenAiSimulator } from '../fakes/openai.ts';

const BAD = 'zorbleflag';

let openai: OpenAiSimulator;
let checker: Checker;
const down: string[] = [];

beforeAll(async () => {
  openai = await startOpenAiSimulator();
});
afterAll(() => openai.close());
beforeEach(() => {
  down.length = 0;
  openai.requests.length = 0;
  openai.moderate((input) => ({ scores: input.includes(BAD) ? { hate: 0.9, violence: 0.5 } : {} }));
  checker = makeChecker(openai.apiKey);
});

function makeChecker(apiKey: string): Checker {
  return createChecker({
    moderator: createModerator({
      apiKey: new Secret(apiKey),
      baseUrl: openai.url,
      limits: { firstByteMs: 200 },
    }),
    thresholds: THRESHOLDS,
    onDown: (code) => down.push(code),
  });
}

const image = (mediaType: string) => ({ mediaType, data: Buffer.from('pixels') });

test('the highest scores of all pieces count, against thresholds of our own', async () => {
  const verdict = await checker.check({ texts: ['fine', BAD, 'fine'], images: [] });
  expect(verdict).toMatchObject({ action: 'flagged', categories: ['hate'] });
  expect(verdict.scores).toMatchObject({ hate: 0.9, violence: 0.5 });
});

test('a long text goes in pieces that overlap, few enough in a request to be read whole', async () => {
  for (const at of [0, 1_995, 31_998, 99_000]) {
    const text = `${'x'.repeat(at)}${BAD}${'y'.repeat(100_000 - at)}`;
    expect((await checker.check({ texts: [text], images: [] })).action).toBe('flagged');
  }
  expect(down).toEqual([]);
  const sizes = openai.moderations().map(({ body }) => (body as { input: string[] }).input.length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
});

test('blank texts ask nobody, and half of a pair of surrogates breaks nothing', async () => {
  expect(await checker.check({ texts: ['  \n'], images: [] })).toMatchObject({ action: 'passed' });
  expect(openai.moderations()).toEqual([]);
  const halved = `${'x'.repeat(1_999)}😀`;
  expect((await checker.check({ texts: [halved], images: [] })).action).toBe('passed');
});

test('images go one a request; one of a kind that is not taken is not passed off as checked', async () => {
  const two = { texts: ['look'], images: [image('image/png'), image('image/jpeg')] };
  expect((await checker.check(two)).action).toBe('passed');
  expect(openai.moderations()).toHaveLength(3);
  const tiff = { texts: [], images: [image('image/tiff')] };
  expect((await checker.check(tiff)).action).toBe('unchecked');
  expect(down).toEqual([]);
});

test('what was found before a part failed is found', async () => {
  openai.moderate((input) =>
    input.startsWith('data:') ? { fail: 'bad-request' } : { scores: { hate: 0.9 } },
  );
  const both = { texts: [BAD], images: [image('image/png')] };
  expect((await checker.check(both)).action).toBe('flagged');
});

test.each([
  ['server-error', 'overloaded'],
  ['rate-limited', 'rate-limited'],
  ['html', 'overloaded'],
] as const)(
  '%s: it is not asked again for a while, and no word of the service is repeated',
  async (fail, code) => {
    openai.moderate(() => ({ fail }));
    expect((await checker.check({ texts: ['hello'], images: [] })).action).toBe('unchecked');
    const asked = openai.moderations().length;
    expect((await checker.check({ texts: ['hello'], images: [] })).action).toBe('unchecked');
    expect(openai.moderations().length).toBe(asked);
    expect(down).toEqual([code]);
  },
);

test('a service that hangs is given up, and a key that is refused is told by a code alone', async () => {
  openai.moderate(() => ({ hang: true }));
  expect((await checker.check({ texts: ['hello'], images: [] })).action).toBe('unchecked');
  expect(down).toEqual(['no-answer']);
  const wrong = makeChecker(['sk', 'proj', 'x'.repeat(40)].join('-'));
  expect((await wrong.check({ texts: ['hello'], images: [] })).action).toBe('unchecked');
  expect(down).toEqual(['no-answer', 'key-refused']);
});

test('without a key nothing is checked, and nothing passes for it', async () => {
  const none = createChecker({
    moderator: undefined,
    thresholds: THRESHOLDS,
    onDown: (code) => down.push(code),
  });
  expect((await none.check({ texts: ['hello'], images: [] })).action).toBe('unchecked');
});

test('what has passed is remembered word for word', async () => {
  await checker.check({ texts: ['a question', BAD], images: [] });
  expect(checker.hasPassed('a question')).toBe(false);
  await checker.check({ texts: ['a question'], images: [] });
  expect(checker.hasPassed('a question')).toBe(true);
  expect(checker.hasPassed('a question ')).toBe(false);
});
