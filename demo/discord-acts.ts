/** What happens on Discord: a message command, an allowance that ends, a key by the form. */

import { PermissionFlagsBits as Bit } from 'discord-api-types/v10';
import type { FakeUser } from '../test/fakes/discord.ts';
import { DiscordChat } from './discord-chat.ts';
import type { Screen } from './screen.ts';
import type { Stage } from './stage.ts';

/** What the bot is installed with; README.md has the sum in its install link. */
export const INSTALLED_WITH: bigint =
  Bit.ViewChannel |
  Bit.SendMessages |
  Bit.SendMessagesInThreads |
  Bit.CreatePublicThreads |
  Bit.AttachFiles |
  Bit.ReadMessageHistory |
  Bit.ManageMessages;

export interface AnnOnDiscord {
  readonly ann: FakeUser;
  readonly chat: DiscordChat;
}

export async function discordActs(
  { discord, anthropic }: Stage,
  screen: Screen,
): Promise<AnnOnDiscord> {
  const ann = discord.addUser({ name: 'Ann' });
  const dan = discord.addUser({ name: 'Dan' });
  const eve = discord.addUser({ name: 'Eve' });
  const people = [ann, dan, eve];
  const server = discord.addGuild({
    name: 'Workshop',
    members: people,
    botPermissions: INSTALLED_WITH,
  });
  const channel = new DiscordChat(discord, discord.addChannel(server, { name: 'code' }), people, {
    screen,
    title: 'Discord: #code in the server “Workshop”',
  });

  screen.title('5. Code help in a server: “Review this code” in the menu of a message');
  const code = channel.says(
    dan,
    '```python\ndef find(db, name):\n    return db.execute(f"select * from users where name = \'{name}\'")\n```',
  );
  channel.choosesOn(eve, code, 'Review this code');
  await channel.hears(/name the columns\./);

  screen.title('6. Eve’s free messages run out: everybody reads a neutral line, Eve the details');
  channel.says(eve, '@Latchkey do I still need an index?');
  await channel.hears(/on users \(name\)/);
  channel.says(eve, '@Latchkey and which kind?');
  const note = await channel.hears(/for you alone/);
  channel.presses(eve, note, 'Details');
  await channel.hears(/free messages for today are used/);

  const chat = new DiscordChat(discord, discord.dm(ann), [ann], {
    screen,
    title: 'Discord: Ann’s direct messages',
  });
  screen.title('7. A key on Discord, where bots can delete no direct message: by a form');
  const asked = chat.runs(ann, 'setkey');
  await chat.fillsIn(ann, asked, 'key', anthropic.keys.add());
  await chat.hears(/Saved: your Anthropic key/);
  chat.says(ann, 'explain closures');
  await chat.hears(/of its own\./);
  return { ann, chat };
}
