/** /admin: what the operator sees and does from the chat. To everybody else it does not exist. */

import type { PlatformName } from '../chat/message.ts';
import type { Notice, PlatformSender } from '../chat/platform.ts';
import type { Operator } from '../config.ts';
import type { HousePause } from '../funding/house-pause.ts';
import { daysAgo, mostExpensive, totals } from '../funding/totals.ts';
import { newestFlagged } from '../moderation/flagged.ts';
import { FLAGGED_DAYS, overviewOf, userOverview } from '../operator/overview.ts';
import { adminText } from '../text/admin.ts';
import { findUser, type NamedAccount, readAccount } from '../users/accounts.ts';
import { shortId } from '../users/standing.ts';
import { type AdminUserParts, createAdminUser } from './admin-user.ts';
import type { Command, CommandContext } from './command.ts';
import { identityOf } from './linked-notices.ts';

const DAY_MS = 86_400_000;
/** As in the shell. */
const MOST_REASON = 200;
const MOST_DAYS = 36_500;

export interface AdminParts extends AdminUserParts {
  readonly operators: readonly Operator[];
  readonly housePause: Pick<HousePause, 'refresh'>;
  readonly sender: (platform: PlatformName) => Pick<PlatformSender, 'traits'>;
}

export function createAdmin(parts: AdminParts): Command {
  const { db, ring, operators, deeds, log } = parts;
  const byButton = createAdminUser(parts);

  const home = async (note?: string): Promise<Notice> =>
    adminText.home({ ...(await overviewOf(parts)), flaggedDays: FLAGGED_DAYS, note });

  async function page(argument: string, by: NamedAccount): Promise<Notice> {
    const [name = '', value = ''] = argument.split('-');
    const days = value === '30' ? 30 : value === '1' ? 1 : 7;
    const since = daysAgo(days);
    switch (name) {
      case 'totals':
        return adminText.totals(days, await totals(db, since));
      case 'top': {
        const users = await mostExpensive(db, since);
        return adminText.top(
          days,
          users.map((user) => ({ ...user, shortId: shortId(ring, user.userId) })),
        );
      }
      case 'flagged': {
        const rows = await newestFlagged(db, daysAgo(FLAGGED_DAYS));
        return adminText.flagged(
          rows.map((row) => ({
            ...row,
            shortId: row.userId === null ? undefined : shortId(ring, row.userId),
          })),
        );
      }
      case 'pause':
      case 'resume': {
        const changed = name === 'pause' ? await deeds.pauseHouse(by) : await deeds.resumeHouse(by);
        // Here it holds from this answer on.
        await parts.housePause.refresh();
        if (changed) log.warn({ by }, name === 'pause' ? 'house paused' : 'house resumed');
        return home(adminText.switched(name, changed));
      }
      default:
        return home();
    }
  }

  async function show(who: NamedAccount, name: string): Promise<Notice> {
    const userId = await findUser(db, who);
    const user = userId === undefined ? undefined : await userOverview(parts, userId);
    return user === undefined ? adminText.unknownUser(name) : adminText.user(user);
  }

  /** `suspend telegram:1 7 being rude`: days and words may be missing. */
  async function suspend(
    who: NamedAccount,
    [name = '', ...rest]: readonly string[],
    by: NamedAccount,
  ): Promise<Notice> {
    const days = /^\d{1,5}$/.test(rest[0] ?? '') ? Number(rest[0]) : undefined;
    if (days !== undefined && (days < 1 || days > MOST_DAYS)) return adminText.how();
    const given = rest.slice(days === undefined ? 0 : 1).join(' ');
    if (given.length > MOST_REASON) return adminText.reasonTooLong(MOST_REASON);
    const until = days === undefined ? null : new Date(Date.now() + days * DAY_MS);
    const reason = given === '' ? adminText.defaultReason : given;
    const { id, isKnown } = await deeds.suspend(who, { until, reason }, by);
    log.warn({ by, suspension: id }, 'suspended');
    return adminText.suspended({ name, id, until, isKnown });
  }

  async function lift(who: NamedAccount, [name = '']: readonly string[], by: NamedAccount) {
    const lifted = await deeds.lift(who, by);
    if (lifted > 0) log.warn({ by, lifted }, 'suspensions lifted');
    return adminText.lifted(name, lifted);
  }

  /** `grant telegram:1 pro 2026-12-31`: without a day for good. */
  async function grant(
    who: NamedAccount,
    [name = '', plan = '', lastDay, ...rest]: readonly string[],
    by: NamedAccount,
  ): Promise<Notice> {
    if (plan === '' || rest.length > 0) return adminText.how();
    const granted = await deeds.grant(who, { plan, lastDay }, by);
    if (granted.result === 'granted') log.warn({ by, plan }, 'plan granted');
    return adminText.granted(name, plan, granted);
  }

  /** What is done with somebody: `verb USER …`. */
  async function about(verb: string, words: readonly string[], by: NamedAccount): Promise<Notice> {
    const [name = ''] = words;
    const who = readAccount(name);
    if (who === undefined) return adminText.how();
    switch (verb) {
      case 'user':
        return show(who, name);
      case 'suspend':
        return suspend(who, words, by);
      case 'lift':
        return lift(who, words, by);
      case 'grant':
        return grant(who, words, by);
      default:
        return adminText.how();
    }
  }

  /** In a group where all read what is typed, it would be told to all who the operator is. */
  const isMisplaced = ({ chat }: CommandContext) =>
    chat.kind === 'group' && parts.sender(chat.platform).traits.showsCommands === 'to-all';

  return {
    name: 'admin',
    description: 'For operators: spending, users, the house',
    where: 'everywhere',
    isPrivate: true,
    isFor: (account) =>
      operators.some(
        ({ platform, platformUserId }) =>
          platform === account.platform && platformUserId === account.platformUserId,
      ),

    async run(context) {
      if (isMisplaced(context)) {
        const notice = adminText.onlyInPrivate();
        context.answer(notice, notice.markdown);
        return;
      }
      const [verb = '', ...words] = context.argument.trim().split(/\s+/);
      const by = identityOf(context);
      const isPage = /^(totals|top|flagged|pause|resume|)$/.test(verb);
      const notice = isPage
        ? await page([verb, ...words].join('-'), by)
        : await about(verb, words, by);
      context.answer(notice, adminText.onlyInPrivate().markdown);
    },

    async press(context) {
      if (isMisplaced(context)) return;
      const by = identityOf(context);
      context.replace((await byButton(context.argument, by)) ?? (await page(context.argument, by)));
    },
  };
}
