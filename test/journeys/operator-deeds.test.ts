/** What operators do to users by /admin: typed, by buttons, on two devices, and what is left of it. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Message } from 'grammy/types';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asc, gt } from '../../src/db/drizzle.ts';
import { audit } from '../../src/db/schema.ts';
import { runAdmin } from '../support/admin.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { botMessages, botSays, loggedErrors, takenIn, textOf } from '../support/people.ts';

let world: World;
let folder: string;
/** Somebody sits at the terminal as well. */
const [input, output] = [new PassThrough(), new PassThrough()];
let shown = '';
let olga: Person;
let otto: Person;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-operator-'));
  const file = join(folder, 'plans.json');
  await writeFile(file, JSON.stringify({ pro: { day: { turns: 50 } }, gold: {} }));
  world = await createWorld({ env: { PLANS_FILE: file } });
  [olga, otto] = [person('Olga'), person('Otto')];
  output.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk;
  });
  await world.start(
    { OPERATOR_IDS: `${olga.account},${otto.account}` },
    { input, output, onExit: () => undefined },
  );
  world.openai.script((question) => `Answer to: ${question}`);
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

function person(first_name: string) {
  const user = world.telegram.addUser({ first_name });
  const chat = world.telegram.privateChat(user);
  const one = {
    user,
    chat,
    account: `telegram:${user.id}`,
    say: (text: string) => world.telegram.say(chat, user, text),
    sees: (what: RegExp) => botSays(world, chat, what),
    press: (message: Message, label: string) => world.telegram.press(message, label, user),
    said: () => botMessages(world, chat).map(textOf),
    /** Says it, and waits for a message of the bot after that. */
    async asks(text: string, what: RegExp) {
      const { message_id } = world.telegram.say(chat, user, text);
      return world.telegram.waitFor(() =>
        botMessages(world, chat).find((m) => m.message_id > message_id && what.test(textOf(m))),
      );
    },
  };
  return one;
}
type Person = ReturnType<typeof person>;

let forged = 0;
/** A press below a message as it was once, or one that is made up. */
function pressOld(who: Person, message: Message, data: string): void {
  forged += 1;
  world.telegram.pushUpdate({
    callback_query: { id: `old-${forged}`, from: who.user, chat_instance: '1', message, data },
  });
}

/** What a button stands for. */
function dataOf(message: Message, label: string): string {
  const found = world.telegram.buttons(message).find((button) => button.label === label);
  if (found?.data === undefined) throw new Error(`no button ${label}`);
  return found.data;
}

/** Somebody who has written already. */
async function known(name: string): Promise<Person> {
  const who = person(name);
  await who.asks('/start', /Latchkey/);
  return who;
}

const pageOf = (who: Person, by = olga) => by.asks(`/admin user ${who.account}`, /User .*\(/);

/** The operator's deeds in the trail since a row of it. */
async function deedsSince(seq: number) {
  const rows = await world.database.db
    .select()
    .from(audit)
    .where(gt(audit.seq, seq))
    .orderBy(asc(audit.seq));
  return rows.filter(({ actor }) => actor === 'operator');
}
async function newestRow(): Promise<number> {
  const rows = await world.database.db.select({ seq: audit.seq }).from(audit);
  return Math.max(0, ...rows.map(({ seq }) => seq));
}

describe('/admin grant', () => {
  test('gives a plan until a day or for good, and takes it back, as the shell does', async () => {
    const ann = await known('Ann');
    await olga.asks(
      `/admin grant ${ann.account} pro 2099-12-31`,
      /telegram:\d+ has the plan pro until/,
    );
    await ann.asks('/usage', /Your plan: pro[\s\S]*of 50 messages[\s\S]*the plan ends/);
    expect(await runAdmin(world, 'user', 'plan', ann.account)).toContain(
      'has the plan "pro" until 2100-01-01T00:00:00.000Z',
    );
    await olga.asks(`/admin grant ${ann.account} gold`, /has the plan gold\.$/);
    await olga.asks(`/admin grant ${ann.account} free`, /has the plan free again/);
    await ann.asks('/usage', /Free allowance/);
  });

  test('says what is wrong, and grants nothing', async () => {
    const ann = await known('Ann');
    const nobody = person('Nobody');
    for (const [words, sentence] of [
      [`${ann.account} platinum`, /no plan platinum: PLANS_FILE has free, pro, gold/],
      [`${ann.account} pro tomorrow`, /written as 2026-12-31/],
      [`${ann.account} pro 2026-02-30`, /written as 2026-12-31/],
      [`${ann.account} pro 2020-01-01`, /That day is over/],
      [`${nobody.account} pro`, /they never wrote/],
      [`${ann.account}`, /suspends for seven days/],
      ['somebody pro', /suspends for seven days/],
    ] as const) {
      await olga.asks(`/admin grant ${words}`, sentence);
    }
    await ann.asks('/usage', /Free allowance/);
  });
});

describe('the page of a user', () => {
  test('is reached from the lists, says how they stand, and has the deeds as buttons', async () => {
    const ann = await known('Ann');
    await ann.asks('apple', /Answer to: .*apple/);
    const top = await olga.asks('/admin top', /Most expensive/);
    const [, short = ''] = new RegExp(`([\\w-]{8}) \\(${ann.account}\\)`).exec(textOf(top)) ?? [];
    olga.press(top, short);
    const page = await olga.sees(new RegExp(`User ${short} \\(${ann.account}\\)`));
    expect(textOf(page)).toMatch(/not suspended[\s\S]*plan free[\s\S]*keys: none/);
    expect(textOf(page)).toMatch(/house: \$0\.\d+ for 1 answer\b/);
    expect(textOf(page)).not.toContain('apple');

    olga.press(page, 'Suspend…');
    olga.press(await olga.sees(/For how long/), 'Seven days');
    const done = await olga.sees(/Suspended until .*\(suspension \d+\)[\s\S]*by an operator/);
    await ann.asks('pear', /does not answer you until/);
    olga.press(done, 'Lift');
    const lifted = await olga.sees(/Lifted: the house answers them again[\s\S]*not suspended/);
    await ann.asks('plum', /Answer to: .*plum/);
    olga.press(lifted, 'Grant a plan…');
    const plans = await olga.sees(/has the plan free\./);
    expect(world.telegram.buttons(plans).map(({ label }) => label)).toEqual([
      'pro, 30 days',
      'pro, for good',
      'gold, 30 days',
      'gold, for good',
      'Back',
    ]);
    olga.press(plans, 'pro, 30 days');
    const granted = await olga.sees(/This user has the plan pro until/);
    await ann.asks('/usage', /Your plan: pro/);
    olga.press(granted, 'Grant a plan…');
    olga.press(await olga.sees(/has the plan pro until.*\nUntil another day/), 'Take it back');
    await olga.sees(/This user has the plan free again/);
    await ann.asks('/usage', /Free allowance/);
  });

  test('pressed on two devices, or below an old message, a button acts once, and says so', async () => {
    const ann = await known('Ann');
    const [hers, his] = [await pageOf(ann), await pageOf(ann, otto)];
    olga.press(hers, 'Suspend…');
    otto.press(his, 'Suspend…');
    const [mine, theirs] = await Promise.all([
      olga.sees(/For how long/),
      otto.sees(/For how long/),
    ]);
    const [day, forGood] = [dataOf(mine, 'A day'), dataOf(theirs, 'Until I lift it')];
    olga.press(mine, 'A day');
    pressOld(olga, mine, day);
    otto.press(theirs, 'Until I lift it');
    await takenIn(world);
    const standing = () => runAdmin(world, 'user', 'show', ann.account, '--json');
    const { suspensions } = JSON.parse(await standing()) as { suspensions: unknown[] };
    expect(suspensions).toHaveLength(1);
    await Promise.any([
      olga.sees(/Nothing was done by this press/),
      otto.sees(/Nothing was done by this press/),
    ]);
    // The same once more, long after it was lifted.
    await olga.asks(`/admin lift ${ann.account}`, /Lifted/);
    pressOld(olga, mine, day);
    pressOld(otto, theirs, forGood);
    await takenIn(world);
    await ann.asks('fig', /Answer to: .*fig/);
    // Nor does an old page grant what was taken back since.
    const page = await pageOf(ann);
    olga.press(page, 'Grant a plan…');
    const plans = await olga.sees(/has the plan free\./);
    const gold = dataOf(plans, 'gold, for good');
    await olga.asks(`/admin grant ${ann.account} gold`, /has the plan gold/);
    await olga.asks(`/admin grant ${ann.account} free`, /has the plan free again/);
    pressOld(olga, plans, gold);
    await olga.sees(/Nothing was done by this press[\s\S]*plan free/);
  });

  test('forgotten, it is gone; made-up buttons and other people’s presses do nothing', async () => {
    const ann = await known('Ann');
    const page = await pageOf(ann);
    const suspend = dataOf(page, 'Suspend…');
    const eve = await known('Eve');
    const seq = await newestRow();
    const before = eve.said().length;
    for (const data of ['admin:home', 'admin:pause', 'admin:user-1', 'admin:do-0-1-suspend']) {
      pressOld(eve, page, data);
    }
    for (const data of ['do-0-0-suspend', 'do-0-999999-lift', 'do-0-1-burn', 'user-0', 'do--1-']) {
      pressOld(olga, page, `admin:${data}`);
    }
    pressOld(olga, page, 'admin:do-0-1-grant-nothing');
    await takenIn(world);
    await eve.asks('grape', /Answer to: .*grape/);
    expect(eve.said()).toHaveLength(before + 1);
    expect(await deedsSince(seq)).toEqual([]);
    ann.press(await ann.asks('/forget', /forget/i), 'Forget everything');
    await ann.sees(/Forgotten|forgotten|Done/);
    pressOld(olga, page, suspend);
    await olga.sees(/This user is not here any more/);
  });
});

test('who sits at the terminal has it too, with the same buttons', async () => {
  const type = async (text: string, what: RegExp) => {
    const from = shown.length;
    input.write(`${text}\n`);
    return world.telegram.waitFor(() => what.exec(shown.slice(from)) ?? undefined);
  };
  const [, number = ''] = await type('/admin', /The house pays[\s\S]*\[(\d)\] Pause the house/);
  const [, resume = ''] = await type(number, /house is paused[\s\S]*\[(\d)\] Resume the house/);
  await type(resume, /The house pays again/);
  await type('/help', /\/admin/);
});

test('every deed stands in the audit trail, from a chat as from the shell, without any account', async () => {
  const ann = await known('Ann');
  const seq = await newestRow();
  await olga.asks(`/admin suspend ${ann.account} 1 rude`, /Suspended/);
  await olga.asks(`/admin lift ${ann.account}`, /Lifted/);
  await olga.asks(`/admin grant ${ann.account} pro`, /has the plan pro/);
  await olga.asks('/admin pause', /Paused/);
  await olga.asks('/admin resume', /The house pays again/);
  const here = await deedsSince(seq);
  await runAdmin(world, 'user', 'suspend', ann.account, '--reason', 'rude');
  await runAdmin(world, 'user', 'lift', ann.account);
  await runAdmin(world, 'user', 'grant', ann.account, '--plan', 'gold');
  await runAdmin(world, 'house', 'pause');
  await runAdmin(world, 'house', 'resume');
  const there = await deedsSince(here.at(-1)?.seq ?? 0);
  const deeds = ['user.suspended', 'user.lifted', 'user.granted', 'house.paused', 'house.resumed'];
  for (const rows of [here, there]) expect(rows.map(({ action }) => action)).toEqual(deeds);
  const about = here[0]?.subject;
  expect(about).toMatch(/\S{16}/);
  for (const rows of [here, there]) {
    expect(rows.map(({ subject }) => subject)).toEqual([about, about, about, null, null]);
  }
  expect(here.map(({ platform }) => platform)).toEqual(Array(5).fill('telegram'));
  expect(there.map(({ detail }) => detail)).toEqual(
    Array(5).fill(expect.objectContaining({ by: 'shell' })),
  );
  const trail = JSON.stringify([here, there]);
  for (const word of [String(ann.user.id), String(olga.user.id), 'rude']) {
    expect(trail).not.toContain(word);
  }
  expect(await runAdmin(world, 'audit', 'verify')).toMatch(/The trail is whole/);
  expect(loggedErrors(world)).toEqual([]);
});
