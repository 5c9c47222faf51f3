/** Puts together what a provider is asked: system prompt, context window, the user's message. */

import type { PlatformTraits } from '../chat/platform.ts';
import { threadStart } from '../chat/thread-start.ts';
import type { Database } from '../db/client.ts';
import type { Funding } from '../funding/funding.ts';
import type { Vault } from '../keys/vault.ts';
import type { ContentPart, ModelMessage } from '../llm/provider.ts';
import { boundTokens, contextWindow, estimateTokens, IMAGE_TOKENS } from '../llm/tokens.ts';
import type { FetchedFiles } from './attachments.ts';
import { readContext } from './context-window.ts';
import { GROUP_CONTEXT_TOKENS } from './group-consent.ts';
import { systemPrompt, userText } from './prompt.ts';
import type { RunningTurn } from './turn-store.ts';

/** As a chat begins with it: /new counts on. */
const FIRST_CONVERSATION = 1;

/** The most that one answer may have, reasoning included, in tokens. */
const MOST_OUTPUT_TOKENS = { own: 8_192, pool: 8_192, credit: 4_096, house: 4_096 } as const;

/** The most that earlier turns may take of the window, in tokens: more is seldom worth its price. */
const MOST_CONTEXT_TOKENS = { own: 16_000, pool: 6_000, credit: 6_000, house: 6_000 } as const;

export interface ModelRequest {
  readonly system: string;
  readonly messages: readonly ModelMessage[];
  /** From above: what is reserved by it covers what is used. */
  readonly inputTokens: number;
  readonly maxOutputTokens: number;
}

/** @returns undefined where the turn holds nothing that a model can read */
export async function prepareRequest(
  parts: { readonly db: Database; readonly vault: Vault },
  turn: RunningTurn,
  funding: Funding,
  files: FetchedFiles,
  { groupConversation }: Pick<PlatformTraits, 'groupConversation'>,
): Promise<ModelRequest | undefined> {
  const { kind } = turn.chat;
  const text = userText(turn.input, kind, files.texts);
  const isEmpty =
    files.images.length === 0 &&
    files.texts.size === 0 &&
    turn.input.parts.every(
      (part) => part.text.trim() === '' && (part.quoted?.text ?? '').trim() === '',
    );
  if (isEmpty) return undefined;

  const system = systemPrompt(kind);
  const images = files.images.length * IMAGE_TOKENS;
  const maxOutputTokens = MOST_OUTPUT_TOKENS[funding.kind];
  const window =
    contextWindow(funding.provider, funding.model) -
    maxOutputTokens -
    (estimateTokens(system) + estimateTokens(text) + images);
  const cap =
    kind === 'group' && funding.kind === 'own'
      ? GROUP_CONTEXT_TOKENS
      : MOST_CONTEXT_TOKENS[funding.kind];

  const isChain =
    kind === 'group' && turn.chat.threadId === undefined && groupConversation === 'replies';
  const budgetTokens = Math.max(0, Math.min(cap, window));
  const request = {
    kind,
    turnId: turn.turnId,
    privateTurnsOf: turn.isPrivate ? turn.userId : undefined,
    countTokens: estimateTokens,
  };
  const own = await readContext(parts, {
    ...request,
    chatId: turn.chatId,
    conversation: turn.conversation,
    chainEnd: isChain ? turn.followsTurnId : undefined,
    budgetTokens,
  });
  // Until it is begun anew, a thread goes on with what it was opened at.
  const start =
    groupConversation === 'replies' && turn.conversation === FIRST_CONVERSATION
      ? await threadStart(parts.db, turn.chat)
      : undefined;
  const before =
    start === undefined
      ? []
      : await readContext(parts, {
          ...request,
          chatId: start.chatId,
          conversation: start.conversation,
          chainEnd: start.turnId,
          budgetTokens: budgetTokens - estimateOf(own),
        });
  const context = [...before, ...own];
  const content: ContentPart[] = [...files.images];
  if (text.trim() !== '') content.push({ type: 'text', text });
  return {
    system,
    messages: [...context, { role: 'user', content }],
    inputTokens: boundTokens(system) + boundTokens(text) + images + boundOf(context),
    maxOutputTokens,
  };
}

function estimateOf(messages: readonly ModelMessage[]): number {
  return messages
    .flatMap((message) => message.content)
    .reduce((sum, part) => sum + (part.type === 'text' ? estimateTokens(part.text) : 0), 0);
}

function boundOf(messages: readonly ModelMessage[]): number {
  return messages
    .flatMap((message) => message.content)
    .reduce((sum, part) => sum + (part.type === 'text' ? boundTokens(part.text) : IMAGE_TOKENS), 0);
}
