/** /usage as a picture, on both platforms. */

import { afterEach, expect, test } from 'vitest';
import { createDiscordWorld } from '../support/discord-world.ts';
import { createWorld } from '../support/latchkey.ts';
import { botMessages, botSays, loggedErrors } from '../support/people.ts';
import { PNG_SIGNATURE } from '../support/png.ts';

let close = async () => {};
afterEach(() => close());

const isPng = (bytes: Uint8Array) => expect([...bytes.slice(0, 8)]).toEqual(PNG_SIGNATURE);

test('on Telegram it is a photo whose caption says the same; in groups, and with nothing used, there is none', async () => {
  const world = await createWorld();
  close = () => world.close();
  await world.start();
  const ada = world.telegram.addUser({ first_name: 'Ada' });
  const chat = world.telegram.privateChat(ada);
  const photos = () => botMessages(world, chat).filter(({ photo }) => photo !== undefined);
  world.telegram.say(chat, ada, '/usage');
  await botSays(world, chat, /nothing yet/);
  world.telegram.say(chat, ada, 'what is a picture?');
  await botSays(world, chat, /what is a picture/);
  const group = world.telegram.group({ title: 'Group', members: [ada] });
  world.telegram.say(group, ada, '/usage');
  await world.telegram.waitFor(() => botMessages(world, group).length > 0);
  expect(photos()).toEqual([]);
  world.telegram.say(chat, ada, '/usage');
  await world.telegram.waitFor(() => photos().length === 1);
  const [shown] = photos();
  expect(shown?.caption).toMatch(/^The last 30 days: \$0\.\d+\.\nThe house: 1 answer, \$0\.\d+/);
  isPng(world.telegram.file(shown?.photo?.[0]?.file_id ?? '') ?? new Uint8Array());
  expect(botMessages(world, group).filter(({ photo }) => photo !== undefined)).toEqual([]);
  expect(loggedErrors(world)).toEqual([]);
});

test('on Discord the picture is described for those who do not see it', async () => {
  const world = await createDiscordWorld();
  close = () => world.close();
  const ann = world.person('ann');
  const dm = world.discord.dm(ann);
  ann.says(dm, 'what is quince?');
  await world.sees(ann, dm, /Answer to:.*quince/s);
  const asked = ann.slash('usage', {}, dm);
  await asked.answered(({ content }) => /\*\*Today\*\*/.test(content));
  await world.sees(ann, dm, /The last 30 days/);
  const [call] = world.discord.calls.filter(({ body }) =>
    JSON.stringify(body)?.includes('usage.png'),
  );
  expect(call?.body).toMatchObject({
    attachments: [
      { filename: 'usage.png', description: expect.stringMatching(/The house: 1 answer/) },
    ],
  });
});
