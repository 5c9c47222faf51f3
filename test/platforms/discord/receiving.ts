/** Discord's receiver on a simulator, and what it hands on. */

import { onTestFinished } from 'vitest';
import type { CommandMenu } from '../../../src/chat/command-menu.ts';
import type { ButtonPress, IncomingMessage, PlatformEvent } from '../../../src/chat/message.ts';
import {
  createDiscord,
  type Discord,
  type DiscordOptions,
} from '../../../src/platforms/discord/discord.ts';
import { Secret } from '../../../src/secret.ts';
import { type FakeDiscord, startFakeDiscord } from '../../fakes/discord.ts';
import { collectingLog } from '../../support/collecting-log.ts';

const everywhere = [
  { name: 'usage', description: 'What was spent', isPrivate: true },
  { name: 'new', description: 'A new conversation' },
  { name: 'stop', description: 'Stops the answer' },
  { name: 'help', description: 'What I can do' },
];

/** As much of the core's menu as tests need. */
export const MENU: CommandMenu = {
  direct: [
    { name: 'setkey', description: 'Use my own API key' },
    { name: 'keys', description: 'Which keys there are' },
    { name: 'model', description: 'Which model answers' },
    ...everywhere,
  ],
  group: [{ name: 'ask', description: 'Ask something' }, ...everywhere],
  onMessage: [
    { name: 'explain', label: 'Explain this code' },
    { name: 'fix', label: 'Fix this code' },
  ],
};

export async function simulator(
  options: Parameters<typeof startFakeDiscord>[0] = {},
): Promise<FakeDiscord> {
  const discord = await startFakeDiscord(options);
  onTestFinished(() => discord.close());
  return discord;
}

export interface Receiving {
  readonly platform: Discord;
  readonly events: PlatformEvent[];
  readonly log: ReturnType<typeof collectingLog>;
  /** Registers the commands and receives. */
  start(): Promise<void>;
  /** Waits for the message with this number, from 0. */
  message(index?: number): Promise<IncomingMessage>;
  press(index?: number): Promise<ButtonPress>;
  messages(): readonly IncomingMessage[];
}

/** @param handle what the core does with an event, before it counts as handled */
export function receiving(
  discord: Pick<FakeDiscord, 'apiRoot' | 'token' | 'waitFor'>,
  options: Partial<DiscordOptions> = {},
  handle: (event: PlatformEvent) => Promise<void> = async () => {},
): Receiving {
  const events: PlatformEvent[] = [];
  const log = collectingLog();
  const platform = createDiscord({
    token: new Secret(discord.token),
    apiRoot: discord.apiRoot,
    messageContent: false,
    log,
    keyProviders: () => [
      { id: 'openai', name: 'OpenAI' },
      { id: 'anthropic', name: 'Anthropic' },
    ],
    ...options,
    receiving: { retryMs: 20, startPatienceMs: 10_000, ...options.receiving },
  });
  onTestFinished(() => platform.receiver.stop());
  const messages = () =>
    events.flatMap((event) => (event.type === 'message' ? [event.message] : []));
  const presses = () => events.flatMap((event) => (event.type === 'button' ? [event.press] : []));
  return {
    platform,
    events,
    log,
    async start() {
      await platform.registerCommands(MENU);
      await platform.receiver.start(async (event) => {
        await handle(event);
        events.push(event);
      });
    },
    message: (index = 0) => discord.waitFor(() => messages()[index]),
    press: (index = 0) => discord.waitFor(() => presses()[index]),
    messages,
  };
}
