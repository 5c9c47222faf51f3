/** What a client sends over the gateway. */

import { GatewayOpcodes as Op } from 'discord-api-types/v10';
import { z } from 'zod';

export const frame = z.discriminatedUnion('op', [
  z.object({ op: z.literal(Op.Heartbeat), d: z.int().nullable() }),
  z.object({
    op: z.literal(Op.Identify),
    d: z.object({
      token: z.string(),
      intents: z.int(),
      properties: z.object({ os: z.string(), browser: z.string(), device: z.string() }),
      shard: z.tuple([z.int(), z.int()]).optional(),
    }),
  }),
  z.object({
    op: z.literal(Op.Resume),
    d: z.object({ token: z.string(), session_id: z.string(), seq: z.int() }),
  }),
  z.object({ op: z.literal(Op.PresenceUpdate), d: z.unknown() }),
  z.object({ op: z.literal(Op.RequestGuildMembers), d: z.unknown() }),
  z.object({ op: z.literal(Op.VoiceStateUpdate), d: z.unknown() }),
]);

export type Frame = z.infer<typeof frame>;
