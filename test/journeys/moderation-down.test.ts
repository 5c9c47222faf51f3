/** When moderation can't be asked, asks slowly, or is asked for own keys too. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { StartError } from '../../src/start-error.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { asked, botMessages, botSays, madeKey, textOf } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';

const BAD = 'zorbleflag';

let world: World;
beforeEach(async () => {
  world = await createWorld();
  world.openai.script((question) => `Answer to: ${question}`);
});
afterEach(() => world.close());

function someone() {
  const user = world.telegram.addUser({ first_name: 'Ann' });
  const chat = world.telegram.privateChat(user);
  return {
    user,
    chat,
    say: (text: string) => world.telegram.say(chat, user, text),
    sees: (what: RegExp, timeoutMs = 10_000) => botSays(world, chat, what, { timeoutMs }),
    said: () => botMessages(world, chat).map(textOf),
  };
}

async function start(env: Readonly<Record<string, string>>) {
  const operator = someone();
  await world.start({ ...env, OPERATOR_IDS: `telegram:${operator.user.id}` });
  return operator;
}

test('on: while the service is down turns go on, and the operator is warned once', async () => {
  const operator = await start({ MODERATION: 'on' });
  world.openai.moderate(() => ({ fail: 'server-error' }));
  const ann = someone();
  for (const word of ['one', 'two', 'three']) {
    ann.say(`question ${word}`);
    await ann.sees(new RegExp(`Answer to: question ${word}`));
  }
  await botSays(world, operator.chat, /Moderation does not work \(overloaded\).*go on without it/s);
  expect(operator.said()).toHaveLength(1);
  // It is left alone for a while: nobody waits for it again and again.
  expect(world.openai.moderations().length).toBeLessThanOrEqual(4);
  const actions = async () => {
    const rows = await world.database.db.execute<{ action: string }>(
      sql`select distinct action from moderation_log`,
    );
    return rows.map(({ action }) => action);
  };
  await waitFor(async () => (await actions()).join() === 'unchecked');
});

test('on, without any key that moderates: turns go on, and the operator is warned', async () => {
  const operator = await start({
    MODERATION: 'on',
    OPENAI_API_KEY: '',
    ANTHROPIC_API_KEY: world.anthropic.apiKey,
  });
  await botSays(world, operator.chat, /no key moderates/);
  const ann = someone();
  ann.say('hello there');
  await ann.sees(/hello there/);
  expect(world.openai.requests).toEqual([]);
});

describe('required', () => {
  test('a turn waits for the service, and is answered when it is back', async () => {
    await start({ MODERATION: 'required' });
    let isDown = true;
    world.openai.moderate(() => (isDown ? { fail: 'overloaded' } : {}));
    const ann = someone();
    ann.say('may I wait?');
    await waitFor(async () => {
      const rows = await world.database.db.execute(
        sql`select from turns where status = 'queued' and not_before > now()`,
      );
      return rows.length > 0;
    });
    expect(asked(world, 'may I wait?')).toEqual([]);
    isDown = false;
    await ann.sees(/Answer to: may I wait/, 15_000);
  }, 30_000);

  test('a turn that has waited long enough is refused, costs nothing, and own keys are not held up', async () => {
    await start({ MODERATION: 'required' });
    world.openai.moderate(() => ({ fail: 'overloaded' }));
    const [ann, ben] = [someone(), someone()];
    const key = world.openai.keys.add('valid', madeKey());
    ben.say(`/setkey ${key}`);
    await ben.sees(/Saved: your OpenAI key/);
    ann.say('nobody can check this');
    await waitFor(async () => {
      const rows = await world.database.db.execute(
        sql`update turns set attempt = 3 where status = 'queued' and not_before > now() returning id`,
      );
      return rows.length > 0;
    });
    ben.say('on my own key');
    await ben.sees(/Answer to: on my own key/);
    await ann.sees(/has to pass moderation first.*Nothing was counted/s, 15_000);
    expect(asked(world, 'nobody can check this')).toEqual([]);
    const spent = await world.database.db.execute(
      sql`
      select from budgets where holder_kind in ('user', 'house')
        and (turns > 0 or spent_micros + reserved_micros > 0)`,
    );
    expect(spent).toHaveLength(0);
  }, 30_000);

  test('an answer whose end can not be checked is taken back, and costs its user nothing', async () => {
    await start({ MODERATION: 'required' });
    world.openai.moderate((input) => (input.includes('tail') ? { fail: 'overloaded' } : {}));
    world.openai.script([{ text: 'an answer with a tail', atOnce: true }]);
    const ann = someone();
    ann.say('hello');
    await ann.sees(/has to pass moderation first/, 15_000);
    expect(ann.said().join()).not.toContain('tail');
    const spent = await world.database.db.execute(sql`select from budgets where turns > 0`);
    expect(spent).toHaveLength(0);
  }, 30_000);
});

test('what an attempt had shown when its worker died is checked before it is final', async () => {
  await start({ MODERATION: 'on' });
  let hidden = true;
  world.openai.moderate((input) => ({
    scores: input.includes(BAD) && !hidden ? { hate: 0.99 } : {},
  }));
  world.openai.script([
    { text: `begins with ${BAD} and hangs on`, chunkDelayMs: 20, hangAfter: 5 },
  ]);
  const ann = someone();
  ann.say('hello');
  await waitFor(async () => {
    const rows = await world.database.db.execute(
      sql`select from turns where answer is not null and status = 'running'`,
    );
    return rows.length > 0;
  });
  // As after a death: the lease is over, and another attempt takes the turn.
  hidden = false;
  await world.database.db.execute(
    sql`update turns set status = 'queued', lease_until = null, attempt = attempt + 1`,
  );
  await ann.sees(/took this answer back/, 15_000);
  expect(ann.said().join()).not.toContain(BAD);
}, 30_000);

describe('the operator’s own files', () => {
  test('own keys are moderated where the terms say so, and the terms do say so', async () => {
    const file = join(world.env.DATA_DIR ?? '', 'terms.md');
    await writeFile(file, '# My terms\n\nBe nice.\n\n<!-- moderation: own keys -->\n');
    await start({ MODERATION: 'on', TERMS_FILE: file });
    world.openai.moderate((input) => ({ scores: input.includes(BAD) ? { hate: 0.99 } : {} }));
    const ann = someone();
    ann.say('/terms');
    expect(textOf(await ann.sees(/Be nice/))).toMatch(
      /key of your own.*checked by a moderation service too/,
    );
    const key = world.openai.keys.add('valid', madeKey());
    ann.say(`/setkey ${key}`);
    await ann.sees(/Saved: your OpenAI key/);
    for (const word of ['one', 'two', 'three']) ann.say(`${BAD} ${word}`);
    await ann.sees(/did not pass this on.*you are paused/s);
    expect(asked(world, BAD)).toEqual([]);
    // The pause is of the house: the own key goes on, also while the service is down.
    world.openai.moderate(() => ({ fail: 'overloaded' }));
    ann.say('something harmless');
    await ann.sees(/Answer to: something harmless/);
  });

  test('thresholds are the operator’s to change; a file that makes no sense stops the start', async () => {
    const file = join(world.env.DATA_DIR ?? '', 'moderation.json');
    await writeFile(file, '{"thresholds": {"voilence": 0.5}}');
    await expect(start({ MODERATION: 'on' })).rejects.toThrow(StartError);
    await writeFile(file, '{"thresholds": {"violence": 0.3, "hate": 1.1}}');
    await start({ MODERATION: 'on' });
    world.openai.moderate((input) => ({
      scores: input.includes('fight') ? { violence: 0.4 } : { hate: 1 },
    }));
    const ann = someone();
    ann.say('a fight');
    await ann.sees(/did not pass this on/);
    ann.say('something else');
    await ann.sees(/Answer to: something else/);
  });
});

test('a plain question reaches the model later by no more than the time of one check', async () => {
  await start({ MODERATION: 'on' });
  const checkMs = 150;
  world.openai.moderate((input) => (input.includes('slow') ? { delayMs: checkMs } : {}));
  const times: number[] = [];
  for (const question of ['warm slow', 'at once', 'slow']) {
    const ann = someone();
    const at = Date.now();
    ann.say(question);
    await ann.sees(new RegExp(`Answer to: ${question}`));
    times.push((asked(world, question).at(-1)?.at ?? 0) - at);
  }
  const [, atOnce = 0, slow = 0] = times;
  // With room for a busy machine: a second check in a row would not fit in.
  expect(slow - atOnce).toBeLessThan(2 * checkMs);
});
