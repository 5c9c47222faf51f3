/** The operator's key ring has lost a key, and the person has linked accounts, each with a data key. */

import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { asked, madeKey } from '../support/people.ts';
import {
  channel,
  createScriptedPlatform,
  direct,
  type ScriptedPlatform,
} from '../support/scripted-platform.ts';

let world: World;
let chat: ScriptedPlatform;
let app: Awaited<ReturnType<World['start']>>;
beforeEach(async () => {
  chat = createScriptedPlatform();
  world = await createWorld({ platforms: [chat] });
  world.openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);
  app = await world.start();
});
afterEach(() => world.close());

const say = (who: string, text: string) => chat.says(who, direct(who), text);
const reads = (who: string, what: RegExp) => chat.reads(who, direct(who), what);

async function giveKey(who: string): Promise<void> {
  const key = world.openai.keys.add('valid', madeKey());
  await chat.says(who, direct(who), '', {
    command: { name: 'setkey', argument: `openai ${key}` },
    leavesNoMessage: true,
  });
}

/** From now on Cy's is Ann's user, and what Cy says and brings is sealed under Cy's own data key. */
const link = () =>
  world.database.db.execute(sql`
    update identities cy set user_id = ann.user_id, own_user_id = cy.user_id
    from identities ann where cy.platform_user_id = 'cy' and ann.platform_user_id = 'ann'`);

test('each account goes on, keys are asked for again, and all of it comes back', async () => {
  await say('ann', 'ann before');
  await reads('ann', /Answer to:.*ann before/s);
  await say('cy', 'cy before');
  await reads('cy', /Answer to:.*cy before/s);
  await link();
  await giveKey('cy');
  await reads('cy', /Saved: your OpenAI key/);
  await say('ann', 'on the key of cy');
  await reads('ann', /Answer to:.*on the key of cy/s);

  const file = join(world.env.DATA_DIR ?? '', 'key-ring.json');
  const lost = JSON.parse(await readFile(file, 'utf8'));
  const other = { 'k-other': randomBytes(32).toString('base64url') };
  await app.stop();
  await writeFile(file, JSON.stringify({ ...lost, active: 'k-other', keys: other }));
  app = await world.start();

  // Where a notice can't be shown to one person, it can't be held for them either.
  const group = channel('town');
  await chat.says('cy', group, 'in the group');
  const line = await chat.reads('cy', group, /you alone/);
  expect(line.buttons).toMatchObject([{ directChat: 'afresh' }]);

  await say('ann', 'after the loss');
  await chat.presses(
    'ann',
    await reads('ann', /I can’t open what you stored here/),
    'Go on without it',
  );
  await reads('ann', /we begin afresh/);
  // Both data keys were put aside, since both serve one person.
  await say('cy', 'cy after');
  await reads('cy', /I have your key, but can’t open it any more/);
  expect(asked(world, 'cy after')).toEqual([]);
  await giveKey('cy');
  await reads('cy', /Replaced: your OpenAI key/);
  await say('ann', 'afresh');
  await reads('ann', /Answer to:.*afresh/s);
  expect(JSON.stringify(asked(world, 'afresh'))).not.toContain('ann before');

  await app.stop();
  const now = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...now, keys: { ...lost.keys, ...now.keys } }));
  app = await world.start();
  for (const who of ['ann', 'cy']) {
    await say(who, `${who} at last`);
    await reads(who, new RegExp(`Answer to:.*${who} at last`, 's'));
    expect(JSON.stringify(asked(world, `${who} at last`)[0]?.body)).toContain(`${who} before`);
  }
  const [lostKeys] = await world.database.db.execute(
    sql`select count(*)::int as n from lost_data_keys`,
  );
  expect(lostKeys?.n).toBe(2);
}, 60_000);
