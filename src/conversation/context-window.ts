/** The context window: what was said before in the same chat and conversation, within a budget of tokens. */

import { decodeTurnInput } from '../chat/turn-input.ts';
import type { Database } from '../db/client.ts';
import { and, desc, eq, isNotNull, lt, or, sql } from '../db/drizzle.ts';
import { turns } from '../db/schema.ts';
import { type Vault, VaultError } from '../keys/vault.ts';
import type { ModelMessage } from '../llm/provider.ts';
import { userText } from './prompt.ts';

/** No window reaches further back than this, however short the turns. */
const MOST_TURNS = 40;

export interface ContextRequest {
  readonly chatId: number;
  readonly conversation: number;
  readonly kind: 'direct' | 'group';
  /**
   * The last turn of the chain of replies that is the conversation; null: it begins here;
   * undefined: all that was said in the chat belongs to it.
   */
  readonly chainEnd: number | null | undefined;
  /** The turn that is to be answered: only what came before it is context. */
  readonly turnId: number;
  /**
   * Whose private turns of a group are context as well, when the turn is private itself; for any
   * other turn they are not, since everybody sees its answer.
   */
  readonly privateTurnsOf: number | undefined;
  readonly budgetTokens: number;
  readonly countTokens: (text: string) => number;
}

/** @returns oldest first: pairs of question and answer */
export async function readContext(
  { db, vault }: { readonly db: Database; readonly vault: Vault },
  request: ContextRequest,
): Promise<readonly ModelMessage[]> {
  if (request.chainEnd === null) return [];
  const rows = await db
    .select({
      ownerId: sql<number>`coalesce(${turns.ownerId}, ${turns.userId})`,
      rowKey: turns.rowKey,
      input: turns.input,
      answer: turns.answer,
    })
    .from(turns)
    .where(
      and(
        eq(turns.chatId, request.chatId),
        eq(turns.conversation, request.conversation),
        lt(turns.id, request.turnId),
        request.chainEnd === undefined ? undefined : inChain(request.chatId, request.chainEnd),
        isNotNull(turns.answeredAt),
        isNotNull(turns.answer),
        request.privateTurnsOf === undefined
          ? eq(turns.isPrivate, false)
          : or(eq(turns.isPrivate, false), eq(turns.userId, request.privateTurnsOf)),
      ),
    )
    .orderBy(desc(turns.id))
    .limit(MOST_TURNS);

  const messages: ModelMessage[] = [];
  let tokens = 0;
  for (const row of rows) {
    if (row.answer === null) continue;
    const opened = await Promise.all([
      vault.open(row.ownerId, { purpose: 'turn-input', row: row.rowKey }, row.input),
      vault.open(row.ownerId, { purpose: 'turn-answer', row: row.rowKey }, row.answer),
    ]).catch((error: unknown) => {
      // What can't be opened is no context; it is no reason not to answer.
      if (error instanceof VaultError) return undefined;
      throw error;
    });
    if (opened === undefined) continue;
    const [input, answer] = opened;
    const question = userText(decodeTurnInput(input), request.kind, 'gone');
    // Providers refuse empty messages: those of a turn that was stopped before its answer.
    if (question.trim() === '' || answer.trim() === '') continue;
    const cost = request.countTokens(question) + request.countTokens(answer);
    if (tokens + cost > request.budgetTokens) break;
    tokens += cost;
    messages.unshift(
      { role: 'user', content: [{ type: 'text', text: question }] },
      { role: 'assistant', content: [{ type: 'text', text: answer }] },
    );
  }
  return messages;
}

/** The turns of a chain of replies within one chat, from its end back. */
function inChain(chatId: number, end: number) {
  return sql`${turns.id} in (
    with recursive chain (id, follows, depth) as (
      select id, follows_turn_id, 1 from turns where id = ${end} and chat_id = ${chatId}
      union all
      select t.id, t.follows_turn_id, depth + 1 from turns t join chain c on t.id = c.follows
      where t.chat_id = ${chatId} and depth < ${MOST_TURNS}::int
    )
    select id from chain)`;
}

/** The words of a message, as one text. */
export function plainText(content: ModelMessage['content']): string {
  return content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n\n');
}
