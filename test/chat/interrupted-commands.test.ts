/** Whose command a process that died had begun: where they are told, and how it is clear who is meant. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCommandRunner } from '../../src/chat/command-runner.ts';
import type { IncomingMessage } from '../../src/chat/message.ts';
import { createPrivateNotices } from '../../src/chat/private-notices.ts';
import { sql } from '../../src/db/drizzle.ts';
import { createVault } from '../../src/keys/vault.ts';
import { createLog } from '../../src/log.ts';
import { makeRing } from '../support/key-ring.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { botMessages, botSays, takenIn, textOf } from '../support/people.ts';
import { createScriptedPlatform, direct } from '../support/scripted-platform.ts';
import { makeUser } from '../support/users.ts';
import { waitFor } from '../support/wait-for.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const RESTARTED = /I was restarted/;

/** As a process leaves it that dies in the middle of these commands, a minute ago. */
async function dieAtWork(): Promise<void> {
  await world.database.db.execute(sql`
    update inbox set handled_at = null, handler = 'of one that died',
      received_at = now() - interval '1 minute' where turn_id is null`);
}

test('in a topic it is told there, in a group and a private chat there, in reply where others read', async () => {
  const { telegram, database } = world;
  const user = telegram.addUser({ first_name: 'Tess' });
  const group = telegram.group({ title: 'Forum', forum: true, members: [user] });
  const topic = telegram.topic(group, 'Code');
  const own = telegram.privateChat(user);

  const app = await world.start();
  const inTopic = telegram.say(group, user, '/new', { message_thread_id: topic });
  const inGroup = telegram.say(group, user, '/new');
  telegram.say(own, user, '/new');
  await waitFor(async () => {
    const rows = await database.db.execute(sql`select 1 from inbox where handled_at is not null`);
    return rows.length === 3;
  });
  // Or the updates come again, and the commands are carried out instead.
  await takenIn(world);
  await app.stop();
  await dieAtWork();

  await world.start();
  await botSays(world, own, RESTARTED);
  const there = await botSays(world, group, RESTARTED, { thread: topic });
  expect(there.reply_to_message?.message_id).toBe(inTopic.message_id);
  const outside = () =>
    botMessages(world, group).filter(
      (m) => RESTARTED.test(textOf(m)) && m.message_thread_id === undefined,
    );
  await waitFor(() => outside().length > 0);
  expect(outside().map((m) => m.reply_to_message?.message_id)).toEqual([inGroup.message_id]);
});

test('a command that takes long in one process is not called interrupted by another that starts', async () => {
  const { db } = world.database;
  const platform = createScriptedPlatform();
  const sender = () => platform.sender;
  const vault = createVault({ db, ring: await makeRing() });
  const log = await createLog({ level: 'error', stream: { write: () => {} } });
  const process = (processId: string) =>
    createCommandRunner({
      db,
      commands: () => [],
      sender,
      privateNotices: createPrivateNotices({ db, vault, sender }),
      processId,
      signOfLifeMs: 20,
      log,
    });
  const [atWork, started] = [process('at work'), process('started')];
  const message: IncomingMessage = {
    chat: direct('ann'),
    sender: { platformUserId: 'ann', displayName: 'Ann' },
    messageId: 'long',
    order: 1,
    sentAt: new Date(),
    text: '',
    addressed: 'direct',
    files: [],
  };
  let end = () => {};
  const work = new Promise<void>((resolve) => {
    end = resolve;
  });
  await atWork.once(message, 'command', await makeUser(db), async (context) =>
    context.later(() => work),
  );
  const lookAgain = async () => {
    await db.execute(sql`
      update inbox set received_at = now() - interval '1 minute' where message_id = 'long'`);
    await waitFor(async () => {
      const [row] = await db.execute<{ young: boolean }>(sql`
        select received_at > now() - interval '3 seconds' as young from inbox
        where message_id = 'long'`);
      return row?.young;
    });
    await started.tellInterrupted();
  };
  await lookAgain();
  expect(platform.shown).toEqual([]);
  end();
  await atWork.settled();
  await db.execute(sql`
    update inbox set handled_at = null, received_at = now() - interval '1 minute'
    where message_id = 'long'`);
  await started.tellInterrupted();
  expect(platform.shown.map(({ markdown }) => markdown)).toEqual([
    expect.stringMatching(RESTARTED),
  ]);
});
