/** What a group's administrators set with /chat, and what its members then meet. */

import type { Chat, Message, User } from 'grammy/types';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createWorld, type World } from '../support/latchkey.ts';
import { asked, botMessages, botSays, takenIn, textOf } from '../support/people.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  world.openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);
  await world.start();
});
afterAll(() => world.close());
afterEach(() => world.telegram.clearFaults());

let groups = 0;
const person = (first_name: string) => world.telegram.addUser({ first_name });
const me = () => `@${world.telegram.bot.username}`;

function scene(more: { forum?: boolean; botIsAdmin?: boolean; type?: 'group' } = {}) {
  groups += 1;
  const [owner, boss, member] = [person('Owner'), person('Boss'), person('Member')];
  const chat = world.telegram.group({
    title: `Group ${groups}`,
    members: [owner, member],
    administrators: [boss],
    ...more,
  });
  const here = { chat: chat as Chat };
  return {
    owner,
    boss,
    member,
    chat,
    /** Where everybody goes on after a migration. */
    move: (to: Chat) => {
      here.chat = to;
    },
    say: (who: User, text: string, thread?: number) =>
      world.telegram.say(
        here.chat,
        who,
        text,
        thread === undefined ? {} : { message_thread_id: thread },
      ),
    sees: (what: RegExp, view = {}) => botSays(world, here.chat, what, view),
    count: (what: RegExp) =>
      botMessages(world, here.chat).filter((m) => what.test(textOf(m))).length,
    /** Presses the button, and waits until the page shows what it changed. */
    async set(by: User, page: Message, label: string, shows: RegExp, view = {}) {
      world.telegram.press(page, label, by);
      return botSays(world, here.chat, shows, view);
    },
  };
}

test('is for administrators alone, the page as well as its buttons; others get a private refusal', async () => {
  const { boss, owner, member, say, sees, set, chat } = scene({ botIsAdmin: true });
  say(member, '/chat');
  await sees(/Only those who may manage this chat/, { as: member });
  expect(botMessages(world, chat, { as: boss })).toHaveLength(0);
  say(owner, '/chat');
  await sees(/Settings of this chat/, { as: owner });
  say(boss, '/chat');
  const page = await sees(/Settings of this chat/, { as: boss });
  expect(world.telegram.buttons(page).map((b) => b.label)).not.toContain('Threads');
  expect(botMessages(world, chat, { as: member })).toHaveLength(1);
  await set(boss, page, '50 a day', /at most 50 messages/, { as: boss });
  expect(botMessages(world, chat)).toHaveLength(0);
  // Where the page stands for all, its buttons are still the managers'.
  const open = scene();
  open.say(open.boss, '/chat');
  const forAll = await open.sees(/Settings of this chat/);
  world.telegram.press(forAll, 'Managers only', open.member);
  await open.sees(/Only those who may manage this chat/, { as: open.member });
  expect(textOf(await open.sees(/Settings of this chat/))).toContain('Who may use me: everybody');
  open.say(open.member, `${me()} still for everybody`);
  await open.sees(/still for everybody/);
}, 20_000);

test('an anonymous administrator manages nothing', async () => {
  const { boss, say, chat, sees } = scene();
  world.telegram.say(chat, boss, '/chat turns 1', { sender_chat: chat });
  await takenIn(world);
  say(boss, '/chat');
  const page = await sees(/Settings of this chat/);
  expect(textOf(page)).not.toContain('at most 1 messages');
  expect(botMessages(world, chat)).toHaveLength(1);
});

test('in private it says where it belongs', async () => {
  const { boss } = scene();
  const own = world.telegram.privateChat(boss);
  world.telegram.say(own, boss, '/chat');
  await botSays(world, own, /sets how I behave in a group/);
});

test('“here only” answers in this topic and no other, and says so once an hour', async () => {
  const { chat, boss, member, say, sees, set, count } = scene({ forum: true });
  const [red, blue] = [world.telegram.topic(chat, 'Red'), world.telegram.topic(chat, 'Blue')];
  say(boss, '/chat', red);
  const page = await sees(/Settings of this chat/, { thread: red });
  await set(boss, page, 'Here only', /only in one place, this among them/, { thread: red });
  say(member, `${me()} in red`, red);
  await sees(/Answer to.*in red/s, { thread: red });
  say(member, `${me()} in blue`, blue);
  await sees(/I don’t answer in this place/, { thread: blue });
  say(member, `${me()} in blue again`, blue);
  say(member, `${me()} in general`);
  await botSays(world, chat, /I don’t answer in this place/);
  await takenIn(world);
  say(boss, `${me()} managers are refused too`, blue);
  await world.telegram.waitFor(() => count(/I don’t answer in this place/) === 3);
  expect(asked(world, 'in blue')).toHaveLength(0);
  expect(asked(world, 'in general')).toHaveLength(0);

  say(boss, '/chat', blue);
  const other = await sees(/this is not among them/, { thread: blue });
  await set(boss, other, 'Here too', /only in 2 places, this among them/, { thread: blue });
  say(member, `${me()} now also in blue`, blue);
  await sees(/Answer to.*now also in blue/s, { thread: blue });
}, 20_000);

test('“managers only” answers them alone, and tells others so once', async () => {
  const { boss, owner, member, say, sees, set, count } = scene();
  say(boss, '/chat');
  const page = await sees(/Settings of this chat/);
  await set(boss, page, 'Managers only', /Who may use me: only those/);
  say(owner, `${me()} the owner asks`);
  await sees(/Answer to.*the owner asks/s);
  say(member, `${me()} a member asks`);
  await sees(/Here I answer only those who manage this chat/);
  say(member, '/ask once more');
  say(owner, `${me()} meanwhile`);
  await sees(/Answer to.*meanwhile/s);
  expect(count(/Here I answer only/)).toBe(1);
  expect(asked(world, 'a member asks')).toHaveLength(0);
}, 20_000);

test('where Telegram does not say who manages, nobody is let in, and is told why', async () => {
  const { boss, member, say, sees, set } = scene();
  say(boss, '/chat');
  const page = await sees(/Settings of this chat/);
  await set(boss, page, 'Managers only', /Who may use me: only those/);
  world.telegram.fail({ method: /getChatMember|getChatAdministrators/, status: 500 });
  say(member, `${me()} in the dark`);
  await sees(/could not find out who may manage/);
  say(boss, '/chat');
  await sees(/could not find out who may manage/);
  expect(asked(world, 'in the dark')).toHaveLength(0);
}, 20_000);

test('a cap of house turns holds, own keys are not held to it, and other groups do not count', async () => {
  const { boss, owner, member, say, sees } = scene();
  say(boss, '/chat turns 2');
  await sees(/at most 2 messages/);
  say(owner, `${me()} turn one`);
  await sees(/Answer to.*turn one/s);
  say(member, `${me()} turn two`);
  await sees(/Answer to.*turn two/s);
  say(boss, `${me()} turn three`);
  await sees(/What the house gives this chat a day is used/);
  expect(asked(world, 'turn three')).toHaveLength(0);
  const elsewhere = scene();
  elsewhere.say(elsewhere.member, `${me()} elsewhere`);
  await elsewhere.sees(/Answer to.*elsewhere/s);
  say(boss, '/chat turns off');
  await sees(/The house answers here a day: no cap/);
  say(boss, `${me()} turn four`);
  await sees(/Answer to.*turn four/s);
}, 20_000);

test('a cap of dollars is set in words, and nonsense changes nothing', async () => {
  const { boss, say, sees } = scene();
  say(boss, '/chat dollars $0.25');
  await sees(/It spends here a day: at most \$0\.25/);
  for (const nonsense of ['dollars -1', 'turns 1e9', 'dollars 99999', 'everything off', 'turns']) {
    say(boss, `/chat ${nonsense}`);
  }
  await sees(/I take \/chat turns 30/);
  await takenIn(world);
  say(boss, '/chat');
  await sees(/at most \$0\.25/);
}, 20_000);

test('a group that becomes a supergroup keeps its settings', async () => {
  const { chat, boss, member, say, sees, set, move } = scene({ type: 'group' });
  say(boss, '/chat turns 3');
  await sees(/at most 3 messages/);
  say(boss, '/chat');
  const page = await sees(/Settings of this chat/);
  await set(boss, page, 'Here only', /only in one place, this among them/);
  move(world.telegram.migrate(chat));
  await takenIn(world);
  say(boss, '/chat');
  await sees(/only in one place, this among them.*at most 3 messages/s);
  say(member, `${me()} after the move`);
  await sees(/Answer to.*after the move/s);
}, 20_000);
