/** Bodies: JSON or multipart, and what is wrong with them in Discord's words. */

import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { DiscordRefusal, invalidForms } from './refusal.ts';
import type { NewFile } from './types.ts';

export interface Body {
  readonly json: unknown;
  readonly files: readonly NewFile[];
}

/** @throws DiscordRefusal 50109 when it is no JSON, 50035 for another content type */
export async function readBody(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  if (bytes.byteLength === 0) return { json: undefined, files: [] };
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('application/json')) return { json: parse(bytes.toString()), files: [] };
  if (!type.startsWith('multipart/form-data')) {
    throw invalidForms([
      {
        path: ['_'],
        code: 'CONTENT_TYPE_INVALID',
        message: `Expected JSON or a form, got ${type}`,
      },
    ]);
  }
  const form = await new Response(bytes, { headers: { 'content-type': type } }).formData();
  const files: NewFile[] = [];
  let json: unknown;
  for (const [name, value] of form) {
    if (typeof value === 'string') {
      if (name === 'payload_json') json = parse(value);
      continue;
    }
    const place = /^files\[(\d+)\]$/.exec(name)?.[1];
    if (place === undefined) continue;
    const mime = value.type === '' ? {} : { mime: value.type };
    files[Number(place)] = {
      name: value.name,
      bytes: new Uint8Array(await value.arrayBuffer()),
      ...mime,
    };
  }
  return { json, files: files.filter((file) => file !== undefined) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DiscordRefusal(400, 50_109, 'The request body contains invalid JSON.');
  }
}

/** @throws DiscordRefusal 50035 with an error at each wrong place */
export function check<T>(shape: z.ZodType<T>, json: unknown): T {
  const result = shape.safeParse(json ?? {});
  if (result.success) return result.data;
  throw invalidForms(
    result.error.issues.flatMap(leaves).map(({ path, issue }) => ({ path, ...inWords(issue) })),
  );
}

interface Leaf {
  readonly path: readonly string[];
  readonly issue: z.core.$ZodIssue;
}

/** Of a union that fits nowhere, the tries that came furthest. */
function leaves(issue: z.core.$ZodIssue): Leaf[] {
  const path = issue.path.map(String);
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [{ path, issue }];
  const fewest = [...issue.errors].sort((a, b) => weight(a) - weight(b))[0] ?? [];
  return fewest
    .flatMap(leaves)
    .map((leaf) => ({ issue: leaf.issue, path: [...path, ...leaf.path] }));
}

/** A wrong literal says that another kind was meant. */
function weight(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce(
    (sum, { code, path }) => sum + (code === 'invalid_value' && path.at(-1) === 'type' ? 100 : 1),
    0,
  );
}

function inWords(issue: z.core.$ZodIssue): { readonly code: string; readonly message: string } {
  if (issue.code === 'too_big') {
    const message = `Must be ${issue.maximum} or fewer in length.`;
    return { code: 'BASE_TYPE_MAX_LENGTH', message };
  }
  if (issue.code === 'too_small') {
    const message = `Must be ${issue.minimum} or more in length.`;
    return { code: 'BASE_TYPE_MIN_LENGTH', message };
  }
  if (issue.code === 'invalid_type' && issue.input === undefined) {
    return { code: 'BASE_TYPE_REQUIRED', message: 'This field is required' };
  }
  if (issue.code === 'unrecognized_keys') {
    return { code: 'UNKNOWN_KEYS', message: `The simulator takes no ${issue.keys.join(', ')}` };
  }
  const known = issue.code === 'custom' ? issue.params?.discord : undefined;
  return {
    code: typeof known === 'string' ? known : `BASE_TYPE_${issue.code.toUpperCase()}`,
    message: issue.message,
  };
}
