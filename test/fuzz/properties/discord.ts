import type { APIInteraction, APIInteractionResponse } from 'discord-api-types/v10';
import { expect } from 'vitest';
import type { PlatformEvent } from '../../../src/chat/message.ts';
import { createAddresses } from '../../../src/platforms/discord/addresses.ts';
import { createForwardHints } from '../../../src/platforms/discord/forwards.ts';
import { incomingMessage, type WireMessage } from '../../../src/platforms/discord/incoming.ts';
import { createInteractions } from '../../../src/platforms/discord/interactions/interactions.ts';
import { bentJson, bentWithinTypes } from '../inputs.ts';
import { holds, throwsOnly } from '../property.ts';
import { expectMessage, expectStorable, parse } from './telegram.ts';

const ANN = { id: '7', username: 'ann', global_name: 'Ann', discriminator: '0', avatar: null };
const FILE = {
  id: '31',
  filename: 'a.ts',
  size: 10,
  url: 'https://cdn/a.ts',
  content_type: 'text/plain; charset=utf-8',
};
const BASE = {
  id: '1175928847299117063',
  channel_id: '20',
  author: ANN,
  content: '<@99>, what does `<@7>` do? <@7>',
  type: 0,
  mentions: [ANN],
  mention_roles: ['55'],
  attachments: [FILE],
  embeds: [],
};

const MESSAGES = [
  BASE,
  { ...BASE, guild_id: '30', mentions: [ANN, { ...ANN, id: '99' }], member: { nick: 'Annie' } },
  {
    ...BASE,
    guild_id: '30',
    type: 19,
    message_reference: { type: 0, channel_id: '20', message_id: '4' },
    referenced_message: {
      ...BASE,
      author: { ...ANN, id: '99', bot: true },
      content: '',
      embeds: [{ title: 't', description: 'd', fields: [{ name: 'n', value: 'v' }] }],
      components: [
        { type: 17, components: [{ type: 10, content: 'c' }] },
        { type: 9, components: [{ type: 10, content: 's' }] },
      ],
    },
  },
  {
    ...BASE,
    content: '',
    message_reference: { type: 1, channel_id: '20', message_id: '4' },
    message_snapshots: [{ message: { content: 'passed on', attachments: [FILE], embeds: [] } }],
  },
  { ...BASE, content: '```\nx\n``` <@99> ``a` <@7>', guild_id: '30' },
];

const COMMON = {
  id: '1175928847299117064',
  application_id: '99',
  token: 'interaction-token',
  version: 1,
  channel: { id: '20', type: 1 },
  user: ANN,
  context: 1,
  app_permissions: '8',
  authorizing_integration_owners: { 0: '0' },
};
const INTERACTIONS = [
  {
    ...COMMON,
    type: 2,
    data: {
      id: '1',
      type: 1,
      name: 'ask',
      options: [
        { name: 'prompt', type: 3, value: 'why?' },
        { name: 'file', type: 11, value: '31' },
        { name: 'private', type: 5, value: true },
      ],
      resolved: { attachments: { 31: FILE } },
    },
  },
  {
    ...COMMON,
    type: 2,
    guild_id: '30',
    context: 0,
    channel: { id: '21', type: 11, parent_id: '20' },
    member: { user: ANN, nick: 'Annie', permissions: '2048' },
    authorizing_integration_owners: { 0: '30' },
    data: {
      id: '2',
      type: 3,
      name: 'Explain this code',
      target_id: '4',
      resolved: { messages: { 4: MESSAGES[2] } },
    },
  },
  {
    ...COMMON,
    type: 4,
    data: {
      id: '1',
      type: 1,
      name: 'model',
      options: [{ name: 'model', type: 3, value: 'g', focused: true }],
    },
  },
  { ...COMMON, type: 3, data: { component_type: 2, custom_id: 'run:stop' }, message: BASE },
  {
    ...COMMON,
    type: 3,
    context: 0,
    guild_id: '30',
    data: { component_type: 2, custom_id: 'dm:setkey' },
    message: { ...BASE, flags: 64 },
  },
  {
    ...COMMON,
    type: 5,
    data: {
      custom_id: 'setkey',
      components: [
        { type: 18, component: { type: 3, custom_id: 'provider', values: ['openai'] } },
        { type: 18, component: { type: 4, custom_id: 'key', value: 'no-key' } },
      ],
    },
  },
];

/** What the receiver takes for an event that can't be read, and logs. */
const UNREADABLE = [TypeError, RangeError, SyntaxError];

function reading() {
  return {
    botId: '99',
    botRole: () => '55',
    addresses: createAddresses({ known: () => undefined, lookUp: async () => null }),
    lookUpMessage: async () => undefined,
  };
}

export const discordMessages = holds(
  'Discord’s messages',
  bentWithinTypes(MESSAGES),
  async (wire) => {
    const message = await incomingMessage(wire as unknown as WireMessage, reading());
    if (message === undefined) return;
    expectMessage(message);
    expectStorable({ type: 'message', message: createForwardHints()(message) });
  },
);

export const brokenMessages = holds(
  'what is no message of Discord’s',
  bentJson(MESSAGES),
  async (json) => {
    await throwsOnly(UNREADABLE, () => incomingMessage(parse(json) as WireMessage, reading()));
  },
);

async function interact(given: unknown) {
  const events: PlatformEvent[] = [];
  const responses: APIInteractionResponse[] = [];
  const texts: string[] = [];
  const take = createInteractions({
    respond: {
      async first(_interaction, response) {
        responses.push(response);
        return true;
      },
      async edit(_interaction, body) {
        texts.push(JSON.stringify(body));
      },
      async privately(_interaction, content) {
        texts.push(content);
      },
    },
    async deliver(event) {
      events.push(event);
      return true;
    },
    keyProviders: () => [{ id: 'openai', name: 'OpenAI' }],
    suggest: async ({ typed }) => [{ label: typed, value: typed }],
    menu: () => ({
      direct: [{ name: 'ask', description: '' }],
      group: [{ name: 'ask', description: '' }],
      onMessage: [{ name: 'explain', label: 'Explain this code' }],
    }),
    botId: () => '99',
    openDirectChat: async () => '77',
  });
  await take(given as APIInteraction);
  return { events, responses, texts };
}

export const discordInteractions = holds(
  'Discord’s interactions',
  bentWithinTypes(INTERACTIONS),
  async (interaction) => {
    const { events, responses } = await interact(interaction);
    // Discord takes one first response.
    expect(responses.length).toBeLessThanOrEqual(1);
    for (const response of responses) {
      if (!('data' in response) || !('choices' in response.data)) continue;
      for (const { name, value } of response.data.choices ?? []) {
        expect(name.length).toBeLessThanOrEqual(100);
        expect(String(value).length).toBeLessThanOrEqual(100);
      }
    }
    for (const event of events) expectStorable(event);
  },
);

export const brokenInteractions = holds(
  'what is no interaction of Discord’s',
  bentJson(INTERACTIONS),
  async (json) => {
    await throwsOnly(UNREADABLE, () => interact(parse(json)));
  },
);
