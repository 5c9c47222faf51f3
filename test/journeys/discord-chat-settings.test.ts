/** /chat on Discord: what those who manage a server set for it, and what its members then see. */

import { PermissionFlagsBits as Bit } from 'discord-api-types/v10';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { usualBotPermissions } from '../fakes/discord/permission-sets.ts';
import type { FakeChannel, FakeUser, SeenInteraction } from '../fakes/discord.ts';
import { createDiscordWorld, type DiscordWorld } from '../support/discord-world.ts';
import { asked, loggedErrors } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';

let world: DiscordWorld;
beforeAll(async () => {
  world = await createDiscordWorld();
});
afterAll(() => world.close());

/** A server with its owner, somebody who may manage it, and a member. */
function scene(botPermissions = usualBotPermissions) {
  const { discord } = world;
  const [owner, boss, ann] = [world.person('owner'), world.person('boss'), world.person('ann')];
  const channel = world.server([owner, boss, ann], { botPermissions });
  const guild = discord.guild(channel.guildId ?? '');
  discord.setUserPermissions(guild, boss, Bit.ManageGuild);
  return { owner, boss, ann, channel, guild, me: discord.botMention };
}

/** Opens the page and presses its buttons. @returns what the page says in the end */
async function sets(who: FakeUser, channel: FakeChannel, ...steps: readonly [string, RegExp][]) {
  const opening = who.slash('chat', {}, channel);
  let page = await opening.answered(({ content }) => /Settings of this chat/.test(content));
  expect(page.ephemeral).toBe(true);
  for (const [label, shows] of steps) {
    who.presses(page, label);
    const { id } = page;
    page = await world.discord.waitFor(() => {
      const now = seenBy(opening, id);
      return now !== undefined && shows.test(now.content) ? now : undefined;
    });
  }
  return page;
}

const seenBy = (opening: SeenInteraction, id: string) =>
  opening.messages.find((message) => message.id === id);

describe('who may manage the server', () => {
  test('sees the page alone; a member is refused, and so is a press whose right is gone', async () => {
    const { owner, boss, ann, channel, guild } = scene();
    await sets(owner, channel);
    const page = await sets(boss, channel, ['50 a day', /at most 50 messages/]);
    expect(world.said(channel, ann)).toEqual([]);
    expect(() => ann.slash('chat', {}, channel)).toThrow(/lacks the permissions/);
    // A server may offer a command to whom it likes: what counts is what Discord says of the person.
    world.discord.setUserPermissions(guild, ann, Bit.ManageGuild);
    const asking = ann.slash('chat', { cap: 'turns', amount: '1' }, channel);
    world.discord.setUserPermissions(guild, ann, 0n);
    const refused = await asking.answered(({ content }) => /Only those who may/.test(content));
    expect(refused.ephemeral).toBe(true);
    world.discord.setUserPermissions(guild, boss, 0n);
    const press = boss.presses(page, '10 a day');
    const told = await press.answered(({ content }) => /Only those who may/.test(content));
    expect(told.ephemeral).toBe(true);
    expect((await sets(owner, channel)).content).toContain('at most 50 messages');
  });

  test('who alone has installed the app manages nothing with it elsewhere', async () => {
    const { ann } = scene();
    ann.installs();
    const away = world.discord.addGuild({ name: 'Away', members: [ann], hasBot: false });
    const channel = world.discord.addChannel(away, { name: 'general' });
    expect(() => ann.slash('chat', {}, channel)).toThrow(/not offered/);
  });

  test('while Discord does not say who manages, nothing is set', async () => {
    const { owner, channel } = scene();
    world.discord.fail({ route: 'GET /guilds/:guild', status: 503 });
    const asking = owner.slash('chat', { cap: 'turns', amount: '1' }, channel);
    await asking.answered(({ content }) => /could not find out who may manage/.test(content));
    world.discord.clearFaults();
    expect((await sets(owner, channel)).content).not.toContain('at most 1 messages');
  });
});

describe('answers in threads', () => {
  test('open one at the question, and there the conversation goes on', async () => {
    const { boss, ann, channel, me } = scene();
    const { discord } = world;
    await sets(boss, channel, ['Threads', /in a thread of their own/]);
    const question = ann.says(channel, `${me} remember quince`);
    const thread = await discord.waitFor(() =>
      discord.threads(channel).find(({ id }) => id === question.id),
    );
    expect(thread.name).toMatch(/remember quince/);
    const answer = await world.sees(ann, thread, /remember quince/);
    expect(world.said(channel, ann)).toEqual([]);
    expect(answer.buttons.map(({ label }) => label)).toEqual(['New conversation']);

    boss.says(thread, `${me} and what was it?`);
    await world.sees(boss, thread, /what was it/);
    expect(JSON.stringify(asked(world, 'what was it')[0]?.body)).toContain('quince');
    ann.says(thread, 'is it a fruit?', { replyTo: answer });
    await world.sees(ann, thread, /is it a fruit/);
    const third = JSON.stringify(asked(world, 'is it a fruit')[0]?.body);
    expect([third.includes('quince'), third.includes('what was it')]).toEqual([true, true]);
    expect(discord.threads(channel)).toHaveLength(1);

    // Nothing of it comes into another question of the channel, nor of another thread.
    const other = boss.says(channel, `${me} tell me something else`);
    await discord.waitFor(() => discord.threads(channel).length === 2);
    await world.sees(boss, discord.channel(other.id), /something else/);
    expect(JSON.stringify(asked(world, 'something else')[0]?.body)).not.toContain('quince');
  });

  test.each(['the button', '/stop'])('are stopped in their thread by %s', async (way) => {
    const { boss, ann, channel, me } = scene();
    const { discord } = world;
    await sets(boss, channel, ['Threads', /in a thread of their own/]);
    world.openai.script([{ text: 'all about sapote '.repeat(200), hangAfter: 30 }]);
    const question = ann.says(channel, `${me} tell me of sapote`);
    const thread = await discord.waitFor(() =>
      discord.threads(channel).find(({ id }) => id === question.id),
    );
    const growing = await world.sees(ann, thread, /about sapote/);
    if (way === '/stop') await ann.slash('stop', {}, thread).answered();
    else await ann.presses(growing, 'Stop').acknowledged();
    await world.sees(ann, thread, /Stopped\./);
  });

  test('go on in a thread that somebody opens at one', async () => {
    const { ann, boss, channel, me } = scene();
    ann.says(channel, `${me} remember salak`);
    const answer = await world.sees(ann, channel, /remember salak/);
    const thread = world.discord.addThread(channel, { name: 'on that', from: answer });
    boss.says(thread, `${me} say more of it`);
    await world.sees(boss, thread, /say more of it/);
    expect(JSON.stringify(asked(world, 'say more of it')[0]?.body)).toContain('salak');
  });

  test('begin anew in their thread by the button below them', async () => {
    const { boss, ann, channel, me } = scene();
    const { discord } = world;
    await sets(boss, channel, ['Threads', /in a thread of their own/]);
    const question = ann.says(channel, `${me} remember marang`);
    const thread = await discord.waitFor(() =>
      discord.threads(channel).find(({ id }) => id === question.id),
    );
    const answer = await world.sees(ann, thread, /remember marang/);
    ann.presses(answer, 'New conversation');
    await world.sees(ann, thread, /A new conversation/);
    ann.says(thread, `${me} what was it that begins with m?`);
    await world.sees(ann, thread, /begins with m/);
    expect(JSON.stringify(asked(world, 'begins with m')[0]?.body)).not.toContain('marang');
  });

  test('begin anew in their thread by /new', async () => {
    const { boss, ann, channel, me } = scene();
    const { discord } = world;
    await sets(boss, channel, ['Threads', /in a thread of their own/]);
    const question = ann.says(channel, `${me} remember medlar`);
    const thread = await discord.waitFor(() =>
      discord.threads(channel).find(({ id }) => id === question.id),
    );
    await world.sees(ann, thread, /remember medlar/);
    await ann.slash('new', {}, thread).answered();
    ann.says(thread, `${me} a fresh start`);
    await world.sees(ann, thread, /a fresh start/);
    expect(JSON.stringify(asked(world, 'a fresh start')[0]?.body)).not.toContain('medlar');
  });

  test.each([
    ['open none', Bit.CreatePublicThreads],
    ['not write in them', Bit.SendMessagesInThreads],
  ])('come as replies where the bot may %s', async (_, missing) => {
    const { boss, ann, channel, me } = scene(usualBotPermissions & ~missing);
    await sets(boss, channel, ['Threads', /in a thread of their own/]);
    const question = ann.says(channel, `${me} tell me of loquat`);
    const answer = await world.sees(ann, channel, /tell me of loquat/);
    expect(answer.replyTo).toBe(question.id);
    // A channel is no conversation that could begin anew.
    expect(answer.buttons).toEqual([]);
  });

  test('stand in the channel where somebody deletes the thread under them', async () => {
    const { boss, ann, channel, me } = scene();
    const { discord } = world;
    await sets(boss, channel, ['Threads', /in a thread of their own/]);
    world.openai.script([{ text: 'slowly about feijoa '.repeat(25), chunkDelayMs: 40 }]);
    const question = ann.says(channel, `${me} tell me of feijoa`);
    const thread = await discord.waitFor(() =>
      discord.threads(channel).find(({ id }) => id === question.id),
    );
    await world.sees(ann, thread, /about feijoa/);
    discord.deleteChannel(thread);
    const answer = await world.sees(ann, channel, /about feijoa/);
    expect(answer.replyTo).toBe(question.id);
    await discord.waitFor(() => discord.message(answer.id)?.buttons.length === 0);
  });

  test('a deleted thread takes its own waiting questions along, and nobody else’s', async () => {
    const { ann, boss, channel, me } = scene();
    const { discord } = world;
    const thread = discord.addThread(channel, { name: 'a thread' });
    world.openai.script([
      { text: 'slow', delayMs: 800 },
      { text: 'slow', delayMs: 800 },
    ]);
    ann.says(channel, `${me} running of ann`);
    boss.says(channel, `${me} running of boss`);
    await waitFor(() => asked(world, 'running of').length === 2);
    ann.says(thread, `${me} waiting in the thread`);
    boss.says(channel, `${me} waiting in the channel`);
    await waitFor(async () => {
      const rows = await world.database.db.execute(sql`
        select 1 from turns where status = 'queued'`);
      return rows.length === 2;
    });
    discord.deleteChannel(thread);
    await world.sees(boss, channel, /waiting in the channel/);
    const rows = await world.database.db.execute(sql`
      select t.status, t.outcome from turns t join chats c on c.id = t.chat_id
      where c.thread_id = ${thread.id}`);
    expect(rows).toEqual([{ status: 'cancelled', outcome: 'closed' }]);
    expect(asked(world, 'waiting in the thread')).toHaveLength(0);
  });
});

describe('where it answers', () => {
  test('“here only” is this channel with its threads, and no other; commands too', async () => {
    const { boss, ann, channel, guild, me } = scene();
    const { discord } = world;
    const other = discord.addChannel(guild, { name: 'other' });
    const thread = discord.addThread(channel, { name: 'a thread' });
    await sets(boss, channel, ['Here only', /only in one place, this among them/]);
    ann.says(thread, `${me} in the thread`);
    await world.sees(ann, thread, /in the thread/);
    ann.says(other, `${me} in the other`);
    await world.sees(ann, other, /I don’t answer in this place/);
    const asking = boss.slash('ask', { prompt: 'by command in the other' }, other);
    await asking.answered(({ content }) => /I don’t answer in this place/.test(content));
    expect(asked(world, 'in the other')).toHaveLength(0);
    await sets(boss, other, ['Here too', /only in 2 places, this among them/]);
    ann.says(other, `${me} in the other by now`);
    await world.sees(ann, other, /in the other by now/);
  });
});

describe('who may use it', () => {
  test('“managers only” answers them alone', async () => {
    const { boss, ann, channel, me } = scene();
    await sets(boss, channel, ['Managers only', /only those who may manage this chat/]);
    ann.says(channel, `${me} of a member`);
    await world.sees(ann, channel, /only those who manage this chat/);
    boss.says(channel, `${me} of a manager`);
    await world.sees(boss, channel, /of a manager/);
    expect(asked(world, 'of a member')).toHaveLength(0);
  });
});

describe('the cap', () => {
  test('is counted over all channels of the server, and told to the person alone', async () => {
    const { boss, ann, channel, guild, me } = scene();
    const other = world.discord.addChannel(guild, { name: 'other' });
    const setting = boss.slash('chat', { amount: '2', cap: 'turns' }, channel);
    await setting.answered(({ content }) => /at most 2 messages/.test(content));
    ann.says(channel, `${me} first of two`);
    await world.sees(ann, channel, /first of two/);
    boss.says(other, `${me} second of two`);
    await world.sees(boss, other, /second of two/);
    const asking = ann.slash('ask', { prompt: 'third of two' }, other);
    const told = await asking.answered(({ thinking }) => !thinking);
    expect([told.ephemeral, asked(world, 'third of two').length]).toEqual([true, 0]);
    ann.says(world.discord.dm(ann), 'in private it goes on');
    await world.sees(ann, world.discord.dm(ann), /in private it goes on/);
  });

  test('takes no rubbish', async () => {
    const { boss, channel } = scene();
    for (const options of [
      { cap: 'turns', amount: '-1' },
      { cap: 'turns', amount: '1e9' },
      { amount: '∞', cap: 'dollars' },
      { amount: 'blue' },
    ]) {
      const setting = boss.slash('chat', options, channel);
      await setting.answered(({ content }) => /I take `\/chat turns 30`/.test(content));
    }
  });
});

test('none of this was an error', () => {
  expect([...loggedErrors(world), ...world.wrongBodies()]).toEqual([]);
});
