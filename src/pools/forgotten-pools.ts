/** What becomes of pools when somebody is forgotten. */

import type { Transaction } from '../db/client.ts';
import { type SQL, sql } from '../db/drizzle.ts';

/**
 * A forgotten owner's pools are closed, without the names in them; their rows stay, so that members
 * are told and the books stay true. A forgotten member's row stays as what an account had used,
 * on its fingerprint: coming back renews no budget.
 * @param theirs for `= any(…)`
 */
export async function forgetPools(tx: Transaction, theirs: SQL): Promise<void> {
  // Of an account that was linked and stays.
  await tx.execute(sql`
    update pools set user_id = owner_id
    where user_id = ${theirs} and owner_id is not null and not owner_id = ${theirs}`);
  await tx.execute(sql`
    update pool_members m set user_id = m.owner_id, owner_id = null
    where m.user_id = ${theirs} and m.owner_id is not null and not m.owner_id = ${theirs}
      and not exists (select from pool_members other
                      where other.user_id = m.owner_id and other.pool_id = m.pool_id)`);
  const gone = sql`(select id from pools where user_id = ${theirs} or owner_id = ${theirs})`;
  await tx.execute(sql`delete from pool_invites where pool_id in ${gone}`);
  await tx.execute(sql`delete from pool_chats where pool_id in ${gone}`);
  await tx.execute(sql`update pool_members set name = null where pool_id in ${gone}`);
  await tx.execute(sql`
    update pools set user_id = null, owner_id = null, state = 'closed', reason = 'owner-left',
           name = id::text, problem = null
    where id in ${gone}`);
  await tx.execute(sql`
    update pool_members set user_id = null, owner_id = null, name = null, model = null,
           chosen_at = null, reviewed_since = null,
           state = case when state = 'removed' then state else 'left' end
    where user_id = ${theirs} or owner_id = ${theirs}`);
}
