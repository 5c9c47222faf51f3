/** First responses, and what a token is good for after them. */

import {
  InteractionType,
  InteractionResponseType as Kind,
  MessageFlags,
} from 'discord-api-types/v10';
import { deleteMessages } from './events.ts';
import { check } from './form-body.ts';
import { answerType, messagePayload } from './message-payload.ts';
import { edit, post } from './outgoing.ts';
import type { InteractionRecord, MessageRecord } from './records.ts';
import {
  alreadyAcknowledged,
  invalidForm,
  invalidWebhookToken,
  tooManyFollowUps,
  unknownChannel,
  unknownInteraction,
  unknownMessage,
  unknownWebhook,
} from './refusal.ts';
import { noContent, ok, param, type Request, type RouteTable } from './routing.ts';
import { answer, answerEdit } from './shape-message.ts';
import { type Response, response } from './shape-response.ts';
import type { NewFile } from './types.ts';
import type { AckKind } from './types-seen.ts';
import type { World } from './world.ts';

/** The first response must come within this, in milliseconds. */
export const ACK_MS = 3_000;
/** What a token is good for, in milliseconds. */
const TOKEN_MS = 15 * 60_000;
/** Where the app is only installed to the user. */
const FOLLOW_UPS_OF_USER_INSTALLS = 5;

const KINDS: Readonly<Record<Response['type'], AckKind>> = {
  [Kind.ChannelMessageWithSource]: 'message',
  [Kind.DeferredChannelMessageWithSource]: 'defer',
  [Kind.DeferredMessageUpdate]: 'deferUpdate',
  [Kind.UpdateMessage]: 'update',
  [Kind.ApplicationCommandAutocompleteResult]: 'autocomplete',
  [Kind.Modal]: 'modal',
};

export function interactionRoutes(world: World): RouteTable {
  /** @throws DiscordRefusal 10015, 50027 */
  const byToken = (request: Request): InteractionRecord => {
    const found = world.interactions.find(({ token }) => token === param(request, 'token'));
    const ours = param(request, 'application') === world.applicationId;
    if (found === undefined || !ours) throw unknownWebhook();
    if (world.clock.now() - found.createdAt > TOKEN_MS) throw invalidWebhookToken();
    if (found.ack === undefined || found.ack.kind === 'autocomplete') throw unknownWebhook();
    if (world.channels.get(found.channelId)?.deleted !== false) throw unknownChannel();
    return found;
  };

  /** `@original`, or one of its follow-ups. @throws DiscordRefusal 10008 */
  const messageOf = (interaction: InteractionRecord, id: string): MessageRecord => {
    const all = [interaction.original, ...interaction.followUps];
    const wanted = id === '@original' ? interaction.original : all.find((it) => it?.id === id);
    if (wanted === undefined || wanted.deleted) throw unknownMessage();
    return wanted;
  };

  const say = (
    interaction: InteractionRecord,
    body: Parameters<typeof post>[1]['body'],
    files: readonly NewFile[],
    how: { readonly thinking?: boolean; readonly first: boolean },
  ): MessageRecord => {
    const asked = ((body.flags ?? 0) & MessageFlags.Ephemeral) !== 0;
    const slash = world.commands.some(
      ({ name, type }) => name === interaction.commandName && type === 1,
    );
    return post(world, {
      channel: world.channel(interaction.channelId),
      body,
      files,
      interaction,
      onlyFor: asked || interaction.forcedEphemeral ? interaction.userId : undefined,
      ...(how.first ? { type: answerType(interaction, slash) } : {}),
      thinking: how.thinking ?? false,
    });
  };

  const respond = (interaction: InteractionRecord, body: Response, request: Request): void => {
    switch (body.type) {
      case Kind.ChannelMessageWithSource:
        interaction.original = say(interaction, body.data, request.files, { first: true });
        break;
      case Kind.DeferredChannelMessageWithSource: {
        const flags = body.data?.flags;
        const empty = flags === undefined ? {} : { flags };
        interaction.original = say(interaction, empty, [], { first: true, thinking: true });
        break;
      }
      case Kind.DeferredMessageUpdate:
        interaction.original = interaction.source;
        break;
      case Kind.UpdateMessage:
        interaction.original = interaction.source;
        if (interaction.source !== undefined && body.data !== undefined) {
          const { tts: _tts, enforce_nonce: _nonce, ...data } = body.data;
          edit(world, interaction.source, data, request.files);
          interaction.edits += 1;
        }
        break;
      case Kind.ApplicationCommandAutocompleteResult:
        interaction.choices = body.data.choices ?? [];
        break;
      case Kind.Modal:
        interaction.modal = body.data;
        break;
      default:
    }
  };

  return {
    'POST /interactions/:interaction/:token/callback': (request) => {
      const interaction = world.interactions.find(
        ({ id, token }) =>
          id === param(request, 'interaction') && token === param(request, 'token'),
      );
      if (interaction === undefined) throw unknownInteraction();
      if (interaction.ack !== undefined) throw alreadyAcknowledged();
      const afterMs = world.clock.now() - interaction.createdAt;
      if (afterMs > ACK_MS) throw unknownInteraction();
      const body = check(response, request.json);
      if (!fits(interaction, body.type)) {
        const text = `A response of type ${body.type} does not fit this interaction`;
        throw invalidForm('type', 'INTERACTION_RESPONSE_TYPE_INVALID', text);
      }
      respond(interaction, body, request);
      interaction.ack = { kind: KINDS[body.type], at: world.clock.now() };
      if (request.query.get('with_response') !== 'true') return noContent;
      return ok(callback(world, interaction, body.type));
    },

    'POST /webhooks/:application/:token': (request) => {
      const interaction = byToken(request);
      const body = check(answer, request.json);
      const { original } = interaction;
      const { tts: _tts, enforce_nonce: _nonce, ...data } = body;
      // While the response still “is thinking”, the first follow-up becomes it.
      if (original !== undefined && !original.deleted && isThinking(original)) {
        return ok(messagePayload(world, edit(world, original, data, request.files)));
      }
      const sent = interaction.followUps.length;
      if (!interaction.guildInstalled && sent >= FOLLOW_UPS_OF_USER_INSTALLS) {
        throw tooManyFollowUps();
      }
      const message = say(interaction, body, request.files, { first: false });
      interaction.followUps.push(message);
      return ok(messagePayload(world, message));
    },

    'GET /webhooks/:application/:token/messages/:message': (request) =>
      ok(messagePayload(world, messageOf(byToken(request), param(request, 'message')))),

    'PATCH /webhooks/:application/:token/messages/:message': (request) => {
      const interaction = byToken(request);
      const message = messageOf(interaction, param(request, 'message'));
      const body = check(answerEdit, request.json);
      const wasThinking = isThinking(message);
      edit(world, message, body, request.files);
      if (!wasThinking) interaction.edits += 1;
      return ok(messagePayload(world, message));
    },

    'DELETE /webhooks/:application/:token/messages/:message': (request) => {
      const message = messageOf(byToken(request), param(request, 'message'));
      deleteMessages(world, [message]);
      return noContent;
    },
  };
}

export function isThinking(message: MessageRecord): boolean {
  return (message.flags & MessageFlags.Loading) !== 0;
}

function fits({ type, source }: InteractionRecord, kind: Response['type']): boolean {
  const isChoices = kind === Kind.ApplicationCommandAutocompleteResult;
  if (type === InteractionType.ApplicationCommandAutocomplete || isChoices) {
    return isChoices && type === InteractionType.ApplicationCommandAutocomplete;
  }
  if (kind === Kind.Modal) return type !== InteractionType.ModalSubmit;
  const keepsMessage = kind === Kind.DeferredMessageUpdate || kind === Kind.UpdateMessage;
  return !keepsMessage || source !== undefined;
}

function callback(world: World, interaction: InteractionRecord, kind: Kind): unknown {
  const message = interaction.original;
  return {
    interaction: {
      id: interaction.id,
      type: interaction.type,
      ...(message === undefined
        ? {}
        : {
            response_message_id: message.id,
            response_message_loading: isThinking(message),
            response_message_ephemeral: message.onlyFor !== undefined,
          }),
    },
    resource: {
      type: kind,
      ...(message === undefined ? {} : { message: messagePayload(world, message) }),
    },
  };
}
