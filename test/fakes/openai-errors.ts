/** OpenAI's refusals, word for word in their shape. */

import type { Failure } from './behaviour.ts';

export interface ErrorAnswer {
  readonly status: number;
  readonly body: { readonly error: OpenAiError };
}

export interface OpenAiError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

export function openAiError(
  status: number,
  message: string,
  {
    type = 'invalid_request_error',
    param = null,
    code = null,
  }: { type?: string; param?: string | null; code?: string | null } = {},
): ErrorAnswer {
  return { status, body: { error: { message, type, param, code } } };
}

/** As OpenAI does, it echoes the start and the last four characters of the key. */
export function incorrectKey(key: string): ErrorAnswer {
  const echo =
    key.length <= 12
      ? '*'.repeat(key.length)
      : `${key.slice(0, 8)}${'*'.repeat(20)}${key.slice(-4)}`;
  return openAiError(
    401,
    `Incorrect API key provided: ${echo}. You can find your API key at https://platform.openai.com/account/api-keys.`,
    { code: 'invalid_api_key' },
  );
}

export function missingScopes(scope: string): ErrorAnswer {
  return openAiError(
    401,
    `You have insufficient permissions for this operation. Missing scopes: ${scope}. Check that you have the correct role in your organization (Reader, Writer, Owner) and project (Member, Owner), and if you're using a restricted API key, that it has the necessary scopes.`,
  );
}

export function failureAnswer(failure: Failure, key: string, model: string): ErrorAnswer {
  switch (failure) {
    case 'key-refused':
      return incorrectKey(key);
    case 'no-permission':
      return openAiError(403, `Project \`proj_abc\` does not have access to model \`${model}\``, {
        code: 'model_not_found',
      });
    case 'no-credit':
      return openAiError(
        429,
        'You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.',
        { type: 'insufficient_quota', code: 'insufficient_quota' },
      );
    case 'rate-limited':
      return openAiError(
        429,
        `Rate limit reached for ${model} in organization org-abc on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.`,
        { type: 'requests', code: 'rate_limit_exceeded' },
      );
    case 'overloaded':
      return openAiError(
        503,
        'The server is currently overloaded with other requests. Sorry about that! You can retry your request, or contact us through our help center if the error persists.',
        { type: 'service_unavailable_error', code: 'server_is_overloaded' },
      );
    case 'server-error':
    case 'html':
      return openAiError(
        500,
        'The server had an error while processing your request. Sorry about that!',
        {
          type: 'server_error',
        },
      );
    case 'context-too-long':
      return openAiError(
        400,
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens. Please reduce the length of the messages.",
        { param: 'messages', code: 'context_length_exceeded' },
      );
    case 'policy':
      return openAiError(
        400,
        'Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different prompt.',
        { code: 'invalid_prompt' },
      );
    case 'model-gone':
      return noSuchModel(model);
    case 'bad-request':
      return openAiError(400, "Invalid value: 'messages'.", {
        param: 'messages',
        code: 'invalid_value',
      });
  }
}

export function noSuchModel(model: string): ErrorAnswer {
  return openAiError(
    404,
    `The model \`${model}\` does not exist or you do not have access to it.`,
    {
      code: 'model_not_found',
    },
  );
}

export const onlyOnResponses = openAiError(
  404,
  'This model is only supported in v1/responses and not in v1/chat/completions.',
  { param: 'model' },
);

export const streamingNeedsVerification = openAiError(
  400,
  'Your organization must be verified to stream this model. Please go to: https://platform.openai.com/settings/organization/general and click on Verify Organization. If you just verified, it can take up to 15 minutes for access to propagate.',
  { param: 'stream', code: 'unsupported_value' },
);
