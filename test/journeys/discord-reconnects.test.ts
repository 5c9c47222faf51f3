/** What happens on Discord while the bot is away, or dies, is not lost with it. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { sql } from '../../src/db/drizzle.ts';
import type { FakeChannel, FakeDiscord, FakeUser } from '../fakes/discord.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { asked } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';

const MINUTES = 60_000;
const READ = 'GET /channels/:channel/messages';

let world: World;
let discord: FakeDiscord;
let app: App;
beforeAll(async () => {
  world = await createWorld({ discord: { rates: false } });
  if (world.discord === undefined) throw new Error('no Discord');
  discord = world.discord;
  world.openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);
  app = await world.start();
});
afterAll(() => world.close());

function scene() {
  const ann = discord.addUser({ name: 'ann' });
  const bob = discord.addUser({ name: 'bob' });
  const guild = discord.addGuild({ name: 'Garden', members: [ann, bob] });
  const channel = discord.addChannel(guild, { name: 'general' });
  return { ann, bob, guild, channel, dm: discord.dm(ann), me: discord.botMention };
}

const said = (channel: FakeChannel, what: RegExp) =>
  discord.messages(channel).filter(({ fromBot, content }) => fromBot && what.test(content));

async function answers(channel: FakeChannel, what: RegExp) {
  return discord.waitFor(() => said(channel, what)[0], { timeoutMs: 10_000 });
}

async function asks(who: FakeUser, channel: FakeChannel, text: string): Promise<void> {
  who.says(channel, text);
  await answers(channel, new RegExp(text.replace(/<[^>]*> /, '')));
}

/** Until the bot has looked everywhere for what it missed. */
async function hasCaughtUp(before: number): Promise<void> {
  const looked = () => world.logged.filter((line) => line.includes('looked for what was missed'));
  await waitFor(() => looked().length > before, { timeoutMs: 20_000 });
}
const caughtUp = () =>
  world.logged.filter((line) => line.includes('looked for what was missed')).length;

describe('what is said to the bot while nobody hears it', () => {
  test('is answered with the next session, once, and nothing else is', async () => {
    const { ann, bob, channel, dm, me } = scene();
    await asks(ann, dm, 'hello of ann');
    await asks(bob, channel, `${me} hello of bob`);
    const before = caughtUp();
    discord.gateway.shut();
    ann.says(dm, 'while you were away');
    bob.says(channel, 'nobody is meant');
    bob.says(channel, `${me} a question of bob`);
    discord.gateway.closeWith(4009);
    discord.gateway.open();
    await answers(dm, /while you were away/);
    await answers(channel, /a question of bob/);
    await hasCaughtUp(before);
    ann.says(dm, 'and now');
    await answers(dm, /and now/);
    const turnsOf = (who: FakeUser) =>
      world.database.db.execute(sql`select 1 from turns where platform_user_id = ${who.id}`);
    expect([(await turnsOf(ann)).length, (await turnsOf(bob)).length]).toEqual([3, 2]);
    expect(said(channel, /nobody is meant/)).toEqual([]);
  });

  test('comes by itself where the session is resumed', async () => {
    const { ann, dm } = scene();
    await asks(ann, dm, 'before the break');
    const reads = discord.callsOf(READ).length;
    discord.gateway.drop();
    ann.says(dm, 'in the break');
    await answers(dm, /in the break/);
    expect(discord.callsOf(READ)).toHaveLength(reads);
  });

  test('is answered by the next process, in a thread of an answer’s own too', async () => {
    const { ann, guild, channel, dm, me } = scene();
    await world.database.db.execute(sql`
      insert into chat_settings (platform, whole_id, answers_in)
      values ('discord', ${guild.id}, 'threads')`);
    await asks(ann, dm, 'the last before the end');
    const question = ann.says(channel, `${me} remember whitebeam`);
    const thread = await discord.waitFor(() =>
      discord.threads(channel).find(({ id }) => id === question.id),
    );
    await answers(thread, /remember whitebeam/);
    await app.stop();
    ann.says(dm, 'is anybody there?');
    ann.says(thread, `${me} what was it of wood?`);
    app = await world.start();
    await answers(dm, /is anybody there/);
    await answers(thread, /what was it of wood/);
    expect(JSON.stringify(asked(world, 'of wood')[0]?.body)).toContain('whitebeam');
  });

  test('is left alone after a quarter of an hour', async () => {
    const { ann, dm } = scene();
    await asks(ann, dm, 'before it is late');
    await world.database.db.execute(sql`
      update inbox set received_at = received_at - interval '1 hour'
      where platform_chat_id = ${dm.id}`);
    await app.stop();
    discord.advance(-20 * MINUTES);
    ann.says(dm, 'said long ago');
    discord.advance(20 * MINUTES);
    ann.says(dm, 'said just now');
    app = await world.start();
    await answers(dm, /said just now/);
    expect(asked(world, 'said long ago')).toEqual([]);
  });

  test('makes nobody known again who was forgotten', async () => {
    const { ann, bob, dm } = scene();
    await asks(bob, discord.dm(bob), 'somebody who stays');
    await asks(ann, dm, 'remember nothing of me');
    const asking = ann.slash('forget', {}, dm);
    const sure = await asking.answered(({ buttons }) => buttons.length > 0);
    const yes = sure.buttons.find(({ label }) => /forget|delete/i.test(label));
    ann.presses(sure, yes?.label ?? '');
    const isKnown = async () => {
      const rows = await world.database.db.execute(sql`
        select 1 from identities where platform_user_id = ${ann.id}`);
      return rows.length > 0;
    };
    await waitFor(async () => !(await isKnown()));
    await app.stop();
    const before = caughtUp();
    app = await world.start();
    await hasCaughtUp(before);
    await asks(bob, discord.dm(bob), 'all is taken in by now');
    expect(await isKnown()).toBe(false);
    // Back, and nothing of what they said before is taken up.
    await asks(ann, dm, 'a new beginning');
    const again = caughtUp();
    await app.stop();
    app = await world.start();
    await hasCaughtUp(again);
    await asks(ann, dm, 'and one more');
    const rows = await world.database.db.execute(sql`
      select 1 from turns where platform_user_id = ${ann.id}`);
    expect(rows).toHaveLength(2);
  });

  test('is missed nowhere because one channel can’t be read', async () => {
    const { ann, bob, channel, dm, me } = scene();
    await asks(ann, dm, 'one that can be read');
    await asks(bob, channel, `${me} one that can not`);
    await app.stop();
    discord.setBotPermissions(channel, 0n);
    ann.says(dm, 'read all the same');
    app = await world.start();
    await answers(dm, /read all the same/);
  });
});

test('who asked in a place that is gone is told, also by the next process, once', async () => {
  const { ann, channel, dm, me } = scene();
  world.openai.script(() => ({ text: 'slowly about azarole '.repeat(40), hangAfter: 30 }));
  ann.says(channel, `${me} tell me of azarole`);
  await answers(channel, /about azarole/);
  discord.fail({ route: 'POST /channels/:channel/messages', status: 503 });
  discord.deleteChannel(channel);
  await waitFor(async () => {
    const [row] = await world.database.db.execute(sql`
      select 1 from turns where platform_user_id = ${ann.id} and status = 'cancelled'`);
    return row !== undefined;
  });
  await app.stop();
  await world.database.db.execute(sql`
    update inbox set received_at = received_at - interval '1 minute' where outcome = 'closed'`);
  discord.clearFaults();
  app = await world.start();
  await answers(dm, /place where you asked me is gone/);
  await waitFor(async () => {
    const rows = await world.database.db.execute(sql`
      select 1 from inbox where outcome = 'closed' and handled_at is null`);
    return rows.length === 0;
  });
  expect(said(dm, /place where you asked me is gone/)).toHaveLength(1);
});
