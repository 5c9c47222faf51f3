/** Discord for the contract: people and their client on a simulator. */

import { PermissionFlagsBits } from 'discord-api-types/v10';
import { onTestFinished } from 'vitest';
import { createDiscord } from '../../../src/platforms/discord/discord.ts';
import { Secret } from '../../../src/secret.ts';
import { MAY_BE_A_REPEAT } from '../../../src/text/discord.ts';
import type { FakeChannel, FakeDiscord, FakeUser, SeenMessage } from '../../fakes/discord.ts';
import { readable } from '../../platforms/discord/client-view.ts';
import { addressOf, collectingLog, people, TIMES } from '../../platforms/discord/sending.ts';
import type { Platform, Seat } from './harness.ts';

const tokens = new WeakMap<Seat, string>();
const common = {
  mayBeRepeat: MAY_BE_A_REPEAT.replaceAll('_', ''),
  secretsOf: (seat: Seat) => [tokens.get(seat) ?? 'no token'],
};
const BUTTON = 'Discord has none: a button below the answer does it';
const NONCE = 'a nonce keeps it from standing twice';

export const discordDirect: Platform = {
  ...common,
  name: 'Discord, in private',
  lacks: { stopControl: BUTTON, doubling: NONCE, deletion: 'only its author can delete it' },
  addressed: { words: 'direct', command: 'direct' },
  sit: () => sit('direct'),
};

export const discordChannel: Platform = {
  ...common,
  name: 'Discord, in a channel',
  lacks: { stopControl: BUTTON, doubling: NONCE },
  addressed: { words: 'mention', command: 'command' },
  sit: () => sit('channel'),
};

const IN_PLACE = 'an answer takes the place of what Discord shows for it';

export const discordCommand: Platform = {
  ...common,
  name: 'Discord, by a command',
  lacks: { stopControl: BUTTON, doubling: IN_PLACE, repeats: IN_PLACE },
  addressed: { words: 'command', command: 'command' },
  sit: () => sit('command'),
};

const MENU = ['ask', 'model', 'end'].map((name) => ({ name, description: name }));
/** Which option of a command what is typed behind it goes to. */
const OPTIONS: Readonly<Record<string, string>> = { ask: 'prompt', model: 'model' };

async function sit(kind: 'direct' | 'channel' | 'command'): Promise<Seat> {
  const { discord, ann, guild, channel, direct } = await people();
  discord.setBotPermissions(guild, PermissionFlagsBits.Administrator);
  const place = kind === 'direct' ? direct : channel;
  const { receiver, sender } = await start(discord, {
    answerBudgetMs: 1500,
    noticeBudgetMs: 500,
    deletionBudgetMs: 300,
  });
  onTestFinished(() => receiver.stop());
  const mention = kind === 'channel' ? `${discord.botMention} ` : '';
  let last: SeenMessage | undefined;
  const commanded: string[] = [];

  function command(name: string, argument: string): void {
    commanded.push(argument);
    const option = OPTIONS[name] ?? 'argument';
    ann.slash(name, argument === '' ? {} : { [option]: argument }, place);
  }

  const seat: Seat = {
    receiver,
    sender,
    chat: addressOf(place),
    anotherSender: async () => (await start(discord)).sender,
    async say(text) {
      const [, typed = '', argument = ''] = /^\/(\w+)(?:\s+([\s\S]*))?$/.exec(text) ?? [];
      const name = typed.toLowerCase();
      if (MENU.some((one) => one.name === name)) command(name, argument);
      else if (kind === 'command') command('ask', text);
      else last = ann.says(place, `${mention}${text}`);
    },
    edit(text) {
      if (last === undefined) throw new Error('nothing was said');
      last = ann.edits(last, `${mention}${text}`);
    },
    async press(label) {
      const message = await discord.waitFor(() =>
        spoken(discord, place, ann).findLast(({ buttons }) =>
          buttons.some((button) => button.label === label),
        ),
      );
      ann.presses(message, label);
    },
    stop: () => {
      throw new Error(BUTTON);
    },
    visible: () => spoken(discord, place, ann).flatMap(shown),
    saidStands: (text) =>
      commanded.some((said) => said.includes(text)) ||
      discord.messages(place).some((one) => !one.fromBot && one.content.includes(text)),
    goOffline: () => discord.fail({ route: /./, dropBefore: true }),
    comeBack: () => discord.clearFaults(),
    loseNextConfirmation: () =>
      discord.fail({ route: /^(?:POST|PATCH) .*messages/, dropAfter: true, times: 1 }),
  };
  tokens.set(seat, discord.token);
  return seat;
}

async function start(discord: FakeDiscord, sending: Partial<typeof TIMES> = {}) {
  const platform = createDiscord({
    token: new Secret(discord.token),
    apiRoot: discord.apiRoot,
    messageContent: false,
    log: collectingLog(),
    sending: { ...TIMES, ...sending },
    receiving: { retryMs: 20 },
  });
  await platform.registerCommands({ direct: MENU, group: MENU, onMessage: [] });
  return platform;
}

function spoken(discord: FakeDiscord, place: FakeChannel, as: FakeUser): SeenMessage[] {
  return discord.messages(place, { as }).filter(({ fromBot, thinking }) => fromBot && !thinking);
}

function shown({ content, buttons, files }: SeenMessage): string[] {
  return [
    [readable(content), ...buttons.map(({ label }) => label)].join('\n'),
    ...files.map(({ bytes }) => new TextDecoder().decode(bytes)),
  ];
}
