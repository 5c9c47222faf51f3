/** OpenAI's moderation endpoint: scores for texts and images. Free of charge; limited in tokens a minute. */

import { z } from 'zod';
import type { Secret } from '../secret.ts';
import { toProviderError } from './errors.ts';
import { type CallLimits, openCall } from './http-call.ts';
import { openAiClient } from './openai-client.ts';
import { ProviderError } from './provider.ts';

/** From 0 to 1 for each of OpenAI's categories. */
export type Scores = Readonly<Record<string, number>>;

export interface ModeratedImage {
  readonly mediaType: string;
  readonly data: Uint8Array;
}

export interface Moderator {
  /** @returns the scores of each text. @throws ProviderError */
  scoreTexts(texts: readonly string[], signal: AbortSignal): Promise<readonly Scores[]>;
  /** Images are scored for violence, self-harm and sex alone. @throws ProviderError */
  scoreImage(image: ModeratedImage, signal: AbortSignal): Promise<Scores>;
}

/** What the endpoint takes as an image. */
export const MODERATED_IMAGES: ReadonlySet<string> = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
]);

const MODEL = 'omni-moderation-latest';
const OPENAI_URL = 'https://api.openai.com/v1';
/** It answers within some 100 to 500 ms, images within a second or two. */
const LIMITS: CallLimits = { firstByteMs: 4_000, silenceMs: 4_000, totalMs: 6_000 };

/** Older models answer null where they know no category. */
const answerSchema = z.object({
  results: z.array(
    z.object({ category_scores: z.record(z.string(), z.number().min(0).max(1).nullable()) }),
  ),
});

export function createModerator({
  apiKey,
  baseUrl = OPENAI_URL,
  limits,
}: {
  readonly apiKey: Secret;
  readonly baseUrl?: string | undefined;
  readonly limits?: Partial<CallLimits> | undefined;
}): Moderator {
  async function ask(
    input: string[] | { type: 'image_url'; image_url: { url: string } }[],
    signal: AbortSignal,
  ): Promise<readonly Scores[]> {
    const call = openCall(signal, { ...LIMITS, ...limits });
    try {
      const client = await openAiClient(apiKey, baseUrl.replace(/\/+$/, ''), call);
      const answer = answerSchema.safeParse(
        await client.moderations.create({ model: MODEL, input }, { signal: call.signal }),
      );
      const results = answer.data?.results ?? [];
      // Fewer scores than texts would let one pass unread.
      if (results.length !== input.length) throw new ProviderError('connection-broken');
      return results.map(({ category_scores }) =>
        Object.fromEntries(
          Object.entries(category_scores).map(([category, score]) => [category, score ?? 0]),
        ),
      );
    } catch (error) {
      throw toProviderError(error, call, signal);
    } finally {
      call.close();
    }
  }

  return {
    scoreTexts: (texts, signal) => ask([...texts], signal),
    async scoreImage({ mediaType, data }, signal) {
      // More than one image in a request is refused.
      const url = `data:${mediaType};base64,${Buffer.from(data).toString('base64')}`;
      const [scores = {}] = await ask([{ type: 'image_url', image_url: { url } }], signal);
      return scores;
    },
  };
}
