/** Interactions: answered first, within the time that Discord gives, and then handed to the core. */

import {
  type APIApplicationCommandInteraction,
  type APIInteraction,
  type APIMessageComponentInteraction,
  type APIModalSubmitInteraction,
  ButtonStyle,
  ComponentType,
  InteractionResponseType,
  InteractionType,
  MessageFlags,
} from 'discord-api-types/v10';
import type { CommandMenu } from '../../../chat/command-menu.ts';
import type { ChatAddress, PlatformEvent } from '../../../chat/message.ts';
import { storable } from '../../../chat/storable.ts';
import {
  COMMAND_IS_GONE,
  COULD_NOT_TAKE_IN,
  inDirectChat,
  keyForm,
  NO_DIRECT_CHAT,
  OPEN_DIRECT_CHAT,
  voucherForm,
} from '../../../text/discord.ts';
import { orderOf, timeOf } from '../snowflake.ts';
import { type Suggest, suggestions } from './autocomplete.ts';
import { commandMessage, givenBy, isForOneAlone } from './commands.ts';
import { KEY_FORM, type KeyProvider, openKeyForm, readKeyForm } from './key-form.ts';
import { type Place, placeOf, replyHandleOf } from './place.ts';
import type { Respond } from './respond.ts';
import { openVoucherForm, readVoucherForm, VOUCHER_FORM } from './voucher-form.ts';

const RUN = 'run:';
/** Begins the id of a button that leads to the direct chat. */
const DIRECT = 'dm:';
const SET_KEY = 'setkey';
const REDEEM = 'redeem';

export interface InteractionParts {
  readonly respond: Respond;
  /** Never throws. @returns false where the core could not take it, however often it was tried */
  readonly deliver: (event: PlatformEvent) => Promise<boolean>;
  /** Whose keys can be brought, in the order in which they are offered. */
  readonly keyProviders: () => readonly KeyProvider[];
  readonly suggest: Suggest;
  readonly menu: () => CommandMenu;
  readonly botId: () => string;
  /** The id of the direct chat with a user. @throws where Discord does not open one */
  readonly openDirectChat: (userId: string) => Promise<string>;
}

/** @returns what takes an interaction; it never throws */
export function createInteractions(
  parts: InteractionParts,
): (interaction: APIInteraction) => Promise<void> {
  const { respond, deliver } = parts;

  async function defer(interaction: APIInteraction, ephemeral: boolean): Promise<boolean> {
    return respond.first(interaction, {
      type: InteractionResponseType.DeferredChannelMessageWithSource,
      ...(ephemeral ? { data: { flags: MessageFlags.Ephemeral } } : {}),
    });
  }

  async function askForKey(interaction: APIInteraction): Promise<void> {
    await respond.first(interaction, openKeyForm(parts.keyProviders()));
  }

  async function askForCode(interaction: APIInteraction): Promise<void> {
    await respond.first(interaction, openVoucherForm());
  }

  async function takeCommand(interaction: APIApplicationCommandInteraction, place: Place) {
    const given = givenBy(interaction, parts.menu(), parts.botId());
    if (given === undefined) {
      await respond.first(interaction, {
        type: InteractionResponseType.ChannelMessageWithSource,
        data: { content: COMMAND_IS_GONE, flags: MessageFlags.Ephemeral },
      });
      return;
    }
    if (given.name === SET_KEY && place.chat.kind === 'direct') return askForKey(interaction);
    if (given.name === REDEEM && given.argument === '' && place.chat.kind === 'direct') {
      return askForCode(interaction);
    }
    const ephemeral = isForOneAlone(given, place, parts.menu());
    // What was not answered in time is over for Discord, and its user was told so.
    if (!(await defer(interaction, ephemeral))) return;
    const message = commandMessage(interaction, given, place, ephemeral);
    if (await deliver({ type: 'message', message })) return;
    await respond.edit(interaction, { content: COULD_NOT_TAKE_IN });
  }

  async function takePress(interaction: APIMessageComponentInteraction, place: Place) {
    const id = storable(interaction.data.custom_id);
    const isDirect = place.chat.kind === 'direct';
    const linked = id.startsWith(DIRECT) ? id.slice(DIRECT.length) : undefined;
    const isSetKey = (linked ?? id) === SET_KEY || id === `${RUN}${SET_KEY}`;
    if (isDirect && isSetKey) return askForKey(interaction);
    if (isDirect && id === `${RUN}${REDEEM}`) return askForCode(interaction);
    if (!isDirect && (linked !== undefined || isSetKey)) {
      return leadToDirectChat(interaction, place, linked ?? SET_KEY);
    }
    const update = { type: InteractionResponseType.DeferredMessageUpdate } as const;
    if (!(await respond.first(interaction, update))) return;
    const { message } = interaction;
    const isEphemeral = ((message.flags ?? 0) & MessageFlags.Ephemeral) !== 0;
    const handled = await deliver({
      type: 'button',
      press: {
        chat: place.chat,
        sender: place.sender,
        action: linked === undefined ? id : `${RUN}${linked}`,
        pressId: interaction.id,
        messageId: message.id,
        replyHandle: replyHandleOf(interaction, place, isEphemeral),
      },
    });
    if (!handled) await respond.privately(interaction, COULD_NOT_TAKE_IN);
  }

  /** The core answers in the direct chat; here stands the way there, for who pressed alone. */
  async function leadToDirectChat(interaction: APIInteraction, place: Place, payload: string) {
    if (!(await defer(interaction, true))) return;
    const channelId = await parts
      .openDirectChat(place.sender.platformUserId)
      .catch(() => undefined);
    if (channelId === undefined) {
      await respond.edit(interaction, { content: NO_DIRECT_CHAT });
      return;
    }
    const chat: ChatAddress = { platform: 'discord', chatId: channelId, kind: 'direct' };
    const handled = await deliver({
      type: 'button',
      press: {
        chat,
        sender: place.sender,
        action: `${RUN}${payload}`,
        pressId: interaction.id,
      },
    });
    const url = `https://discord.com/channels/@me/${channelId}`;
    await respond.edit(interaction, {
      content: handled ? inDirectChat : COULD_NOT_TAKE_IN,
      components: [
        {
          type: ComponentType.ActionRow,
          components: [
            { type: ComponentType.Button, style: ButtonStyle.Link, label: OPEN_DIRECT_CHAT, url },
          ],
        },
      ],
    });
  }

  async function takeForm(interaction: APIModalSubmitInteraction, place: Place) {
    if (!(await defer(interaction, true))) return;
    // The forms open in direct chats alone; what comes from elsewhere was made up.
    const isDirect = place.chat.kind === 'direct';
    const isKeyForm = interaction.data.custom_id === KEY_FORM && isDirect;
    const isVoucherForm = interaction.data.custom_id === VOUCHER_FORM && isDirect;
    const argument = isKeyForm
      ? readKeyForm(interaction, parts.keyProviders())
      : isVoucherForm
        ? readVoucherForm(interaction)
        : '';
    if (argument === '') {
      await respond.edit(interaction, {
        content: isVoucherForm ? voucherForm.empty : keyForm.empty,
      });
      return;
    }
    const handled = await deliver({
      type: 'message',
      message: {
        chat: place.chat,
        sender: place.sender,
        messageId: `interaction:${interaction.id}`,
        order: orderOf(interaction.id),
        sentAt: timeOf(interaction.id),
        text: '',
        addressed: 'direct',
        command: { name: isVoucherForm ? REDEEM : SET_KEY, argument },
        files: [],
        replyHandle: replyHandleOf(interaction, place, true),
        leavesNoMessage: true,
        answeredPrivately: true,
      },
    });
    if (!handled) await respond.edit(interaction, { content: COULD_NOT_TAKE_IN });
  }

  return async (interaction) => {
    const place = placeOf(interaction);
    if (place === undefined) return;
    switch (interaction.type) {
      case InteractionType.ApplicationCommand:
        await takeCommand(interaction, place);
        break;
      case InteractionType.ApplicationCommandAutocomplete:
        await respond.first(
          interaction,
          await suggestions(interaction, place.sender, parts.suggest),
        );
        break;
      case InteractionType.MessageComponent:
        await takePress(interaction, place);
        break;
      case InteractionType.ModalSubmit:
        await takeForm(interaction, place);
        break;
    }
  };
}
