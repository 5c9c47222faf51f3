/**
 * Discord and the provider, with questions that both know by number. Discord is the simulator of
 * the tests, without its rates: it speaks as a gateway does, and its checks take little of what a
 * turn takes.
 */

import {
  type FakeChannel,
  type FakeDiscord,
  type FakeUser,
  type SeenMessage,
  startFakeDiscord,
} from '../test/fakes/discord.ts';
import {
  type AnswerPlan,
  AT_ONCE,
  type ProviderStandIn,
  questionIn,
  startProvider,
} from './provider.ts';

export interface Question {
  readonly text: string;
  /** The provider gets the request; `performance.now()`. */
  readonly requested: Promise<number>;
  isAnsweredBy(message: SeenMessage): boolean;
}

export interface DiscordStage {
  readonly discord: FakeDiscord;
  readonly provider: ProviderStandIn;
  /** All of them are in the server. */
  readonly people: readonly FakeUser[];
  /** A channel of the server. */
  readonly channel: FakeChannel;
  /** The settings with which a bot finds its way here. */
  readonly settings: Readonly<Record<string, string>>;
  ask(plan?: AnswerPlan): Question;
  /** @throws when what is waited for does not come within a minute */
  until(comes: () => boolean): Promise<void>;
  close(): Promise<void>;
}

const PATIENCE = { timeoutMs: 60_000 } as const;

export async function openDiscordStage(crowd: number): Promise<DiscordStage> {
  const open = new Map<number, { plan: AnswerPlan; requested: (at: number) => void }>();
  let lastQuestion = 0;
  const provider = await startProvider({
    onQuestion(question, at) {
      const asked = open.get(question);
      open.delete(question);
      asked?.requested(at);
      return asked?.plan ?? AT_ONCE;
    },
  });
  const discord = await startFakeDiscord({ rates: false });
  const people = Array.from({ length: crowd }, (_, i) => discord.addUser({ name: `user_${i}` }));
  const guild = discord.addGuild({ name: 'Bench', members: people });
  return {
    discord,
    provider,
    people,
    channel: discord.addChannel(guild, { name: 'general' }),
    settings: { DISCORD_BOT_TOKEN: discord.token, DISCORD_API_ROOT: discord.apiRoot },
    ask(plan = AT_ONCE) {
      lastQuestion += 1;
      const question = lastQuestion;
      const { promise: requested, resolve } = Promise.withResolvers<number>();
      open.set(question, { plan, requested: resolve });
      return {
        text: `Question #${question}`,
        requested,
        isAnsweredBy: ({ fromBot, content }) =>
          fromBot && content.startsWith('Answer') && questionIn(content) === question,
      };
    },
    async until(comes) {
      await discord.waitFor(comes, PATIENCE);
    },
    async close() {
      await Promise.all([discord.close(), provider.close()]);
    },
  };
}
