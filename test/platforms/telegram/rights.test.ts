import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTelegramSimulator, type TelegramSimulator } from '../../fakes/telegram.ts';
import { addressOf, sending } from './sending.ts';

let telegram: TelegramSimulator;
beforeAll(async () => {
  telegram = await startTelegramSimulator();
});
afterAll(() => telegram.close());

const people = () => {
  const [owner, helper, member, stranger] = ['Owner', 'Helper', 'Member', 'Stranger'].map(
    (first_name) => telegram.addUser({ first_name }),
  );
  if (!owner || !helper || !member || !stranger) throw new Error('nobody');
  return { owner, helper, member, stranger };
};

describe('who may manage a group on Telegram', () => {
  test.each([
    ['a basic group', {}],
    ['a supergroup', { type: 'supergroup' as const }],
    ['a supergroup that hides its members', { type: 'supergroup' as const, hidesMembers: true }],
    ['a group where the bot is an administrator', { botIsAdmin: true }],
  ])('is its owner and its administrators: %s', async (title, more) => {
    const { owner, helper, member, stranger } = people();
    const group = telegram.group({
      title,
      members: [owner, member],
      administrators: [helper],
      ...more,
    });
    const { rights } = sending(telegram);
    const may = (user: { id: number }) => rights.mayManage(addressOf(group), String(user.id));
    expect([await may(owner), await may(helper)]).toEqual([true, true]);
    expect([await may(member), await may(stranger)]).toEqual([false, false]);
  });

  test.each([
    ['a group', {}, false],
    [
      'a supergroup that hides its members',
      { type: 'supergroup' as const, hidesMembers: true },
      true,
    ],
  ])('who has left is not there, where Telegram tells: %s', async (title, more, isTold) => {
    const { owner, member } = people();
    const group = telegram.group({ title, members: [owner, member], ...more });
    const { rights } = sending(telegram);
    const there = () => rights.isThere(addressOf(group), String(member.id));
    expect(await there()).toBe(true);
    telegram.leave(group, member);
    expect(await there()).toBe(isTold);
  });

  test('is never the account that anonymous administrators share, nor anybody in private', async () => {
    const { owner } = people();
    const anonymous = telegram.addUser({ first_name: 'Group', id: 1087968824, is_bot: true });
    const group = telegram.group({ title: 'G', members: [owner], administrators: [anonymous] });
    const { rights } = sending(telegram);
    expect(await rights.mayManage(addressOf(group), String(anonymous.id))).toBe(false);
    const direct = telegram.privateChat(owner);
    expect(await rights.mayManage(addressOf(direct), String(owner.id))).toBe(false);
  });

  test('is an error of the platform where Telegram fails', async () => {
    const { owner } = people();
    const group = telegram.group({ title: 'G', members: [owner] });
    telegram.fail({ method: 'getChatMember', status: 500, times: 1 });
    const { rights } = sending(telegram);
    const asked = rights.mayManage(addressOf(group), String(owner.id));
    await expect(asked).rejects.toMatchObject({ name: 'PlatformError', code: 'unreachable' });
    telegram.clearFaults();
  });
});
