/** A town whose people write on Discord: every other one in private, the others in channels of one server. */

import { sql } from '../../src/db/drizzle.ts';
import type { FakeChannel, FakeDiscord, FakeUser, SeenMessage } from '../fakes/discord.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { BaseTown } from './base-town.ts';
import { GENEROUS, type TownOptions } from './town.ts';

export class DiscordTown extends BaseTown<FakeUser, SeenMessage> {
  readonly discord: FakeDiscord;
  readonly #places: ReadonlyMap<string, FakeChannel>;

  constructor(world: World, discord: FakeDiscord, count: number) {
    const people = Array.from({ length: count }, (_, i) => discord.addUser({ name: `person${i}` }));
    super(world, undefined, people);
    this.discord = discord;
    const guild = discord.addGuild({ name: 'Town', members: people });
    const channels = [0, 1, 2, 3].map((i) => discord.addChannel(guild, { name: `channel${i}` }));
    this.#places = new Map(
      people.map((person, i) => {
        const channel = i % 2 === 0 ? undefined : channels[Math.floor(i / 2) % channels.length];
        return [person.id, channel ?? discord.dm(person)];
      }),
    );
  }

  told(person: FakeUser): readonly string[] {
    return this.discord
      .messages(this.#place(person))
      .filter(({ fromBot }) => fromBot)
      .map(({ replyTo, content }) => {
        const question = replyTo === undefined ? undefined : this.discord.message(replyTo);
        return { isTheirs: question?.authorId === person.id, question: question?.content, content };
      })
      .filter(({ isTheirs }) => isTheirs)
      .map(({ question, content }) => `${question?.replace(/^<@\d+> /, '')} → ${content}`);
  }

  /**
   * What was said while no session heard it is found later, by reading: the message that was heard
   * after it may be answered by then, and is not overtaken by that.
   */
  override async outOfOrder(): Promise<readonly FakeUser[]> {
    const overtaken = await this.world.database.db.execute<{ id: string }>(sql`
      select distinct a.platform_user_id as id from turns a join turns b on b.user_id = a.user_id
      where a.sent_at < b.sent_at and a.created_at < b.called_at and b.called_at < a.called_at`);
    const ids = new Set(overtaken.map(({ id }) => id));
    return this.people.filter(({ id }) => ids.has(id));
  }

  #place({ id }: FakeUser): FakeChannel {
    const place = this.#places.get(id);
    if (place === undefined) throw new Error('a stranger');
    return place;
  }

  protected say(person: FakeUser, text: string): SeenMessage {
    const place = this.#place(person);
    return person.says(place, place.kind === 'dm' ? text : `${this.discord.botMention} ${text}`);
  }

  protected async areAllTakenIn(): Promise<boolean> {
    const [row] = await this.world.database.db.execute<{ n: number }>(
      sql`select count(*)::int as n from inbox where platform = 'discord'`,
    );
    return row?.n === this.questions;
  }
}

export async function createDiscordTown({
  people = 1,
  env = {},
}: Pick<TownOptions, 'people' | 'env'> = {}): Promise<DiscordTown> {
  const world = await createWorld({ discord: {}, env: { ...GENEROUS, ...env } });
  if (world.discord === undefined) throw new Error('no Discord');
  return new DiscordTown(world, world.discord, people);
}
