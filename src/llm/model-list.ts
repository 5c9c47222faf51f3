/** The models of a provider's list that answer with text. */

import { z } from 'zod';
import { type ModelInfo, ProviderError } from './provider.ts';

/** Longer lists are cut after sorting. */
const MOST_MODELS = 200;

/** Also takes Anthropic's `display_name` and `created_at`, and Mistral's and OpenRouter's abilities. */
const listSchema = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      /** Seconds since the epoch. */
      created: z.number().nullish(),
      created_at: z.union([z.string(), z.number()]).nullish(),
      name: z.string().nullish(),
      display_name: z.string().nullish(),
      active: z.boolean().nullish(),
      capabilities: z.object({ completion_chat: z.boolean().nullish() }).nullish(),
      architecture: z.object({ output_modalities: z.array(z.string()).nullish() }).nullish(),
    }),
  ),
});

const NO_CHAT =
  /embed|tts|whisper|dall-e|moderation|image|realtime|transcri|speech|audio|voice|voxtral|sora|veo|imagen|lyria|guard|rerank|ocr|babbage|davinci|ada-00|instruct-0914|computer-use|robotics|(?:^|-)live(?:-|$)|aqa|(?:^|-)search-|orpheus|playai/i;
/** Words of the above that are in names of models that do chat. */
const CHAT_AFTER_ALL = /search-preview/i;

/** @throws ProviderError where it is no list */
export function readModelList(raw: unknown): readonly ModelInfo[] {
  const list = listSchema.safeParse(raw);
  if (!list.success) throw new ProviderError('no-answer');
  const chats = list.data.data.filter(
    (model) =>
      model.active !== false &&
      model.capabilities?.completion_chat !== false &&
      (model.architecture?.output_modalities?.includes('text') ?? true) &&
      (!NO_CHAT.test(model.id) || CHAT_AFTER_ALL.test(model.id)),
  );
  const byId = new Map(
    chats.map((model) => {
      // Gemini's list has `models/gemini-…`, and takes both.
      const id = model.id.replace(/^models\//, '');
      const name = model.display_name ?? model.name ?? undefined;
      const at = model.created_at ?? (model.created ?? 0) * 1000;
      const created = typeof at === 'number' ? at : Date.parse(at);
      return [id, { info: { id, ...(name === undefined ? {} : { name }) }, created }] as const;
    }),
  );
  return [...byId.values()]
    .sort((a, b) => b.created - a.created || byNumber.compare(b.info.id, a.info.id))
    .slice(0, MOST_MODELS)
    .map(({ info }) => info);
}

/** Where no dates are given, `gemini-3` is newer than `gemini-2.5`. */
const byNumber = new Intl.Collator('en', { numeric: true });
