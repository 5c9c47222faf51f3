/** The parameters of one request. Telegram's server sees them all as texts; so does this. */

import type { z } from 'zod';
import { badRequest } from './api-error.ts';

export interface UploadedFile {
  readonly name: string;
  readonly mime: string;
  readonly bytes: Uint8Array;
}

export class Params {
  readonly #fields: ReadonlyMap<string, string>;
  readonly #files: ReadonlyMap<string, UploadedFile>;

  constructor(fields: ReadonlyMap<string, string>, files: ReadonlyMap<string, UploadedFile>) {
    this.#fields = fields;
    this.#files = files;
  }

  /** Empty when absent: the server makes no difference. */
  text(name: string): string {
    return this.#fields.get(name) ?? '';
  }

  /** 0 when absent or no number. */
  integer(name: string): number {
    return toInteger(this.text(name));
  }

  flag(name: string): boolean {
    return ['true', 'yes', '1'].includes(this.text(name).toLowerCase());
  }

  /** @throws BotApiError when it is no JSON, or of another shape; `label` names it there */
  json<T>(name: string, schema: z.ZodType<T>, label: string): T | undefined {
    const raw = this.text(name);
    if (raw === '') return undefined;
    let value: unknown;
    try {
      value = JSON.parse(raw);
    } catch {
      throw badRequest(`Can't parse ${label} JSON object`);
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    const field = issue === undefined ? '' : ` (${issue.path.join('.')}: ${issue.message})`;
    throw badRequest(`Can't parse ${label}${field}`);
  }

  /** The upload of this name, or the one that `attach://` refers to. */
  file(name: string): UploadedFile | undefined {
    const attached = /^attach:\/\/(.+)$/.exec(this.text(name))?.[1];
    return this.#files.get(attached ?? name);
  }
}

/** The number that the text begins with, else 0. */
export function toInteger(text: string): number {
  const digits = /^\s*(-?\d{1,16})/.exec(text)?.[1];
  return digits === undefined ? 0 : Number(digits);
}
