/** Whatever people do on Discord: a sentence where somebody can be reached, and the turn's state. */

import { PermissionFlagsBits as Bit } from 'discord-api-types/v10';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { usualBotPermissions } from '../fakes/discord/permission-sets.ts';
import type { FakeChannel, FakeUser } from '../fakes/discord.ts';
import { createDiscordWorld, type DiscordWorld } from '../support/discord-world.ts';
import { asked, loggedErrors, madeKey } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';

let world: DiscordWorld;
beforeAll(async () => {
  world = await createDiscordWorld();
});
afterAll(() => world.close());

function people(botPermissions = usualBotPermissions) {
  const [ann, bob] = [world.person('ann'), world.person('bob')];
  const channel = world.server([ann, bob], { botPermissions });
  return { ann, bob, channel, dm: world.discord.dm(ann), me: world.discord.botMention };
}

/** How the person's turns ended, oldest first; waits until none is open. */
async function turnsOf(who: FakeUser) {
  return await waitFor(async () => {
    const rows = await world.database.db.execute<{ status: string; outcome: string | null }>(sql`
      select status, outcome from turns where platform_user_id = ${who.id} order by id`);
    const isOpen = rows.some(({ status }) => status === 'queued' || status === 'running');
    return rows.length === 0 || isOpen ? undefined : [...rows];
  });
}

/** Asks in the channel for an answer that goes on for some seconds, and waits for its beginning. */
async function growing(who: FakeUser, channel: FakeChannel, word: string) {
  world.openai.script([{ text: `slowly about ${word} `.repeat(25), chunkDelayMs: 40 }]);
  who.says(channel, `${world.discord.botMention} tell me of ${word}`);
  return await world.sees(who, channel, new RegExp(`about ${word}`));
}

describe('a form', () => {
  test('that comes back empty, blank or with rubbish keeps nothing', async () => {
    const { ann, dm } = people();
    for (const [key, told] of [
      ['', /There was no key in the form/],
      [' \u3000\n', /There was no key in the form/],
      ['</modal> \u0000 <@&1> @everyone', /don’t recognise this/],
      ['x'.repeat(6000), /don’t recognise this/],
    ] as const) {
      const opening = ann.slash('setkey', {}, dm);
      await opening.opened();
      const form = ann.submits(opening, { key }, { anyway: true });
      const answer = await form.answered(({ content }) => told.test(content));
      expect([answer.ephemeral, answer.pings.everyone]).toEqual([true, false]);
    }
    const rows = await world.database.db.execute(sql`select * from api_keys`);
    expect(rows).toEqual([]);
  });
});

describe('autocomplete', () => {
  test('with 6,000 characters is answered, with no choice', async () => {
    const { ann, dm } = people();
    await world.bringsKey(ann);
    for (const typed of ['m'.repeat(6000), '%_\\'.repeat(2000), '🦊'.repeat(3000)]) {
      const typing = ann.autocompletes('model', 'model', typed, dm);
      expect(await world.discord.waitFor(() => typing.choices)).toEqual([]);
    }
    const chosen = ann.slash('model', { model: 'm'.repeat(6000) }, dm);
    await chosen.answered(({ content, thinking }) => !thinking && content.length < 2000);
  });
});

describe('a file', () => {
  const utf16 = Buffer.from(`\ufefflet tamarind = 1`, 'utf16le');
  test.each([
    ['that is binary', 'a.py', Buffer.from([0, 1, 2, 255, 254, 0]), /neither text nor an image/],
    ['of an unknown kind', 'a.exe', Buffer.from('MZ'), /neither text nor an image/],
    ['in Latin-1', 'a.txt', Buffer.from('caf\xe9 \xff', 'latin1'), /neither text nor an image/],
    ['of 10 MiB', 'a.txt', Buffer.alloc(10 * 1024 * 1024, 'a'), /too large/],
    ['that is no image', 'a.png', Buffer.from('no image'), /./],
  ])('%s is left out, and its sender told so', async (_, name, bytes, told) => {
    const { ann, channel, me } = people();
    ann.says(channel, me, { attachments: [{ name, bytes }] });
    await world.sees(ann, channel, told);
    const asking = ann.slash('ask', { prompt: 'what is it?', file: { name, bytes } }, channel);
    await asking.answered(({ content }) => told.test(content));
    for (const { status } of await turnsOf(ann)) expect(['done', 'failed']).toContain(status);
  });

  test('that is larger than Discord says is not read to its end', async () => {
    const { ann, channel, me } = people();
    const bytes = Buffer.alloc(1024 * 1024, 'a');
    ann.says(channel, me, { attachments: [{ name: 'a.txt', bytes, size: 10 }] });
    await world.sees(ann, channel, /too large/);
  });

  test('that is empty is no reason to fail', async () => {
    const { ann, channel, me } = people();
    ann.says(channel, me, { attachments: [{ name: 'a.txt', bytes: Buffer.alloc(0) }] });
    await world.sees(ann, channel, /./);
    expect(await turnsOf(ann)).toHaveLength(1);
  });

  test('in UTF-16 is read', async () => {
    const { ann, channel, me } = people();
    ann.says(channel, `${me} what?`, { attachments: [{ name: 'a.js', bytes: utf16 }] });
    await world.sees(ann, channel, /Answer to/);
    expect(JSON.stringify(asked(world, 'tamarind')[0]?.body)).toContain('let tamarind = 1');
  });
});

describe('code help', () => {
  test('on a message of an embed alone says that there is nothing to read', async () => {
    const { ann, bob, channel } = people();
    for (const label of ['Explain this code', 'Review this code', 'Fix this code']) {
      const embed = bob.says(channel, '', {
        fields: { embeds: [{ image: { url: 'https://x.y/z' } }] },
      });
      const asking = ann.messageCommand(label, embed);
      await asking.answered(({ content }) => /nothing in that message that I can/.test(content));
    }
  });

  test('by a mention with words on a message that is hidden says that it could not read it', async () => {
    const { ann, bob, channel, me } = people();
    const hidden = bob.says(channel, 'const loquat = 1');
    ann.says(channel, `${me} what does this do?`, { replyTo: hidden });
    const answer = await world.sees(ann, channel, /what does this do/);
    expect(answer.content).toMatch(/could not read|can’t read|keeps/i);
    expect(answer.content).toMatch(/Explain this code/);
    expect(asked(world, 'loquat')).toHaveLength(0);
  });
});

describe('in the middle of an answer', () => {
  test('a deleted channel ends it, and who asked is told so in private', async () => {
    const { ann, bob, channel, dm } = people();
    await growing(ann, channel, 'mangosteen');
    bob.says(channel, `${world.discord.botMention} of bob`);
    await world.sees(bob, channel, /of bob/);
    world.discord.deleteChannel(channel);
    await world.sees(ann, dm, /place where you asked me is gone/);
    expect(await turnsOf(ann)).toEqual([{ status: 'cancelled', outcome: 'closed' }]);
    expect(world.said(dm, ann)).toHaveLength(1);
    // Nothing of bob's was open.
    expect(world.said(world.discord.dm(bob), bob)).toEqual([]);
  });

  test('a server that throws the bot out ends it, waiting questions too', async () => {
    const { ann, channel, dm, me } = people();
    await growing(ann, channel, 'pomelo');
    ann.says(channel, `${me} waiting when thrown out`);
    await waitFor(async () => {
      const [row] = await world.database.db.execute(sql`
        select 1 from turns where platform_user_id = ${ann.id} and status = 'queued'`);
      return row !== undefined;
    });
    world.discord.removeBot(world.discord.guild(channel.guildId ?? ''));
    await world.sees(ann, dm, /place where you asked me is gone/);
    const closed = { status: 'cancelled', outcome: 'closed' };
    expect(await turnsOf(ann)).toEqual([closed, closed]);
    expect(asked(world, 'waiting when thrown out')).toHaveLength(0);
    expect(world.said(dm, ann)).toHaveLength(1);
  });

  test('its message, deleted by a moderator, is sent once more', async () => {
    const { ann, channel } = people();
    const message = await growing(ann, channel, 'rhubarb');
    world.discord.deleteMessage(message);
    const again = await world.sees(ann, channel, /(slowly about rhubarb ?){25}/);
    expect(again.id).not.toBe(message.id);
    expect(await turnsOf(ann)).toEqual([{ status: 'done', outcome: null }]);
  });

  test('its interaction, deleted by its reader, does not keep the answer back', async () => {
    const { ann, channel } = people();
    world.openai.script([{ text: 'slowly about sorrel '.repeat(25), chunkDelayMs: 40 }]);
    const asking = ann.slash('ask', { prompt: 'tell me of sorrel' }, channel);
    const message = await asking.answered(({ content }) => /about sorrel/.test(content));
    world.discord.deleteMessage(message);
    await world.sees(ann, channel, /(slowly about sorrel ?){25}/);
    expect(await turnsOf(ann)).toEqual([{ status: 'done', outcome: null }]);
  });

  test('the right to write, taken away, leaves the answer to a press in private', async () => {
    const { ann, channel, dm } = people();
    const message = await growing(ann, channel, 'salsify');
    world.discord.deleteMessage(message);
    world.discord.setBotPermissions(channel, usualBotPermissions & ~Bit.SendMessages);
    const told = await world.sees(ann, dm, /could not put my answer where you asked/);
    ann.presses(told, 'Continue');
    await world.sees(ann, dm, /(slowly about salsify ?){25}/);
    expect(asked(world, 'tell me of salsify')).toHaveLength(1);
  });
});

describe('a right that is missing', () => {
  test.each([
    ['to write', usualBotPermissions & ~Bit.SendMessages],
    ['to see the channel', 0n],
  ])('%s brings the answer to who asked in private', async (_, rights) => {
    const { ann, channel, dm, me } = people();
    ann.says(channel, `${me} where can you write?`);
    world.discord.setBotPermissions(channel, rights);
    const told = await world.sees(ann, dm, /could not put my answer where you asked/);
    ann.presses(told, 'Continue');
    await world.sees(ann, dm, /Answer to:.*where can you write/s);
    expect(asked(world, 'where can you write').length).toBeGreaterThan(0);
  });

  test('to write does not keep from somebody that their key was seen', async () => {
    const { ann, bob, channel, dm, me } = people(usualBotPermissions & ~Bit.SendMessages);
    ann.says(channel, `${me} is ${madeKey()} good?`);
    const told = await world.sees(ann, dm, /could not delete it\. Delete it now/);
    expect(told.content).not.toMatch(/note about this/);
    expect(world.said(channel, bob)).toEqual([]);
  });

  test('to attach makes long code come as text', async () => {
    const { ann, channel, me } = people(usualBotPermissions & ~Bit.AttachFiles);
    const code = Array.from({ length: 300 }, (_, i) => `let line${i} = ${i};`).join('\n');
    world.openai.script([{ text: `Here:\n\`\`\`js\n${code}\n\`\`\``, atOnce: true }]);
    ann.says(channel, `${me} long code please`);
    await world.sees(ann, channel, /line299/);
    expect(world.said(channel, ann).flatMap(({ files }) => files)).toEqual([]);
  });
});

test('who can be reached nowhere leaves the turn’s state alone', async () => {
  const { ann, channel, me } = people(usualBotPermissions & ~Bit.SendMessages);
  ann.blocks();
  ann.says(channel, `${me} nowhere at all`);
  expect(await turnsOf(ann)).toEqual([{ status: 'failed', outcome: null }]);
});

test('none of this was an error', () => {
  expect([...loggedErrors(world), ...world.wrongBodies()]).toEqual([]);
});
