/** Tells people that the plan that they were granted has ended: from then on less is given to them. */

import type { Notice } from '../chat/platform.ts';
import type { Database } from '../db/client.ts';
import { sql } from '../db/drizzle.ts';
import { plansText } from '../text/plans.ts';
import type { WhoPays } from './next-payer.ts';
import type { UserPlans } from './plans.ts';

/** Whoever takes a grant out tells of it: each is told once, in whatever process. */
export async function tellEndedPlans({
  db,
  userPlans,
  whoPays,
  tell,
}: {
  readonly db: Database;
  readonly userPlans: Pick<UserPlans, 'standing'>;
  readonly whoPays: WhoPays;
  readonly tell: (userId: number, notice: Notice) => void;
}): Promise<void> {
  const ended = await db.execute<{ plan: string; userId: number }>(sql`
    with ended as (delete from plan_grants where until <= now() returning user_id, plan)
    select ended.plan, i.user_id as "userId"
    from ended join identities i on coalesce(i.own_user_id, i.user_id) = ended.user_id
    group by 1, 2`);
  for (const { plan, userId } of ended) {
    const { plan: now } = await userPlans.standing(userId);
    tell(userId, plansText.ended(plan, now.name, await whoPays(userId)));
  }
}
