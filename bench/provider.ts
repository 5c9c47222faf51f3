/** A lean Chat Completions API: every question is answered with its own number, streamed as planned. */

import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type StandInServer, sendJson, startStandIn } from './http.ts';

/** How one question is answered. */
export interface AnswerPlan {
  /** Pieces of text after the first. */
  readonly chunks: number;
  /** Milliseconds between two pieces; 0: all at once. */
  readonly chunkMs: number;
  /** Nothing is said before it resolves. */
  readonly after?: Promise<void>;
  /** The text of a piece, by its number from 1; called when it is sent. Absent: some words. */
  readonly piece?: (index: number) => string;
}

export const AT_ONCE: AnswerPlan = { chunks: 8, chunkMs: 0 };

export interface ProviderStandIn {
  /** The base URL, which ends in `/v1`. */
  readonly url: string;
  readonly apiKey: string;
  close(): Promise<void>;
}

const bodySchema = z.object({
  model: z.string(),
  messages: z.array(
    z.object({
      content: z.union([z.string(), z.array(z.object({ text: z.string().optional() }))]),
    }),
  ),
});

/** The number of the question in a text, as `#7`; the last one counts. */
export function questionIn(text: string): number | undefined {
  const found = /#(\d+)(?!.*#\d)/s.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

export async function startProvider(events: {
  /** @param at `performance.now()` when the request was there */
  readonly onQuestion: (question: number, at: number) => AnswerPlan;
}): Promise<ProviderStandIn> {
  const server: StandInServer = await startStandIn(async ({ path, body, at, response }) => {
    if (!path.endsWith('/chat/completions')) return sendJson(response, { data: [] });
    const { model, messages } = bodySchema.parse(body);
    const content = messages.at(-1)?.content ?? '';
    const text = typeof content === 'string' ? content : content.map((p) => p.text ?? '').join('');
    const question = questionIn(text);
    if (question === undefined) throw new Error(`a question without a number: ${text}`);
    await stream(response, model, question, events.onQuestion(question, at));
  });
  return {
    url: `${server.origin}/v1`,
    apiKey: ['sk', 'proj', 'bench'.repeat(8)].join('-'),
    close: server.close,
  };
}

async function stream(
  response: ServerResponse,
  model: string,
  question: number,
  { chunks, chunkMs, after, piece = () => ' some words' }: AnswerPlan,
): Promise<void> {
  const event = (choices: readonly object[], more = {}) =>
    `data: ${JSON.stringify({ id: `chatcmpl-${question}`, object: 'chat.completion.chunk', created: 1_780_000_000, model, choices, ...more })}\n\n`;
  const delta = (index: number) => {
    const content = index === 0 ? `Answer #${question}:` : piece(index);
    return event([{ index: 0, delta: { content }, finish_reason: null }], { usage: null });
  };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  await after;
  const pieces: string[] = [];
  for (let index = 0; index <= chunks; index += 1) {
    if (chunkMs === 0) {
      pieces.push(delta(index));
      continue;
    }
    response.write(delta(index));
    await sleep(chunkMs);
    if (response.destroyed) return;
  }
  const usage = { prompt_tokens: 200, completion_tokens: 20, total_tokens: 220 };
  response.end(
    [
      ...pieces,
      event([{ index: 0, delta: {}, finish_reason: 'stop' }], { usage: null }),
      event([], { usage }),
      'data: [DONE]\n\n',
    ].join(''),
  );
}
