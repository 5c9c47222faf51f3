/** OpenAI's moderation endpoint, as far as Latchkey speaks with it. */

import { type Failure, randomText } from './behaviour.ts';
import { type Exchange, pause, sendJson } from './http.ts';
import { isRecord } from './openai-check.ts';
import { type ErrorAnswer, failureAnswer, openAiError } from './openai-errors.ts';

const CATEGORIES = [
  'harassment',
  'harassment/threatening',
  'hate',
  'hate/threatening',
  'illicit',
  'illicit/violent',
  'self-harm',
  'self-harm/intent',
  'self-harm/instructions',
  'sexual',
  'sexual/minors',
  'violence',
  'violence/graphic',
] as const;

export type ModerationScores = { readonly [Category in (typeof CATEGORIES)[number]]?: number };

export interface ModerationAnswer {
  readonly scores?: ModerationScores;
  readonly fail?: Failure;
  readonly hang?: boolean;
  /** Before the answer. */
  readonly delayMs?: number;
}

/** Called for each text and each image (its data URL); what it fails with fails the whole request. */
export type ModerationScript = (input: string) => ModerationAnswer;

const MODELS = new Set(['omni-moderation-latest', 'omni-moderation-2024-09-26']);
/** In characters: more than 32,768 tokens are truncated in silence, which nobody wants to happen. */
const MOST_CHARACTERS = 32_768;

type Input = { readonly kind: 'text' | 'image'; readonly value: string };

export async function moderate(
  { request, response, gone }: Exchange,
  script: ModerationScript,
  key: string,
): Promise<void> {
  const { body } = request;
  const inputs = inputsOf(body);
  if ('status' in inputs) return sendJson(response, inputs.status, inputs.body);
  const answers = inputs.map(({ value }) => script(value));
  if (answers.some(({ hang }) => hang)) return pause(undefined, gone);
  await pause(Math.max(0, ...answers.map(({ delayMs = 0 }) => delayMs)), gone);
  const failed = answers.find(({ fail }) => fail !== undefined)?.fail;
  if (failed !== undefined) {
    const { status, body: error } = failureAnswer(failed, key, 'omni-moderation-latest');
    return sendJson(response, status, error);
  }
  const isMixed = isRecord(body) && Array.isArray(body.input) && isRecord(body.input[0]);
  // Parts are scored together, strings one by one.
  const results = isMixed ? [merged(answers)] : answers.map((answer) => merged([answer]));
  sendJson(response, 200, {
    id: `modr-${randomText(24)}`,
    model: 'omni-moderation-latest',
    results: results.map((scores) => ({
      flagged: Object.values(scores).some((score) => score >= 0.5),
      categories: Object.fromEntries(Object.entries(scores).map(([name, s]) => [name, s >= 0.5])),
      category_scores: scores,
      category_applied_input_types: Object.fromEntries(
        CATEGORIES.map((name) => [name, isMixed ? ['image'] : ['text']]),
      ),
    })),
  });
}

function merged(answers: readonly ModerationAnswer[]): Record<string, number> {
  return Object.fromEntries(
    CATEGORIES.map((name) => [
      name,
      Math.max(...answers.map(({ scores }) => scores?.[name] ?? 1e-6)),
    ]),
  );
}

/** What it is asked about, or the refusal. The wording of refusals without a code is made up. */
function inputsOf(body: unknown): readonly Input[] | ErrorAnswer {
  if (!isRecord(body)) return openAiError(400, 'We could not parse the JSON body of your request.');
  const unknown = Object.keys(body).find((name) => name !== 'model' && name !== 'input');
  if (unknown !== undefined) {
    return openAiError(400, `Unrecognized request argument supplied: ${unknown}`);
  }
  if (body.model !== undefined && !MODELS.has(String(body.model))) {
    return openAiError(404, `The model \`${String(body.model)}\` does not exist`, {
      code: 'model_not_found',
    });
  }
  const { input } = body;
  if (typeof input !== 'string' && (!Array.isArray(input) || input.length === 0)) {
    return openAiError(400, "Invalid 'input': expected text.", { param: 'input' });
  }
  const inputs = (typeof input === 'string' ? [input] : input).map(inputOf);
  const images = inputs.filter((one) => one?.kind === 'image').length;
  if (images > 1) {
    return openAiError(400, `Number of images (${images}) exceeds maximum of 1`, {
      param: 'input',
      code: 'too_many_images',
    });
  }
  const known = inputs.filter((one) => one !== undefined);
  if (known.length < inputs.length) {
    return openAiError(400, "Invalid 'input'.", { param: 'input', code: 'invalid_value' });
  }
  const characters = known
    .filter(({ kind }) => kind === 'text')
    .reduce((sum, { value }) => sum + value.length, 0);
  if (characters > MOST_CHARACTERS) {
    return openAiError(400, "Invalid 'input': too long to be read whole.", { param: 'input' });
  }
  return known;
}

function inputOf(part: unknown): Input | undefined {
  if (typeof part === 'string')
    return part.trim() === '' ? undefined : { kind: 'text', value: part };
  if (!isRecord(part)) return undefined;
  if (part.type === 'text' && typeof part.text === 'string') {
    return { kind: 'text', value: part.text };
  }
  const url = isRecord(part.image_url) ? part.image_url.url : undefined;
  const isImage =
    typeof url === 'string' && /^(https:|data:image\/(png|jpeg|gif|webp);base64,.)/.test(url);
  return part.type === 'image_url' && isImage ? { kind: 'image', value: url } : undefined;
}
