/** Which plan a user has, and what else of them decides what the house gives. */

import type { Database, Queryable } from '../db/client.ts';
import { eq, type SQL, sql } from '../db/drizzle.ts';
import { planGrants } from '../db/schema.ts';
import { builtOnce } from '../db/statement.ts';
import { FREE_PLAN, PLAN_PERIODS, type Plan, type PlanPeriod, type Plans } from './plans-file.ts';

export interface Standing {
  readonly plan: Plan;
  /** When the granted plan ends; null: it does not, or there is none. */
  readonly until: Date | null;
  readonly knownSince: Date;
  /** `platform:ID` of all linked accounts. */
  readonly accounts: readonly string[];
  /** What they chose with /model. */
  readonly chosen: { readonly provider: string | null; readonly model: string | null };
  /** When the newest windows began in which something was counted. */
  readonly begun: Readonly<Partial<Record<PlanPeriod, Date>>>;
}

export interface PlanGrant {
  readonly plan: string;
  readonly until: Date | null;
  readonly at: Date;
  readonly by: string;
}

interface StandingRow extends Record<string, unknown> {
  readonly since: number;
  readonly accounts: string[];
  readonly provider: string | null;
  readonly model: string | null;
  readonly plan: string | null;
  readonly until: number | null;
  readonly day: number | null;
  readonly week: number | null;
  readonly month: number | null;
}

export interface UserPlans {
  standing(userId: number): Promise<Standing>;
  /** How many turns of a user may wait. @param otherwise where their plan does not say */
  waiting(userId: number, otherwise: number): Promise<number>;
}

export function createUserPlans({
  db,
  plans,
  onUnknown,
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly plans: Plans;
  /** Hears once of each name that somebody was granted and that is no plan any more. */
  readonly onUnknown: (name: string) => void;
  readonly now?: () => Date;
}): UserPlans {
  const unknown = new Set<string>();

  function planOf(name: string | null): Plan {
    if (name === null) return plans.free;
    const plan = plans.plans.get(name);
    if (plan === undefined && !unknown.has(name)) {
      unknown.add(name);
      onUnknown(name);
    }
    return plan ?? plans.free;
  }

  return {
    async standing(userId) {
      const at = now();
      const [row] = await STANDING(db, { userId, at: at.toISOString() });
      const date = (ms: number | null | undefined) => (ms == null ? undefined : new Date(ms));
      return {
        plan: planOf(row?.plan ?? null),
        until: date(row?.until) ?? null,
        knownSince: date(row?.since) ?? at,
        accounts: row?.accounts ?? [],
        chosen: { provider: row?.provider ?? null, model: row?.model ?? null },
        begun: Object.fromEntries(
          PLAN_PERIODS.flatMap((period) => {
            const starts = date(row?.[period]);
            return starts === undefined ? [] : [[period, starts]];
          }),
        ),
      };
    },

    async waiting(userId, otherwise) {
      if ([...plans.plans.values()].every(({ waiting }) => waiting === null)) return otherwise;
      const [row] = await db.execute<{ plan: string | null }>(
        sql`select ${grantOf(sql`${userId}::bigint`, sql`${now().toISOString()}`, 'plan')} as plan`,
      );
      return planOf(row?.plan ?? null).waiting ?? otherwise;
    },
  };
}

/**
 * Of the grant in force. Each of linked accounts brings its own, and takes it along when it leaves:
 * the newest of them holds for all.
 */
function grantOf(userId: SQL, at: SQL, column: 'plan' | 'until') {
  const what =
    column === 'plan' ? sql`g.plan` : sql`floor(extract(epoch from g.until) * 1000)::bigint`;
  return sql`(
    select ${what} from plan_grants g
    where g.user_id in (
      select ${userId} union all
      select i.own_user_id from identities i
      where i.user_id = ${userId} and i.own_user_id is not null)
      and (g.until is null or g.until > ${at}::timestamptz)
    order by g.at desc, g.user_id limit 1)`;
}

/** One row of few index entries, however long somebody has been here. */
const STANDING = builtOnce<{ readonly userId: number; readonly at: string }, StandingRow>(
  (place) => {
    const at = sql`${place('at')}`;
    const begun = (period: PlanPeriod) => sql`(
      select floor(extract(epoch from b.starts) * 1000)::bigint from budgets b
      where b.holder_kind = 'user' and b.holder_id = u.id::text
        and b.period = ${sql.raw(`'${period}'`)} and b.starts <= ${at}::timestamptz
      order by b.starts desc limit 1)`;
    return sql`
      select floor(extract(epoch from u.created_at) * 1000)::bigint as since, u.provider, u.model,
             to_json(array(select i.platform || ':' || i.platform_user_id from identities i
                   where i.user_id = u.id)) as accounts,
             ${grantOf(sql`u.id`, at, 'plan')} as plan, ${grantOf(sql`u.id`, at, 'until')} as until,
             ${begun('day')} as day, ${begun('week')} as week, ${begun('month')} as month
      from users u where u.id = ${place('userId')}`;
  },
);

/** @param plan {@link FREE_PLAN} takes back what was granted */
export async function grantPlan(
  db: Queryable,
  userId: number,
  { plan, until, by, at }: PlanGrant,
): Promise<void> {
  if (plan === FREE_PLAN) {
    await db.delete(planGrants).where(eq(planGrants.userId, userId));
    return;
  }
  const grant = { plan, until, by, at };
  await db
    .insert(planGrants)
    .values({ userId, ...grant })
    .onConflictDoUpdate({ target: planGrants.userId, set: grant });
}

/** What was granted to a user, whether or not it is in force. */
export async function readGrant(db: Database, userId: number): Promise<PlanGrant | undefined> {
  const [grant] = await db
    .select({
      plan: planGrants.plan,
      until: planGrants.until,
      at: planGrants.at,
      by: planGrants.by,
    })
    .from(planGrants)
    .where(eq(planGrants.userId, userId));
  return grant;
}
