/** The context window: what was said before in the same chat and conversation, within a budget of tokens. */

import { decodeTurnInput } from '../chat/turn-input.ts';
import type { Database } from '../db/client.ts';
import { type SQL, sql } from '../db/drizzle.ts';
import { builtOnce, type Place } from '../db/statement.ts';
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

interface SaidIn {
  readonly chatId: number;
  readonly conversation: number;
  readonly turnId: number;
  readonly privateTurnsOf: number | null;
}

interface SaidRow {
  readonly ownerId: number;
  readonly rowKey: string;
  readonly input: Uint8Array;
  readonly answer: Uint8Array;
}

/** The newest first. @param others what else holds for a turn that is context */
const saidIn = (place: Place<SaidIn>, others: SQL) => sql`
  select coalesce(owner_id, user_id) as "ownerId", row_key as "rowKey", input, answer
  from turns
  where chat_id = ${place('chatId')} and conversation = ${place('conversation')}
    and id < ${place('turnId')} and answered_at is not null and answer is not null
    and (not is_private or user_id = ${place('privateTurnsOf')}::bigint) ${others}
  order by id desc limit ${sql.raw(`${MOST_TURNS}`)}`;

const CONTEXT = builtOnce<SaidIn, SaidRow>((place) => saidIn(place, sql``));

/** Of the turns of a chain of replies within one chat, from its end back. */
const CONTEXT_OF_CHAIN = builtOnce<SaidIn & { readonly chainEnd: number }, SaidRow>((place) =>
  saidIn(
    place,
    sql`and id in (
      with recursive chain (id, follows, depth) as (
        select id, follows_turn_id, 1 from turns
        where id = ${place('chainEnd')} and chat_id = ${place('chatId')}
        union all
        select t.id, t.follows_turn_id, depth + 1 from turns t join chain c on t.id = c.follows
        where t.chat_id = ${place('chatId')} and depth < ${sql.raw(`${MOST_TURNS}`)}
      )
      select id from chain)`,
  ),
);

/** @returns oldest first: pairs of question and answer */
export async function readContext(
  { db, vault }: { readonly db: Database; readonly vault: Vault },
  request: ContextRequest,
): Promise<readonly ModelMessage[]> {
  if (request.chainEnd === null) return [];
  const { chatId, conversation, turnId, chainEnd, privateTurnsOf = null } = request;
  const said = { chatId, conversation, turnId, privateTurnsOf };
  const rows = await (chainEnd === undefined
    ? CONTEXT(db, said)
    : CONTEXT_OF_CHAIN(db, { ...said, chainEnd }));

  const messages: ModelMessage[] = [];
  let tokens = 0;
  for (const row of rows) {
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

/** The words of a message, as one text. */
export function plainText(content: ModelMessage['content']): string {
  return content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n\n');
}
