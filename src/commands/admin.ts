/** /admin: what the operator sees and does from the chat. To everybody else it does not exist. */

import type { Notice } from '../chat/platform.ts';
import type { Operator } from '../config.ts';
import type { Database } from '../db/client.ts';
import { type HousePause, pauseHouse, resumeHouse } from '../funding/house-pause.ts';
import { houseState } from '../funding/house-state.ts';
import { daysAgo, mostExpensive, totals } from '../funding/totals.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { Log } from '../log.ts';
import { newestFlagged } from '../moderation/flagged.ts';
import type { Suspensions } from '../moderation/suspensions.ts';
import { adminText } from '../text/admin.ts';
import { accountsOf, readAccount } from '../users/accounts.ts';
import { shortId } from '../users/standing.ts';
import type { Command, CommandContext } from './command.ts';

const FLAGGED_DAYS = 7;
const DAY_MS = 86_400_000;
/** As in the shell. */
const MOST_REASON = 200;
const MOST_DAYS = 36_500;

export function createAdmin({
  db,
  ring,
  operators,
  suspensions,
  housePause,
  houseMicrosPerDay,
  log,
}: {
  readonly db: Database;
  readonly ring: Pick<KeyRing, 'pseudonym'>;
  readonly operators: readonly Operator[];
  readonly suspensions: Pick<Suspensions, 'suspend' | 'lift'>;
  readonly housePause: Pick<HousePause, 'refresh'>;
  /** HOUSE_DAILY_USD */
  readonly houseMicrosPerDay: number;
  readonly log: Log;
}): Command {
  async function home(note?: string): Promise<Notice> {
    const [house, week, flagged] = await Promise.all([
      houseState(db, houseMicrosPerDay),
      totals(db, daysAgo(7)),
      newestFlagged(db, daysAgo(FLAGGED_DAYS), 1),
    ]);
    return adminText.home({ house, week, newestFlag: flagged[0]?.at, note });
  }

  async function page(argument: string, by: string): Promise<Notice> {
    const [name = '', value = ''] = argument.split('-');
    const days = value === '30' ? 30 : 7;
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
      case 'flagged':
        return adminText.flagged(await newestFlagged(db, daysAgo(FLAGGED_DAYS)));
      case 'pause':
      case 'resume': {
        const changed = name === 'pause' ? await pauseHouse(db, by) : await resumeHouse(db);
        // Here it holds from this answer on.
        await housePause.refresh();
        if (changed) log.warn({ by }, name === 'pause' ? 'house paused' : 'house resumed');
        return home(adminText.switched(name, changed));
      }
      default:
        return home();
    }
  }

  /** `suspend telegram:1 7 being rude`: days and words may be missing. */
  async function suspend(words: readonly string[], by: string): Promise<Notice> {
    const [name = '', ...rest] = words;
    const account = readAccount(name);
    if (account === undefined) return adminText.how();
    const days = /^\d{1,5}$/.test(rest[0] ?? '') ? Number(rest[0]) : undefined;
    if (days !== undefined && (days < 1 || days > MOST_DAYS)) return adminText.how();
    const reason = rest.slice(days === undefined ? 0 : 1).join(' ');
    if (reason.length > MOST_REASON) return adminText.reasonTooLong(MOST_REASON);
    const { userId, accounts } = await accountsOf(db, account);
    const until = days === undefined ? null : new Date(Date.now() + days * DAY_MS);
    const id = await suspensions.suspend(accounts, {
      userId,
      until,
      reason: reason === '' ? adminText.defaultReason : reason,
    });
    log.warn({ by, suspension: id }, 'suspended');
    return adminText.suspended({ name, id, until, isKnown: userId !== null });
  }

  async function lift([name = '']: readonly string[], by: string): Promise<Notice> {
    const account = readAccount(name);
    if (account === undefined) return adminText.how();
    const { accounts } = await accountsOf(db, account);
    const lifted = await suspensions.lift(accounts);
    if (lifted > 0) log.warn({ by, lifted }, 'suspensions lifted');
    return adminText.lifted(name, lifted);
  }

  const accountOf = ({ chat, sender }: CommandContext) =>
    `${chat.platform}:${sender.platformUserId}`;
  /** Discord shows what a command answers in a server to its sender alone, and has no other place for it. */
  const isMisplaced = ({ chat }: CommandContext) =>
    chat.kind === 'group' && chat.platform !== 'discord';

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
      const by = accountOf(context);
      const notice =
        verb === 'suspend'
          ? await suspend(words, by)
          : verb === 'lift'
            ? await lift(words, by)
            : /^(totals|top|flagged|pause|resume|)$/.test(verb)
              ? await page([verb, ...words].join('-'), by)
              : adminText.how();
      context.answer(notice, adminText.onlyInPrivate().markdown);
    },

    async press(context) {
      if (isMisplaced(context)) return;
      context.replace(await page(context.argument, accountOf(context)));
    },
  };
}
