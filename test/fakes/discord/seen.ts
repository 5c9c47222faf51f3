/** Messages and interactions as people see them. */

import {
  type APIMessageTopLevelComponent,
  ButtonStyle,
  ComponentType,
  MessageFlags,
} from 'discord-api-types/v10';
import type { Waiting } from '../telegram/wait.ts';
import { hasFlag, messagePayload } from './message-payload.ts';
import { textsOf } from './outgoing.ts';
import type { InteractionRecord, MessageRecord } from './records.ts';
import { ACK_MS, isThinking } from './routes-interactions.ts';
import { flattened } from './shape-components.ts';
import { signedUrl } from './signed-url.ts';
import type { SeenButton, SeenInteraction, SeenMessage } from './types-seen.ts';
import type { World } from './world.ts';

export function seenMessage(world: World, message: MessageRecord): SeenMessage {
  return {
    id: message.id,
    channelId: message.channelId,
    authorId: message.authorId,
    fromBot: message.authorId === world.bot.id,
    content: [message.content, ...textsOf(message.components)].filter((it) => it !== '').join('\n'),
    buttons: buttonsOf(message.components),
    files: message.files.map((file) => ({
      id: file.id,
      name: file.name,
      bytes: file.bytes,
      url: signedUrl(world, file),
    })),
    pings: message.pings,
    previews: message.previews,
    ephemeral: message.onlyFor !== undefined,
    thinking: isThinking(message),
    replyTo: message.replyTo?.messageId,
    edited: message.editedAt !== undefined,
    history: [...message.history],
    hasThread: hasFlag(message.flags, MessageFlags.HasThread),
    raw: messagePayload(world, message),
  };
}

function buttonsOf(components: readonly APIMessageTopLevelComponent[]): SeenButton[] {
  return components.flatMap(flattened).flatMap((it): SeenButton[] => {
    if (it.type !== ComponentType.Button || it.style === ButtonStyle.Premium) return [];
    const label = it.label ?? it.emoji?.name ?? '';
    const disabled = it.disabled ?? false;
    if (it.style === ButtonStyle.Link) return [{ label, url: it.url, disabled }];
    return [{ label, customId: it.custom_id, disabled }];
  });
}

export function seenInteraction(
  world: World,
  waiting: Waiting,
  record: InteractionRecord,
): SeenInteraction {
  const see = (message: MessageRecord) => seenMessage(world, message);
  const alive = ({ deleted }: MessageRecord) => !deleted;
  const said = (): MessageRecord[] => {
    const own = record.original === record.source ? undefined : record.original;
    return [...(own === undefined ? [] : [own]), ...record.followUps].filter(alive);
  };
  return {
    id: record.id,
    token: record.token,
    channelId: record.channelId,
    userId: record.userId,
    get ack() {
      const { ack } = record;
      return ack && { kind: ack.kind, afterMs: ack.at - record.createdAt };
    },
    get failed() {
      return record.ack === undefined && world.clock.now() - record.createdAt > ACK_MS;
    },
    get modal() {
      return record.modal;
    },
    get choices() {
      return record.choices;
    },
    get original() {
      const { original } = record;
      return original === undefined || original.deleted ? undefined : see(original);
    },
    get followUps() {
      return record.followUps.filter(alive).map(see);
    },
    get messages() {
      return said().map(see);
    },
    get ephemeral() {
      return this.messages.filter(({ ephemeral }) => ephemeral);
    },
    get public() {
      return this.messages.filter(({ ephemeral }) => !ephemeral);
    },
    get edits() {
      return record.edits;
    },
    acknowledged(options) {
      return waiting.for(() => this.ack, options);
    },
    answered(fits = () => true, options) {
      return waiting.for(
        () => this.messages.findLast((message) => !message.thinking && fits(message)),
        options,
      );
    },
    opened(options) {
      return waiting.for(() => this.modal, options);
    },
  };
}
