/** Which connection to the gateway a server belongs to: https://discord.com/developers/docs/events/gateway#sharding */

/** One connection of those among which Discord divides the servers. */
export interface Shard {
  readonly id: number;
  /** How many there are. */
  readonly count: number;
}

/** @param guildId undefined for direct chats, which all come to the first shard */
export function isOnShard(guildId: string | undefined, { id, count }: Shard): boolean {
  if (guildId === undefined) return id === 0;
  return Number((BigInt(guildId) >> 22n) % BigInt(count)) === id;
}
