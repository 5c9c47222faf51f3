/** What people on Telegram, and the operator, see of moderation. */

import type { Chat, User } from 'grammy/types';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import type { ModerationScript } from '../fakes/openai-moderation.ts';
import { runAdmin } from '../support/admin.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import {
  asked,
  botMessages,
  botSays,
  loggedErrors,
  madeKey,
  promptOf,
  textOf,
} from '../support/people.ts';
import { dumpDatabase, formsOf } from '../support/traces.ts';
import { waitFor } from '../support/wait-for.ts';

/** What the simulated service finds bad. */
const BAD = 'zorbleflag';
const SAD = 'quimblesad';
const judge: ModerationScript = (input) => ({
  scores: {
    ...(input.includes(BAD) ? { hate: 0.97, harassment: 0.4 } : {}),
    ...(input.includes(SAD) ? { 'self-harm/intent': 0.99 } : {}),
  },
});

let world: World;
let operator: { user: User; chat: Chat };

beforeAll(async () => {
  world = await createWorld({ env: { MODERATION: 'on', FREE_DAILY_MESSAGES: '100' } });
  operator = someone('Olga');
  await world.start({ OPERATOR_IDS: `telegram:${operator.user.id}` });
  world.openai.script((question) => `Answer to: ${question}`);
  world.openai.moderate(judge);
});
afterAll(() => world.close());

function someone(first_name = 'Ann') {
  const user = world.telegram.addUser({ first_name });
  const chat = world.telegram.privateChat(user);
  return {
    user,
    chat,
    account: `telegram:${user.id}`,
    say: (text: string) => world.telegram.say(chat, user, text),
    sees: (what: RegExp) => botSays(world, chat, what),
    said: () => botMessages(world, chat).map(textOf),
  };
}
type Someone = ReturnType<typeof someone>;

/** @returns what the bot said to it */
async function isFlagged(person: Someone, times = 1): Promise<string> {
  let notice = '';
  for (let time = 1; time <= times; time += 1) {
    const { message_id } = person.say(`${BAD} number ${time}`);
    const answer = () =>
      botMessages(world, person.chat).find((message) => message.message_id > message_id);
    notice = textOf(await world.telegram.waitFor(answer));
    expect(notice).toMatch(/did not pass this on/);
  }
  return notice;
}

async function spentOn({ user }: Someone) {
  const rows = await world.database.db.execute<{ turns: number; micros: number }>(sql`
    select coalesce(sum(a.turns), 0)::int as turns,
           coalesce(sum(a.spent_micros + a.reserved_micros), 0)::int as micros
    from budgets a join identities i using (user_id)
    where a.holder_kind = 'user' and a.period = 'day' and i.platform_user_id = ${String(user.id)}`);
  return rows[0];
}

const decisions = (person: Someone) =>
  world.database.db.execute<{
    direction: string;
    action: string;
    categories: string[];
    hate: number | null;
    consequence: string | null;
  }>(sql`
    select m.direction, m.action, to_json(m.categories) as categories, (m.scores ->> 'hate')::float as hate, m.consequence
    from moderation_log m join identities i using (user_id)
    where i.platform_user_id = ${String(person.user.id)} order by m.id`);

describe('what is asked', () => {
  test('flagged input never reaches the model, costs nothing, and is no context later', async () => {
    const ann = someone();
    ann.say(`please ${BAD} this`);
    const notice = textOf(await ann.sees(/did not pass this on/));
    expect(notice).toMatch(/This is a warning/);
    expect(await spentOn(ann)).toEqual({ turns: 0, micros: 0 });
    ann.say('and something good');
    await ann.sees(/Answer to: and something good/);
    expect(asked(world, BAD)).toEqual([]);
  });

  test('is checked in long messages and files too, wherever it stands', async () => {
    const ann = someone();
    ann.say(`${'const x = 1;\n'.repeat(155)}${BAD}\n${'const y = 2;\n'.repeat(100)}`);
    await ann.sees(/did not pass this on/);
    world.telegram.say(ann.chat, ann.user, 'what is wrong here?', {
      document: {
        name: 'code.js',
        mime: 'text/javascript',
        bytes: Buffer.from(`${'// x\n'.repeat(3_000)}// ${BAD}`),
      },
    });
    await world.telegram.waitFor(
      () =>
        ann.said().filter((text) => /did not pass this on/.test(text)).length === 2 || undefined,
    );
    expect(asked(world, BAD)).toEqual([]);
  });

  test('what is decided is logged with its scores, and what led to it', async () => {
    const ann = someone();
    ann.say('good morning');
    await ann.sees(/Answer to: good morning/);
    await isFlagged(ann);
    await waitFor(async () => (await decisions(ann)).length === 3);
    const none = { categories: [], hate: 0, consequence: null };
    expect(await decisions(ann)).toEqual([
      { direction: 'input', action: 'passed', ...none },
      { direction: 'output', action: 'passed', ...none },
      {
        direction: 'input',
        action: 'flagged',
        categories: ['hate'],
        hate: 0.97,
        consequence: 'warning',
      },
    ]);
  });

  test('who is in distress gets a number to call, and no warning', async () => {
    const ann = someone();
    for (let time = 1; time <= 6; time += 1) ann.say(`${SAD} ${time}`);
    await world.telegram.waitFor(() => ann.said().length === 6 || undefined);
    for (const text of ann.said()) expect(text).toMatch(/not held against you.*talk to somebody/s);
    expect(asked(world, SAD)).toEqual([]);
    ann.say('thank you');
    await ann.sees(/Answer to: thank you/);
  });
});

describe('what is answered', () => {
  test('a flagged answer is stopped in mid-stream, taken back, and counts', async () => {
    const ann = someone();
    const words = Array.from({ length: 400 }, (_, i) => (i === 150 ? BAD : `word${i}`)).join(' ');
    world.openai.script([{ text: words, chunkDelayMs: 5 }]);
    ann.say('tell me a story');
    await ann.sees(/took this answer back/);
    expect(ann.said()).toHaveLength(1);
    expect(ann.said().join()).not.toContain('word1');
    expect(world.openai.completions().at(-1)?.aborted).toBe(true);
    expect(await spentOn(ann)).toMatchObject({ turns: 1 });
    ann.say('go on');
    await ann.sees(/Answer to: go on/);
    expect(JSON.stringify(asked(world, 'go on').at(-1)?.body)).not.toContain('word1');
  });

  test('an answer that is bad at its very end is never final', async () => {
    const ann = someone();
    world.openai.script([{ text: `a short answer and ${BAD}`, atOnce: true }]);
    ann.say('well?');
    await ann.sees(/took this answer back/);
    expect(ann.said().join()).not.toContain(BAD);
    const dump = await dumpDatabase(world.database.db);
    expect(dump).not.toContain(BAD);
  });

  test('in a group what was shown is replaced, and only its asker reads what follows', async () => {
    const ann = someone();
    const group = world.telegram.group({ title: 'Group', members: [ann.user] });
    const words = Array.from({ length: 700 }, (_, i) => (i === 650 ? BAD : `word${i}`)).join(' ');
    world.openai.script([{ text: words, chunkDelayMs: 4 }]);
    world.telegram.say(group, ann.user, `@${world.telegram.bot.username} tell me a story`);
    await botSays(world, group, /word100/);
    await botSays(world, group, /took this answer back/);
    const seen = botMessages(world, group).map(textOf).join('\n');
    expect(seen).not.toContain('word100');
    expect(seen).not.toMatch(/warning/);
  });
});

describe('again and again', () => {
  test('leads from warnings to a pause, whose end is named, and own keys go on', async () => {
    const ann = someone();
    expect(await isFlagged(ann, 2)).toMatch(/This is a warning/);
    expect(await isFlagged(ann)).toMatch(/until .*you are paused/s);
    const before = world.openai.completions().length;
    ann.say('something harmless');
    const refusal = textOf(await ann.sees(/\(hate\)/));
    expect(refusal).toMatch(/until .*you are paused.*\/appeal.*\/setkey/s);
    expect(world.openai.completions().length).toBe(before);

    const key = world.openai.keys.add('valid', madeKey());
    ann.say(`/setkey ${key}`);
    await ann.sees(/Saved: your OpenAI key/);
    const moderated = world.openai.moderations().length;
    ann.say(`my own ${BAD} question`);
    await ann.sees(/Answer to: my own/);
    expect(world.openai.moderations().length).toBe(moderated);
  });

  test('leads to a suspension; one appeal reaches the operator, who lifts it', async () => {
    const ann = someone();
    await isFlagged(ann, 3);
    await endsPauses(ann);
    await isFlagged(ann);
    await endsPauses(ann);
    expect(await isFlagged(ann)).toMatch(/you are suspended.*\/appeal/s);
    await botSays(world, operator.chat, /Moderation has suspended user/);

    ann.say('/appeal');
    await ann.sees(/\/appeal and your words/);
    const plea = 'I was quoting *a* book wobbleplea';
    ann.say(`/appeal ${plea}`);
    await ann.sees(/reached the operator/);
    ann.say('/appeal once more');
    await ann.sees(/appealed against this already/);
    expect(textOf(await botSays(world, operator.chat, /An appeal against/))).toContain(plea);
    expect(await runAdmin(world, 'moderation', 'appeals')).toContain(plea);
    expect(world.logged.join('\n')).not.toContain('wobbleplea');
    expect(await dumpDatabase(world.database.db)).not.toContain('wobbleplea');

    expect(await runAdmin(world, 'user', 'lift', ann.account)).toMatch(/Lifted/);
    ann.say('am I back?');
    await ann.sees(/Answer to: am I back/);
    expect(await isFlagged(ann)).toMatch(/This is a warning/);
  });

  test('a suspension stays after /forget, and so do flags', async () => {
    const ann = someone();
    await isFlagged(ann, 2);
    await forgetsAll(ann);
    // A warning speaks of pauses too, but names no end.
    expect(await isFlagged(ann)).toMatch(/until .*you are paused/s);
    await forgetsAll(ann);
    const { message_id } = ann.say('it is me, anew');
    const answer = await world.telegram.waitFor(() =>
      botMessages(world, ann.chat).find((message) => message.message_id > message_id),
    );
    expect(textOf(answer)).toMatch(/until .*you are paused/s);
    expect(asked(world, 'it is me, anew')).toEqual([]);
    const named = await world.database.db.execute<{ n: number }>(sql`
      select count(*)::int as n from moderation_log where user_id is null and turn_id is null
        and pseudonym like 'forgotten-%' and action = 'flagged'`);
    expect(named[0]?.n).toBeGreaterThanOrEqual(3);
  });

  async function endsPauses({ user }: Someone): Promise<void> {
    await world.database.db.execute(sql`
      update suspensions set until = now() where kind = 'pause' and user_id in (
        select user_id from identities where platform_user_id = ${String(user.id)})`);
  }

  async function forgetsAll(person: Someone): Promise<void> {
    const before = person.said().length;
    person.say('/forget');
    const question = await world.telegram.waitFor(() =>
      botMessages(world, person.chat)
        .slice(before)
        .find((message) => world.telegram.buttons(message).length > 0),
    );
    const yes = world.telegram.buttons(question)[0]?.label ?? '';
    world.telegram.press(question, yes, person.user);
    await waitFor(async () => {
      const [row] = await world.database.db.execute<{ n: number }>(sql`
        select count(*)::int as n from identities where platform_user_id = ${String(person.user.id)}`);
      return row?.n === 0;
    });
    await person.sees(/forgotten|deleted/i);
  }
});

describe('the operator', () => {
  test('suspends for a time with a reason that its user reads, and sees decisions by their scores', async () => {
    const ann = someone();
    await isFlagged(ann);
    await runAdmin(world, 'user', 'suspend', ann.account, '--days', '2', '--reason', 'spam_here');
    ann.say('hello?');
    await ann.sees(/until .*you are paused.*spam_here/s);
    const list = JSON.parse(
      await runAdmin(world, 'moderation', 'list', '--flagged', '--user', ann.account, '--json'),
    );
    expect(list.decisions).toMatchObject([
      { direction: 'input', action: 'flagged', user: ann.account },
    ]);
    const shown = await runAdmin(world, 'moderation', 'show', String(list.decisions[0].id));
    expect(shown).toMatch(/hate +0\.9700 +flagged/);
    expect(shown).not.toContain(BAD);
  });

  test('house calls carry the same hashed user, never the account', async () => {
    const ann = someone();
    ann.say('first thing');
    await ann.sees(/Answer to: first thing/);
    ann.say('second thing');
    await ann.sees(/Answer to: second thing/);
    const ids = [...asked(world, 'first thing'), ...asked(world, 'second thing')].map(
      ({ body }) => (body as { safety_identifier?: string }).safety_identifier,
    );
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^[\w-]{20,64}$/);
    expect(JSON.stringify(world.openai.requests.map(({ body }) => body))).not.toContain(
      String(ann.user.id),
    );
  });

  test('/privacy says where words are checked, and with which key', async () => {
    const ann = someone();
    ann.say('/privacy');
    await ann.sees(/moderation service of OpenAI, with the key of the house/);
    await ann.sees(/own key are not checked/);
  });
});

test('neither keys nor words are left in the log or the database, nothing failed', async () => {
  const dump = await dumpDatabase(world.database.db);
  for (const secret of [world.openai.apiKey, BAD, SAD]) {
    for (const [form, text] of formsOf(secret)) {
      expect({ form, found: dump.includes(text) }).toEqual({ form, found: false });
      expect({ form, found: world.logged.some((line) => line.includes(text)) }).toEqual({
        form,
        found: false,
      });
    }
  }
  const failures = loggedErrors(world).filter((line) => !/suspended:|appeal:/.test(line));
  expect(failures).toEqual([]);
  expect(promptOf(world.openai.completions()[0]?.body).system).not.toContain(BAD);
});
