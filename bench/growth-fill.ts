/** Past turns by the thousand, as months of service leave them: written by PostgreSQL itself. */

import postgres from 'postgres';

/** Turns a user, one of five in a group; spread evenly over the last {@link DAYS} days. */
const TURNS_A_USER = 50;
const CHATTERS_A_GROUP = 20;
const DAYS = 28;
/** Bytes of a sealed question and of a sealed answer. Nobody opens them, so they are all alike. */
const QUESTION = 250;
const ANSWER = 700;

/**
 * Fills a database that has its tables and nobody yet: users with their accounts, chats, answered
 * turns, what was received, sent, reserved and used by day.
 */
export async function fillWithTurns(databaseUrl: string, turns: number): Promise<void> {
  const users = Math.ceil(turns / TURNS_A_USER);
  const groups = Math.ceil(users / CHATTERS_A_GROUP);
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined });
  try {
    // So much at once is written without indexes and with fewer checkpoints; then all is as it was.
    const indexes = await sql<{ name: string; definition: string }[]>`
      select indexname as name, indexdef as definition from pg_indexes
      where tablename in ('turns', 'inbox', 'deliveries', 'reservations', 'budgets')
        and schemaname = 'public' and indexname not in (select conname from pg_constraint)`;
    await sql`alter system set max_wal_size = '4GB'`;
    await sql`select pg_reload_conf()`;
    await sql`set maintenance_work_mem = '256MB'`;
    await sql.begin(async (tx) => {
      for (const { name } of indexes) await tx`drop index ${tx(name)}`;
      // Only while it is filled: neither foreign keys nor the disk are asked about each row.
      await tx`set local session_replication_role = replica`;
      await tx`set local synchronous_commit = off`;
      await tx`
        insert into users (created_at)
        select now() - interval '29 days' from generate_series(1, ${users}::int)`;
      await tx`
        insert into identities (platform, platform_user_id, user_id)
        select 'telegram', (9000000 + n)::text, n from generate_series(1, ${users}::int) n`;
      await tx`
        insert into chats (platform, platform_chat_id, kind)
        select 'telegram', case when n <= ${users}::int then 9000000 + n else -1009000000000 - n end::text,
               case when n <= ${users}::int then 'direct' else 'group' end
        from generate_series(1, ${users + groups}::int) n`;
      await tx`
        insert into mailbox (user_id, last_seq, open)
        select n, ${TURNS_A_USER}::int + 1, 0 from generate_series(1, ${users}::int) n`;
      await tx`
        insert into turns (id, user_id, chat_id, conversation, seq, status, attempt, sent_at,
                           sent_order, platform_user_id, reply_to, row_key, input, answer, called_at,
                           answered_at, funding, provider, model, input_tokens, cached_input_tokens,
                           output_tokens, cost_micros, created_at, started_at, finished_at)
        overriding system value
        select n, u, case when n % 5 = 0 then ${users}::int + 1 + u % ${groups}::int else u end, 1,
               n / ${users}::int + 1, 'done', 1, at, n, (9000000 + u)::text, n::text,
               lpad(n::text, 36, '0'), decode(repeat('5a', ${QUESTION}::int), 'hex'),
               decode(repeat('a5', ${ANSWER}::int), 'hex'), at, at, 'house', 'openai',
               'gpt-5.4-mini', 200, 0, 20, 100, at, at, at
        from generate_series(1, ${turns}::int) n,
             lateral (select n % ${users}::int + 1 as u,
               now() - (${turns}::int - n + 1) * (${DAYS}::int * interval '1 day' / ${turns}::int) as at) x`;
      await tx`select setval(pg_get_serial_sequence('turns', 'id'), ${turns}::int)`;
      await tx`
        insert into inbox (platform, platform_chat_id, message_id, outcome, turn_id, received_at)
        select 'telegram', c.platform_chat_id, t.reply_to, 'turn', t.id, t.created_at
        from turns t join chats c on c.id = t.chat_id order by t.id`;
      await tx`
        insert into deliveries (turn_id, part, message_id, at)
        select id, 0, (id + 1)::text, finished_at from turns order by id`;
      await tx`
        insert into budgets (holder_kind, holder_id, user_id, period, starts, turns, spent_micros)
        select 'user', user_id::text, user_id, 'day', date_trunc('day', finished_at at time zone 'UTC')
               at time zone 'UTC', count(*), sum(cost_micros)
        from turns group by user_id, 5`;
      await tx`
        insert into reservations (turn_id, attempt, user_id, funding, provider, model,
                                  amount_micros, tokens, at, settled_at, settled_micros, answered,
                                  spent_budgets)
        select t.id, 1, t.user_id, 'house', t.provider, t.model, 8000, 220, t.started_at,
               t.finished_at, 100, true, array[b.id]
        from turns t join budgets b on b.holder_kind = 'user' and b.holder_id = t.user_id::text
          and b.period = 'day'
          and b.starts = date_trunc('day', t.finished_at at time zone 'UTC') at time zone 'UTC'
        order by t.id`;
      // It reads everything once a day: not just while something else is measured.
      await tx`insert into installation (name, value) values ('ledger-checked', to_jsonb(now()))`;
      for (const { definition } of indexes) await tx.unsafe(definition);
    });
    await sql`alter system reset max_wal_size`;
    await sql`select pg_reload_conf()`;
    await sql`vacuum analyze`;
    await sql`checkpoint`;
  } finally {
    await sql.end();
  }
}
