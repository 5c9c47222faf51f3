import { describe, expect, test } from 'vitest';
import type { CommandMenu } from '../../../src/chat/command-menu.ts';
import { MENU, receiving, simulator } from './receiving.ts';

const LIST = 'GET /applications/:application/commands';
const REPLACE = 'PUT /applications/:application/commands';

describe('the commands', () => {
  test('are shown where they work: in servers, in the direct chat, elsewhere', async () => {
    const discord = await simulator();
    await receiving(discord).platform.registerCommands({
      ...MENU,
      group: [...MENU.group, { name: 'chat', description: 'Sets up the bot here' }],
    });
    const contexts = Object.fromEntries(discord.commands.map((c) => [c.name, c.contexts]));
    expect(contexts).toEqual({
      ask: [0, 1, 2],
      setkey: [0, 1, 2],
      keys: [1],
      model: [1],
      usage: [0, 1, 2],
      new: [0, 1, 2],
      stop: [0, 1, 2],
      help: [0, 1, 2],
      chat: [0],
      'Explain this code': [0, 1, 2],
      'Fix this code': [0, 1, 2],
    });
    const chat = discord.commands.find(({ name }) => name === 'chat');
    expect(chat).toMatchObject({ integration_types: [0], default_member_permissions: '32' });
    const others = discord.commands.filter(({ name }) => name !== 'chat');
    expect(others.map((command) => command.integration_types)).toEqual(others.map(() => [0, 1]));
  });

  test('take a question with a file, a model that is searched, and no key', async () => {
    const discord = await simulator();
    await receiving(discord).platform.registerCommands(MENU);
    const options = (name: string) =>
      discord.commands.find((command) => command.name === name)?.options ?? [];
    expect(options('ask')).toMatchObject([
      { name: 'prompt', type: 3, required: true, max_length: 6000 },
      { name: 'file', type: 11 },
      { name: 'private', type: 5 },
    ]);
    expect(options('model')).toMatchObject([{ name: 'model', type: 3, autocomplete: true }]);
    expect(options('setkey')).toEqual([]);
    expect(options('stop')).toEqual([]);
  });

  test('name what goes with them, offer what can be chosen, and need none of it', async () => {
    const discord = await simulator();
    const more = ['delkey', 'link', 'limit'].map((name) => ({ name, description: name }));
    await receiving(discord).platform.registerCommands({
      ...MENU,
      direct: [...MENU.direct, ...more],
      group: [...MENU.group, { name: 'chat', description: 'Settings' }],
    });
    const options = (name: string) =>
      discord.commands
        .find((command) => command.name === name)
        ?.options?.map((option) => [
          option.name,
          'choices' in option ? option.choices?.map(({ value }) => value) : undefined,
          option.required ?? false,
        ]);
    expect(options('delkey')).toEqual([['provider', ['openai', 'anthropic'], false]]);
    expect(options('link')).toEqual([['code', undefined, false]]);
    expect(options('limit')).toEqual([
      ['amount', undefined, false],
      ['period', ['day', 'month'], false],
    ]);
    expect(options('chat')).toEqual([
      ['cap', ['turns', 'dollars'], false],
      ['amount', undefined, false],
    ]);
  });

  test('are registered once, and again only when they changed', async () => {
    const discord = await simulator();
    await receiving(discord).platform.registerCommands(MENU);
    await receiving(discord).platform.registerCommands(MENU);
    expect(discord.callsOf(LIST)).toHaveLength(2);
    expect(discord.callsOf(REPLACE)).toHaveLength(1);
    const changed: CommandMenu = {
      ...MENU,
      direct: MENU.direct.map((command) =>
        command.name === 'keys' ? { ...command, description: 'Other words' } : command,
      ),
    };
    await receiving(discord).platform.registerCommands(changed);
    expect(discord.callsOf(REPLACE)).toHaveLength(2);
    expect(discord.commands.find(({ name }) => name === 'keys')?.description).toBe('Other words');
  });

  test('that can not be registered now are registered later, and the bot starts', async () => {
    const discord = await simulator();
    discord.fail({ route: REPLACE, times: 2, status: 503 });
    const bot = receiving(discord);
    await bot.start();
    await discord.waitFor(() => discord.commands.length > 0);
    expect(bot.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });
});
