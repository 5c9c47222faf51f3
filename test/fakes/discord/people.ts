/** Users, with all that they can do. */

import {
  ApplicationCommandType as Command,
  ComponentType,
  InteractionType,
} from 'discord-api-types/v10';
import type { Waiting } from '../telegram/wait.ts';
import { ask, offered } from './asking.ts';
import { typingStarted } from './events.ts';
import { messagePayload } from './message-payload.ts';
import { fill } from './options.ts';
import type { InteractionRecord, MessageRecord, UserRecord } from './records.ts';
import { change, say, takeBack } from './saying.ts';
import { seenInteraction, seenMessage } from './seen.ts';
import { flattened } from './shape-components.ts';
import { submission } from './submitting.ts';
import type { FakeUser } from './types.ts';
import type { World } from './world.ts';

export function person(world: World, waiting: Waiting, user: UserRecord): FakeUser {
  const see = (record: MessageRecord) => seenMessage(world, record);
  const watch = (record: InteractionRecord) => seenInteraction(world, waiting, record);

  /** Names of subcommands follow the command's. */
  const slashData = (name: string): readonly [string, string | undefined] => {
    const [command = '', sub] = name.split(' ');
    return [command, sub];
  };

  /** @throws when the person does not see the message */
  const shown = (id: string): MessageRecord => {
    const message = world.message(id);
    const hidden = message.onlyFor !== undefined && message.onlyFor !== user.id;
    if (message.deleted || hidden) throw new Error(`${user.name} sees no such message`);
    return message;
  };

  const component = (
    message: MessageRecord,
    data: { readonly custom_id: string } & Readonly<Record<string, unknown>>,
  ): InteractionRecord =>
    ask(world, {
      type: InteractionType.MessageComponent,
      channel: world.channel(message.channelId),
      userId: user.id,
      data,
      source: message,
      from: message.interaction,
    });

  return {
    id: user.id,
    name: user.name,
    mention: `<@${user.id}>`,

    says: (channel, text, extra) =>
      see(say(world, world.channel(channel.id), user.id, text, extra)),
    edits: (message, text) => see(change(world, world.message(message.id), text)),
    deletes: (message) => takeBack(world, world.message(message.id), user.id),

    slash: (name, given, where) => {
      const channel = world.channel(where.id);
      const [commandName, sub] = slashData(name);
      const command = offered(world, channel, user.id, commandName, Command.ChatInput);
      const { options, resolved } = fill(world, command, sub, given);
      const { id, type } = command;
      const data = { id, name: commandName, type, options, resolved };
      const kind = InteractionType.ApplicationCommand;
      return watch(ask(world, { type: kind, channel, userId: user.id, data, command }));
    },

    messageCommand: (name, message) => {
      const target = shown(message.id);
      const channel = world.channel(target.channelId);
      const command = offered(world, channel, user.id, name, Command.Message);
      const { id, type } = command;
      const resolved = { messages: { [target.id]: messagePayload(world, target) } };
      const data = { id, name, type, target_id: target.id, resolved };
      const kind = InteractionType.ApplicationCommand;
      return watch(ask(world, { type: kind, channel, userId: user.id, data, command }));
    },

    presses: (message, button) => {
      const target = shown(message.id);
      const found = see(target).buttons.find(
        ({ customId, label }) => customId === button || label === button,
      );
      if (found?.customId === undefined || found.disabled) {
        const labels = see(target).buttons.map(({ label }) => label);
        throw new Error(`There is no button ${button} to press, but ${labels.join(', ')}`);
      }
      const data = { custom_id: found.customId, component_type: ComponentType.Button };
      return watch(component(target, data));
    },

    chooses: (message, customId, values) => {
      const target = shown(message.id);
      const menu = target.components
        .flatMap(flattened)
        .find((it) => it.type === ComponentType.StringSelect && it.custom_id === customId);
      if (menu?.type !== ComponentType.StringSelect)
        throw new Error(`There is no menu ${customId}`);
      const odd = values.find((value) => !menu.options.some((option) => option.value === value));
      if (odd !== undefined) throw new Error(`${customId} has no ${odd}`);
      const data = { custom_id: customId, component_type: ComponentType.StringSelect, values };
      return watch(component(target, data));
    },

    submits: (opened, values, { anyway = false } = {}) => {
      const from = world.interactions.find(({ id }) => id === opened.id);
      if (from?.modal === undefined) throw new Error('No modal is open');
      return watch(
        ask(world, {
          type: InteractionType.ModalSubmit,
          channel: world.channel(from.channelId),
          userId: user.id,
          data: submission(from.modal, values, anyway),
          source: from.source,
          from,
        }),
      );
    },

    autocompletes: (name, option, typed, where, others = {}) => {
      const channel = world.channel(where.id);
      const [commandName, sub] = slashData(name);
      const command = offered(world, channel, user.id, commandName, Command.ChatInput);
      const given = { ...others, [option]: typed };
      const { options, resolved } = fill(world, command, sub, given, option);
      const { id, type } = command;
      const data = { id, name: commandName, type, options, resolved };
      const kind = InteractionType.ApplicationCommandAutocomplete;
      return watch(ask(world, { type: kind, channel, userId: user.id, data, command }));
    },

    types: (channel) => typingStarted(world, world.channel(channel.id), user.id),
    blocks: () => {
      user.blocks = true;
    },
    unblocks: () => {
      user.blocks = false;
    },
    installs: () => {
      user.installed = true;
    },
    uninstalls: () => {
      user.installed = false;
    },
  };
}
