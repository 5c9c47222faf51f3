import { Events, GatewayIntentBits, MessageFlags } from 'discord.js';
import { Routes } from 'discord-api-types/v10';
import { beforeEach, describe, expect, test } from 'vitest';
import { COMMANDS, type Fixture, newClient, refusal, simulate } from './discord/harness.ts';
import type { FakeChannel, FakeDiscord, FakeUser } from './discord.ts';

let fixture: Fixture;
let discord: FakeDiscord;
let ann: FakeUser;
let ben: FakeUser;
let channel: FakeChannel;

beforeEach(async () => {
  fixture = await simulate();
  ({ discord, ann, ben, channel } = fixture);
});

describe('the gateway', () => {
  test('lets the real client in, and shows it its servers', async () => {
    const client = await fixture.login();
    expect(client.user.id).toBe(discord.botId);
    expect(client.guilds.cache.map(({ name }) => name)).toEqual(['Garden']);
    const general = client.channels.cache.get(channel.id);
    expect(general?.isTextBased() && general.isSendable()).toBe(true);
  });

  test('turns a wrong token away', async () => {
    const client = newClient(discord);
    await expect(client.login(`${discord.token}x`)).rejects.toThrow();
  });

  test('turns a client away that asks for an intent that is not enabled', async () => {
    const client = newClient(discord, [GatewayIntentBits.MessageContent]);
    await expect(client.login(discord.token)).rejects.toThrow('disallowed intents');
  });

  test('tells what was missed when a broken session is resumed', async () => {
    const client = await fixture.login();
    const heard: string[] = [];
    client.on(Events.MessageCreate, ({ content }) => heard.push(content));
    discord.gateway.drop();
    ann.says(discord.dm(ann), 'into the gap');
    await discord.waitFor(() => heard.length === 1);
    expect(heard).toEqual(['into the gap']);
    expect(discord.gateway).toMatchObject({ identifies: 1, resumes: 1 });
  });

  test('asks to reconnect, and the client resumes', async () => {
    await fixture.login();
    discord.gateway.reconnect();
    await discord.waitFor(() => discord.gateway.resumes === 1);
    expect(discord.gateway.identifies).toBe(1);
  });

  test('a session that is invalid is begun anew', async () => {
    const client = await fixture.login();
    let readyAgain = 0;
    client.on(Events.ShardReady, () => {
      readyAgain += 1;
    });
    discord.gateway.invalidateSessions();
    // The client waits between one and five seconds before it identifies again.
    await discord.waitFor(() => readyAgain === 1, { timeoutMs: 15_000 });
    expect(discord.gateway).toMatchObject({ identifies: 2, resumes: 0, connections: 1 });
  });
});

describe('messages', () => {
  test('without the intent only direct messages, mentions and pinging replies are read', async () => {
    const client = await fixture.login();
    const heard: string[] = [];
    client.on(Events.MessageCreate, (message) => {
      if (!message.author.bot) heard.push(message.content);
    });
    const greeting = await client.rest.post(Routes.channelMessages(channel.id), {
      body: { content: 'hello' },
    });
    const sent = discord.messages(channel)[0];
    if (sent === undefined) throw new Error('nothing was sent');
    expect(greeting).toMatchObject({ id: sent.id });
    ann.says(channel, 'secret');
    ann.says(channel, `${discord.botMention} hi`);
    ann.says(channel, 'a reply', { replyTo: sent });
    ann.says(channel, 'a quiet reply', { replyTo: sent, pings: false });
    ann.says(discord.dm(ann), 'direct');
    await discord.waitFor(() => heard.length === 5);
    expect(heard).toEqual(['', `${discord.botMention} hi`, 'a reply', '', 'direct']);
  });

  test('what a mention replies to stays unread', async () => {
    const client = await fixture.login();
    const code = ben.says(channel, 'let x = 1');
    ann.says(channel, `${discord.botMention} explain`, { replyTo: code });
    await discord.waitFor(() => discord.gateway.events.length >= 4);
    const fetched = await client.rest.get(Routes.channelMessage(channel.id, code.id));
    expect(fetched).toMatchObject({ content: '' });
    const event = discord.gateway.events.at(-1);
    expect(event?.data).toMatchObject({ referenced_message: { content: '' } });
    discord.setMessageContent(true);
    const readable = await client.rest.get(Routes.channelMessage(channel.id, code.id));
    expect(readable).toMatchObject({ content: 'let x = 1' });
  });

  test('edits and deletions are told', async () => {
    const client = await fixture.login();
    const told: string[] = [];
    client.on(Events.MessageUpdate, (_before, after) => told.push(`now ${after.content}`));
    client.on(Events.MessageDelete, ({ id }) => told.push(`gone ${id}`));
    const said = ann.says(discord.dm(ann), 'helo');
    ann.edits(said, 'hello');
    ann.deletes(said);
    await discord.waitFor(() => told.length === 2);
    expect(told).toEqual(['now hello', `gone ${said.id}`]);
  });

  test('a bot thrown out hears of it, and may no longer speak there', async () => {
    const client = await fixture.login();
    discord.removeBot(fixture.guild);
    await discord.waitFor(() => client.guilds.cache.size === 0);
    expect(
      await refusal(
        fixture.rest.post(Routes.channelMessages(channel.id), { body: { content: 'a' } }),
      ),
    ).toBe('403 50001 Missing Access');
  });
});

describe('interactions through the real client', () => {
  test('a slash command is deferred and answered', async () => {
    const client = await fixture.login();
    await client.application.commands.set([...COMMANDS]);
    client.on(Events.InteractionCreate, async (interaction) => {
      if (!interaction.isChatInputCommand()) return;
      await interaction.deferReply();
      const prompt = interaction.options.getString('prompt', true);
      const file = interaction.options.getAttachment('file');
      const text = file === null ? '' : await (await fetch(file.url)).text();
      await interaction.editReply(`${prompt} ${text}`);
      await interaction.followUp({ content: 'psst', flags: MessageFlags.Ephemeral });
    });
    const file = { name: 'a.txt', bytes: Buffer.from('file') };
    const asked = ann.slash('ask', { prompt: 'why?', file }, channel);
    expect((await asked.acknowledged()).kind).toBe('defer');
    await asked.answered(({ ephemeral }) => ephemeral);
    expect(asked.public.map(({ content }) => content)).toEqual(['why? file']);
    expect(asked.ephemeral.map(({ content }) => content)).toEqual(['psst']);
    expect(discord.messages(channel).map(({ content }) => content)).toEqual(['why? file']);
    expect(discord.messages(channel, { as: ann })).toHaveLength(2);
    expect(() => ben.slash('setkey', {}, channel)).toThrow('is not offered setkey there');
    expect(() => ann.slash('ask', {}, channel)).toThrow('ask needs prompt');
  });

  test('a modal opens, is submitted, and is answered', async () => {
    const client = await fixture.login();
    await client.application.commands.set([...COMMANDS]);
    client.on(Events.InteractionCreate, async (interaction) => {
      if (interaction.isChatInputCommand()) {
        await interaction.showModal({
          custom_id: 'key',
          title: 'Your key',
          components: [
            {
              type: 18,
              label: 'Provider',
              component: {
                type: 3,
                custom_id: 'provider',
                required: false,
                options: [{ label: 'OpenAI', value: 'openai' }],
              },
            },
            { type: 18, label: 'Key', component: { type: 4, custom_id: 'text', style: 1 } },
          ],
        });
      } else if (interaction.isModalSubmit()) {
        const key = interaction.fields.getTextInputValue('text');
        const [provider] = interaction.fields.getStringSelectValues('provider');
        await interaction.reply({ content: `${provider} ${key}`, flags: MessageFlags.Ephemeral });
      }
    });
    const dm = discord.dm(ann);
    const asked = ann.slash('setkey', {}, dm);
    expect((await asked.opened()).title).toBe('Your key');
    expect(() => ann.submits(asked, { text: '' })).toThrow('text takes 1 to 4000 characters');
    const submitted = ann.submits(asked, { text: 'k', provider: 'openai' });
    expect(await submitted.answered()).toMatchObject({ content: 'openai k', ephemeral: true });
    expect(discord.messages(dm)).toEqual([]);
  });

  test('a button is pressed, and its message changes', async () => {
    const client = await fixture.login();
    client.on(Events.InteractionCreate, async (interaction) => {
      if (!interaction.isButton()) return;
      await interaction.deferUpdate();
      await interaction.editReply({ content: 'stopped', components: [] });
      await interaction.followUp({ content: 'only you', flags: MessageFlags.Ephemeral });
    });
    await client.rest.post(Routes.channelMessages(channel.id), {
      body: {
        content: 'working',
        components: [
          { type: 1, components: [{ type: 2, style: 2, label: 'Stop', custom_id: 'stop' }] },
        ],
      },
    });
    const [message] = discord.messages(channel);
    if (message === undefined) throw new Error('nothing was sent');
    const press = ben.presses(message, 'Stop');
    expect(await press.answered()).toMatchObject({ content: 'only you', ephemeral: true });
    expect(press.original).toMatchObject({ content: 'stopped', buttons: [], edited: true });
    expect(() => ben.presses(message, 'Stop')).toThrow('There is no button Stop');
  });

  test('a message command carries the message, and typing brings choices', async () => {
    const client = await fixture.login();
    await client.application.commands.set([...COMMANDS]);
    client.on(Events.InteractionCreate, async (interaction) => {
      if (interaction.isMessageContextMenuCommand()) {
        await interaction.reply(`it says ${interaction.targetMessage.content}`);
      } else if (interaction.isAutocomplete()) {
        const value = interaction.options.getFocused();
        await interaction.respond([{ name: value.toUpperCase(), value }]);
      }
    });
    const code = ben.says(channel, 'let x = 1');
    const explained = ann.messageCommand('Explain this code', code);
    expect((await explained.answered()).content).toBe('it says let x = 1');
    const typed = ann.autocompletes('model', 'name', 'gpt', channel);
    await typed.acknowledged();
    expect(typed.choices).toEqual([{ name: 'GPT', value: 'gpt' }]);
  });
});
