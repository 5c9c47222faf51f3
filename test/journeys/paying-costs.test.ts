/** What an answer costs, as its user reads it: what providers count, or don't, or make up. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import type { Behaviour } from '../fakes/behaviour.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { expectSums } from '../support/ledger.ts';
import { asked, botSays, loggedErrors, textOf } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';

/** Dollars a million tokens are micros a token: 10 for input, 1 from the cache, 100 for output. */
const PRICES = {
  'openai/gpt-5.4-mini': { input: 10, cachedInput: 1, output: 100 },
  'anthropic/claude-sonnet-5': { input: 10, cachedInput: 1, cacheWrite: 12.5, output: 100 },
};

let world: World;
const behaviours = new Map<string, Behaviour>();
beforeAll(async () => {
  world = await createWorld();
  const pricesFile = join(world.env.DATA_DIR ?? '', 'prices.json');
  await writeFile(pricesFile, JSON.stringify(PRICES));
  const script = (question: string) => behaviours.get(question) ?? `Answer to: ${question}`;
  world.openai.script(script);
  world.anthropic.script(script);
  world.openai.models.push({ id: 'never-heard-of' });
  await world.start({
    PRICES_FILE: pricesFile,
    HOUSE_MODEL: 'openai/gpt-5.4-mini',
    FREE_DAILY_USD: '5',
    HOUSE_DAILY_USD: '1000',
  });
});
afterAll(() => world.close());

/** Somebody who wants to read what each answer costs. */
async function person() {
  const user = world.telegram.addUser({ first_name: 'Ann' });
  const chat = world.telegram.privateChat(user);
  const say = (text: string) => world.telegram.say(chat, user, text);
  const sees = (what: RegExp) => botSays(world, chat, what);
  say('/limit costs on');
  await sees(/Below each answer/);
  return {
    chat,
    say,
    sees,
    /** @returns the line of cost below the answer */
    async costOf(question: string, behaviour: Behaviour = {}): Promise<string> {
      behaviours.set(question, { text: `Answer to: ${question}`, ...behaviour });
      say(question);
      const answer = textOf(await sees(new RegExp(`Answer to: ${question}[\\s\\S]*This answer`)));
      expect(answer).not.toMatch(/broke here/);
      return /This answer: .*/.exec(answer)?.[0] ?? '';
    },
    /** The lines of /usage of this month. */
    async usage(): Promise<string> {
      say('/usage');
      return /This month\n((?:•.*\n)*)/.exec(textOf(await sees(/This month/)))?.[1] ?? '';
    },
    /** What is set aside of their budgets, and what is spent, in micros. */
    async booked() {
      const [row] = await world.database.db.execute<{ reserved: number; spent: number }>(sql`
        select sum(b.reserved_micros)::int as reserved, sum(b.spent_micros)::int as spent
        from budgets b join identities i using (user_id)
        where b.holder_kind = 'user' and i.platform_user_id = ${String(user.id)}`);
      return row;
    },
  };
}

describe('what a provider counts', () => {
  test.concurrent('from its cache costs what the price list says of the cache', async () => {
    const ann = await person();
    const usage = { input: 1_000, cached: 600, output: 50 };
    expect(await ann.costOf('cached', { usage })).toBe(
      'This answer: $0.0096, paid by the house. Left today: 19 messages and $4.9904.',
    );
    expect(await ann.usage()).toBe('• house: 1 answer, 1,000 tokens in, 50 out, $0.0096\n');
    expect(await ann.booked()).toEqual({ reserved: 0, spent: 9_600 });
  });

  test.concurrent('of reasoning costs as output, though nobody reads it', async () => {
    const ann = await person();
    const reasoned = { reasoning: 20, usage: { input: 1_000, output: 2_000 } };
    expect(await ann.costOf('reasoned', reasoned)).toMatch(/^This answer: \$0\.21, /);
  });

  test.concurrent('on an own key of Anthropic, what is written to the cache is dearer', async () => {
    const ann = await person();
    ann.say(`/setkey ${world.anthropic.keys.add('valid')}`);
    await ann.sees(/Saved: your Anthropic key/);
    const usage = { input: 1_000, cached: 400, cacheWrite: 200, output: 10 };
    // 400 plain, 400 from the cache, 200 written to it, 10 out
    expect(await ann.costOf('claude', { usage })).toBe('This answer: $0.0079, on your own key.');
    expect(await ann.usage()).toBe('• own key: 1 answer, 1,000 tokens in, 10 out, $0.0079\n');
  });
});

describe('a provider that', () => {
  test.concurrent('counts nothing is estimated from above', async () => {
    const ann = await person();
    const line = await ann.costOf('uncounted', { usage: 'none' });
    const usage = /1 answer, ([\d,]+) tokens in, (\d+) out, \$([\d.]+)/.exec(await ann.usage());
    const [, tokensIn = '', out = '', dollars = ''] = usage ?? [];
    expect(Number(out)).toBe(Math.ceil('Answer to: uncounted'.length / 2));
    const micros = Number(tokensIn.replace(',', '')) * 10 + Number(out) * 100;
    expect(Number(dollars)).toBe(micros / 1_000_000);
    expect(line).toContain(`$${dollars}`);
  });

  test.concurrent.each([
    ['more tokens than there are', { input: 4e15, output: 4e15 }],
    ['less than nothing', { input: -4_000, output: -7 }],
    ['more from its cache than was sent', { input: 10, cached: 1e12, output: 1 }],
    ['parts of tokens', { input: 0.1, output: 0.2 }],
  ])(
    'claims %s costs no more than what was set aside, and the answer stands',
    async (what, usage) => {
      const ann = await person();
      const line = await ann.costOf(`claims ${what}`, { usage });
      const dollars = Number(/\$(\d+\.\d+), paid by the house/.exec(line)?.[1]);
      expect(dollars).toBeGreaterThanOrEqual(0);
      expect(dollars).toBeLessThan(1);
      expect(await ann.booked()).toEqual({ reserved: 0, spent: Math.round(dollars * 1_000_000) });
    },
  );

  test.concurrent.each([
    ['counts nothing at all', undefined, undefined],
    ['counts in words', { input_tokens: 'many' }, { output_tokens: 'few' }],
    ['counts what it answered and not what it read', {}, { output_tokens: 12 }],
    ['counts only what it read', { input_tokens: 900, output_tokens: 1 }, undefined],
  ])('is Anthropic’s and %s is estimated for the rest', async (what, first, last) => {
    const ann = await person();
    ann.say(`/setkey ${world.anthropic.keys.add('valid')}`);
    await ann.sees(/Saved: your Anthropic key/);
    const question = `claude ${what}`;
    const event = (type: string, more: object) =>
      `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
    const text = `Answer to: ${question} ${'word '.repeat(20)}`;
    const body = [
      event('message_start', { message: { id: 'm', role: 'assistant', usage: first } }),
      event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
      event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
      event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: last }),
      event('message_stop', {}),
    ].join('');
    await ann.costOf(question, {
      raw: { status: 200, body, headers: { 'content-type': 'text/event-stream' } },
    });
    const [, tokensIn = '', out = ''] =
      /1 answer, ([\d,]+) tokens in, (\d+) out/.exec(await ann.usage()) ?? [];
    expect(Number(tokensIn.replace(',', ''))).toBeGreaterThan(200);
    if (last?.output_tokens === 12) expect(out).toBe('12');
    else expect(Number(out)).toBeGreaterThan(25);
  });

  test.concurrent.each([
    ['words', { prompt_tokens: 'many', completion_tokens: 'few', total_tokens: 'some' }],
    ['nothing in it', {}],
    ['a list', [1, 2, 3]],
    ['a number', 7],
  ])('counts with %s is estimated, and the answer stands', async (what, usage) => {
    const ann = await person();
    const question = `counts with ${what}`;
    const chunk = (choices: object[], more = {}) =>
      `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices, ...more })}\n\n`;
    const body = [
      chunk([{ index: 0, delta: { role: 'assistant', content: `Answer to: ${question}` } }]),
      chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]),
      chunk([], { usage }),
      'data: [DONE]\n\n',
    ].join('');
    const headers = { 'content-type': 'text/event-stream' };
    const line = await ann.costOf(question, { raw: { status: 200, body, headers } });
    expect(Number(/\$(\d+\.\d+), paid/.exec(line)?.[1])).toBeGreaterThan(0);
    ann.say('/usage');
    await ann.sees(/19 of 20 messages/);
  });
});

describe('an answer that is stopped', () => {
  test.concurrent('costs what came of it, and the rest of what was set aside is released', async () => {
    const ann = await person();
    behaviours.set('count', { text: 'tick '.repeat(500), chunkDelayMs: 20 });
    ann.say('count');
    await world.telegram.waitFor(() => (world.telegram.draft(ann.chat)?.text.length ?? 0) > 5);
    // As much as the answer could cost at most.
    expect((await ann.booked())?.reserved).toBeGreaterThan(100_000);
    ann.say('/stop');
    const shown = textOf(await ann.sees(/tick[\s\S]*Stopped\.[\s\S]*This answer: \$/));
    const said = /^((?:tick ?)+)/.exec(shown)?.[1]?.trimEnd() ?? '';
    const out = Number(/tokens in, (\d+) out/.exec(await ann.usage())?.[1]);
    // Two bytes a token at most; a word that was on its way when it stopped may be in it.
    expect(out).toBeGreaterThanOrEqual(Math.ceil(said.length / 2));
    expect(out).toBeLessThanOrEqual(Math.ceil(said.length / 2) + 6);
    const booked = await ann.booked();
    expect(booked?.reserved).toBe(0);
    expect(booked?.spent).toBeLessThan(100_000);
  });
});

describe('a price', () => {
  test.concurrent('nobody knows is told as unknown on an own key, and refused where a limit is to be kept', async () => {
    const ann = await person();
    ann.say(`/setkey ${world.openai.keys.add('valid')}`);
    await ann.sees(/Saved: your OpenAI key/);
    ann.say('/model never-heard-of');
    await ann.sees(/From now on: never-heard-of/);
    expect(await ann.costOf('unpriced')).toBe('This answer: cost unknown, on your own key.');
    expect(await ann.usage()).toMatch(/\$0\.00 \(price unknown for 1 of them\)/);
    ann.say('/limit 5');
    await ann.sees(/\$5\.00/);
    ann.say('with a limit');
    await ann.sees(/I don’t know what never-heard-of costs/);
    expect(asked(world, 'with a limit')).toEqual([]);
  });
});

test('sums equal the rows, and none of this was an error', async () => {
  await waitFor(async () => {
    const open = await world.database.db.execute(
      sql`select from reservations where settled_at is null`,
    );
    return open.length === 0;
  });
  await expectSums(world.database.db);
  expect(loggedErrors(world)).toEqual([]);
});
