/** Answers that take longer than the fifteen minutes of an interaction. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { createDiscordWorld, type DiscordWorld } from '../support/discord-world.ts';
import { asked, loggedErrors } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';

const MINUTES = 60_000;

let world: DiscordWorld;
beforeAll(async () => {
  world = await createDiscordWorld();
});
afterAll(() => world.close());

test('what could not be said in time is offered, and brought by the person’s press, once', async () => {
  const { discord } = world;
  const [ann, bob] = [world.person('ann'), world.person('bob')];
  const channel = world.server([ann, bob]);
  // Everything of the interaction is refused from here on, as after its time.
  world.openai.script([{ text: 'the answer about quince', delayMs: 800 }]);
  const asking = ann.slash('ask', { prompt: 'tell me of quince', private: true }, channel);
  await waitFor(() => asked(world, 'tell me of quince').length === 1);
  discord.advance(16 * MINUTES);
  const offer = await world.sees(ann, discord.dm(ann), /It is kept for you/);
  expect(asking.messages.filter(({ thinking }) => !thinking)).toEqual([]);
  // Offered first, so that whoever dies in between offers it again.
  const rows = await waitFor(async () => {
    const found = await world.database.db.execute(sql`
      select status, outcome, encode(answer, 'escape') as answer from turns`);
    return found[0]?.status === 'done' ? found : undefined;
  });
  expect(rows[0]).toMatchObject({ status: 'done', outcome: 'expired' });
  expect(JSON.stringify(rows)).not.toContain('quince');

  ann.presses(offer, 'Continue');
  await world.sees(ann, discord.dm(ann), /the answer about quince/);
  // It stands there a moment before the turn knows.
  await waitFor(async () => {
    const open = await world.database.db.execute(sql`
      select from turns where status in ('queued', 'running')`);
    return open.length === 0;
  });
  ann.presses(offer, 'Continue');
  await world.sees(ann, discord.dm(ann), /Nothing of this answer is left/);
  expect(
    world.said(discord.dm(ann), ann).filter(({ content }) => /about quince/.test(content)),
  ).toHaveLength(1);
  expect(world.said(channel, bob)).toEqual([]);
  expect(asked(world, 'tell me of quince')).toHaveLength(1);
});

test('in a channel that the bot is in, the answer needs no press', async () => {
  const { discord } = world;
  const ann = world.person('ann');
  const channel = world.server([ann]);
  world.openai.script([{ text: 'the answer about medlar', delayMs: 500 }]);
  ann.slash('ask', { prompt: 'tell me of medlar' }, channel);
  await waitFor(() => asked(world, 'tell me of medlar').length === 1);
  discord.advance(16 * MINUTES);
  await world.sees(ann, channel, /the answer about medlar/);
});

test('what is to be decided first, too late to be asked where the bot is not, is asked in private', async () => {
  const { discord } = world;
  const ann = world.person('ann');
  ann.installs();
  await world.bringsKey(ann);
  const away = discord.addGuild({ name: 'Away', members: [ann], hasBot: false });
  const channel = discord.addChannel(away, { name: 'general' });
  world.openai.script([{ text: 'slow answer', delayMs: 800 }]);
  ann.says(discord.dm(ann), 'running meanwhile');
  await waitFor(() => asked(world, 'running meanwhile').length === 1);
  const asking = ann.slash('ask', { prompt: 'tell me of salak' }, channel);
  await asking.acknowledged();
  discord.advance(16 * MINUTES);
  const offer = await world.sees(ann, discord.dm(ann), /It is kept for you/);
  ann.presses(offer, 'Continue');
  const question = await world.sees(ann, discord.dm(ann), /group/i);
  expect(question.buttons.length).toBeGreaterThan(0);
  expect(asked(world, 'tell me of salak')).toHaveLength(0);
});

test('none of this was an error', () => {
  expect([...loggedErrors(world), ...world.wrongBodies()]).toEqual([]);
});
