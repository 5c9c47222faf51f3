/** /forget, /export and the texts about both, as people on Discord live through them. */

import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import type { FakeChannel, FakeUser, SeenMessage } from '../fakes/discord.ts';
import { createDiscordWorld, type DiscordWorld } from '../support/discord-world.ts';
import { asked, loggedErrors } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';
import { rowsNaming } from '../users/somebody.ts';

const DELETE = 'DELETE /channels/:channel/messages/:message';

let world: DiscordWorld;
beforeAll(async () => {
  world = await createDiscordWorld();
});
afterAll(() => world.close());
afterEach(() => expect(loggedErrors(world)).toEqual([]));

/** Nobody else's place: what is known of it is known of her. */
function newcomer() {
  const ann = world.person('ann');
  return { ann, dm: world.discord.dm(ann) };
}

async function known(ann: FakeUser, dm: FakeChannel) {
  const { db } = world.database;
  return { ...(await rowsNaming(db, ann.id)), ...(await rowsNaming(db, dm.id)) };
}

async function question(ann: FakeUser, dm: FakeChannel): Promise<SeenMessage> {
  const asking = ann.slash('forget', {}, dm);
  return asking.answered(({ content }) => /Forget everything about you\?/.test(content));
}

describe('/forget', () => {
  test('deletes what the bot said in private, keys and notes with it, and begins anew', async () => {
    const { discord } = world;
    const { ann, dm } = newcomer();
    const channel = world.server([ann]);
    const key = await world.bringsKey(ann);
    ann.says(dm, 'what is quince?');
    await world.sees(ann, dm, /Answer to:.*quince/s);
    ann.slash('ask', { prompt: 'what is medlar?' }, dm);
    await world.sees(ann, dm, /Answer to:.*medlar/s);
    // What she is asked about her key, behind a button in the server.
    ann.says(channel, `${discord.botMention} what is rowan?`);
    const note = await world.sees(ann, channel, /note about this for you alone/);
    expect(await world.database.db.execute('select 1 from held_notices')).toHaveLength(1);

    const asking = await question(ann, dm);
    expect(asking.content).toContain(key.slice(-4));
    expect(asking.content).toContain('3 questions');
    expect(asking.content).toContain('who you are on Discord');
    ann.presses(asking, 'Forget everything');
    const done = await world.sees(ann, dm, /I deleted 2 messages of mine/);
    expect(done.id).toBe(asking.id);
    expect(done.content).toMatch(/Your own messages are still there/);
    expect(done.content).not.toMatch(/remain/);
    const left = world.said(dm, ann).filter(({ ephemeral }) => !ephemeral);
    expect(left.map(({ id }) => id)).toEqual([asking.id]);
    await waitFor(async () => Object.keys(await known(ann, dm)).length === 0);
    expect(await world.database.db.execute('select 1 from held_notices')).toEqual([]);

    const pressed = ann.presses(note, 'Details');
    await pressed.answered(({ content }) => /no longer there/.test(content));
    ann.says(dm, 'what is loquat?');
    await world.sees(ann, dm, /Answer to:.*loquat/s);
    const [last] = asked(world, 'loquat');
    expect(last?.headers.authorization).not.toContain(key);
    expect(JSON.stringify(last?.body)).not.toMatch(/quince|medlar|rowan/);
  });

  test('counts what Discord keeps, is over with one press, and makes nobody known again', async () => {
    const { discord } = world;
    const { ann, dm } = newcomer();
    ann.says(dm, 'what is damson?');
    await world.sees(ann, dm, /Answer to:.*damson/s);
    const earlier = await question(ann, dm);
    discord.fail({
      route: DELETE,
      status: 403,
      code: 50_003,
      when: ({ path }) => path.endsWith(earlier.id),
    });
    const asking = await question(ann, dm);
    ann.presses(asking, 'Forget everything');
    const done = await world.sees(ann, dm, /I deleted 1 message of mine/);
    expect(done.content).toContain('One message of mine remains');
    discord.clearFaults();

    const again = ann.presses(earlier, 'Forget everything');
    await again.answered(({ content }) => /You are forgotten already/.test(content));
    expect(await known(ann, dm)).toEqual({});
  });

  test('can be taken back', async () => {
    const { ann, dm } = newcomer();
    const asking = await question(ann, dm);
    ann.presses(asking, 'Keep it');
    await world.sees(ann, dm, /Nothing was forgotten/);
    expect(Object.keys(await known(ann, dm))).toContain('identities');
  });
});

describe('/export', () => {
  test('brings everything as two files into the direct chat, with no key and no means to answer', async () => {
    const { discord } = world;
    const { ann, dm } = newcomer();
    const channel = world.server([ann]);
    const key = await world.bringsKey(ann);
    ann.slash('ask', { prompt: 'what is sloe?' }, dm);
    await world.sees(ann, dm, /Answer to:.*sloe/s);
    ann.slash('ask', { prompt: 'what is rowan?', private: true }, channel);
    await world.sees(ann, channel, /Before I use your own key in a group/);
    ann.says(channel, `${discord.botMention} what is medlar?`);
    await world.sees(ann, channel, /note about this for you alone/);

    ann.slash('export', {}, dm);
    await world.sees(ann, dm, /^That is all/);
    const files = world.said(dm, ann).flatMap((message) => message.files);
    expect(files.map(({ name }) => name.replace(/\d{4}-\d\d-\d\d/, 'DAY'))).toEqual([
      'latchkey-DAY.json',
      'latchkey-DAY.md',
    ]);
    const [json = '', readable = ''] = files.map(({ bytes }) => new TextDecoder().decode(bytes));
    const { account, turns } = JSON.parse(json);
    expect(account).toMatchObject({
      accounts: [{ platform: 'discord', id: ann.id }],
      keys: [{ provider: 'openai', lastFour: key.slice(-4) }],
      notesHeld: [{ markdown: expect.stringMatching(/^Before I use your own key/) }],
    });
    expect(turns).toMatchObject([
      { question: { parts: [{ text: 'what is sloe?' }] }, answeredToYouAlone: false },
      { question: { parts: [{ text: 'what is rowan?' }] }, answeredToYouAlone: true },
      { question: { parts: [{ text: expect.stringContaining('medlar') }] } },
    ]);
    expect(readable).toContain('what is rowan?');
    expect(readable).toContain('private chat on discord');
    for (const text of [json, readable]) {
      expect(text).not.toContain(key.slice(0, -8));
      expect(text).not.toContain('replyHandle');
    }
    expect(world.said(channel, ann).flatMap(({ files: there }) => there)).toEqual([]);
  });

  test('that Discord does not take does not count', async () => {
    const { ann, dm } = newcomer();
    world.discord.fail({ route: /webhooks|messages/, status: 400, code: 50_035, when: hasFile });
    ann.slash('export', {}, dm);
    await world.sees(ann, dm, /This try does not count/);
    world.discord.clearFaults();
    const count = () => world.said(dm, ann).flatMap(({ files }) => files).length;
    for (const files of [2, 4]) {
      ann.slash('export', {}, dm);
      await waitFor(() => count() === files);
    }
    await waitFor(async () => {
      const last = ann.slash('export', {}, dm);
      return (await last.answered()).content.includes('twice a day');
    });
  });
});

test('the commands stand where they belong, and texts are shown to who asks alone', async () => {
  const { discord } = world;
  const { ann } = newcomer();
  const channel = world.server([ann]);
  const contexts = (name: string) =>
    discord.commands.find((command) => command.name === name)?.contexts;
  expect(contexts('forget')).toEqual([1]);
  expect(contexts('export')).toEqual([1]);
  for (const [name, sentence] of [
    ['privacy', /No moderation service/],
    ['terms', /Who is liable/],
  ] as const) {
    expect(contexts(name)).toEqual([0, 1, 2]);
    const asking = ann.slash(name, {}, channel);
    await asking.answered(({ content }) => sentence.test(content));
    expect(asking.public).toEqual([]);
  }
});

test('a note that nobody opens is kept for a day, and then cleared by the job', async () => {
  const other = await createDiscordWorld({ retentionEveryMs: 50 });
  onTestFinished(() => other.close());
  const { db } = other.database;
  const ann = other.person('ann');
  const channel = other.server([ann]);
  await other.bringsKey(ann);
  ann.says(channel, `${other.discord.botMention} what is quince?`);
  await other.sees(ann, channel, /note about this for you alone/);
  await db.execute(sql`update held_notices set created_at = now() - interval '23 hours'`);
  ann.says(channel, `${other.discord.botMention} what is medlar?`);
  await waitFor(async () => (await db.execute(sql`select from held_notices`)).length === 2);
  await db.execute(sql`
    update held_notices set created_at = now() - interval '25 hours'
    where created_at < now() - interval '1 hour'`);
  await waitFor(async () => (await db.execute(sql`select from held_notices`)).length === 1);
});

function hasFile({ files }: { readonly files: readonly unknown[] }): boolean {
  return files.length > 0;
}
