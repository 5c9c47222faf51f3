/** Routes, and what a handler is given. */

import type { Body } from './form-body.ts';

export interface Request extends Body {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  /** Instead of a body in JSON. */
  readonly bytes?: Uint8Array;
}

export type Handler = (request: Request) => Reply;

/** Keys as `GET /channels/:channel/messages`. */
export type RouteTable = Readonly<Record<string, Handler>>;

export interface Found {
  readonly route: string;
  readonly handler: Handler;
  readonly params: Readonly<Record<string, string>>;
}

export class Router {
  readonly #routes: {
    readonly route: string;
    readonly words: string[];
    readonly handler: Handler;
  }[];

  constructor(table: RouteTable) {
    this.#routes = Object.entries(table).map(([route, handler]) => ({
      route,
      handler,
      words: route.split(/[ /]+/),
    }));
  }

  find(method: string, path: string): Found | undefined {
    const words = [method, ...path.split('/').filter((word) => word !== '')];
    for (const { route, handler, words: wanted } of this.#routes) {
      if (wanted.length !== words.length) continue;
      const fits = wanted.every((word, at) => word.startsWith(':') || word === words[at]);
      if (!fits) continue;
      const params = Object.fromEntries(
        wanted.flatMap((word, at) =>
          word.startsWith(':') ? [[word.slice(1), decodeURIComponent(words[at] ?? '')]] : [],
        ),
      );
      return { route, handler, params };
    }
    return undefined;
  }
}

export const ok = (body: unknown, status = 200): Reply => ({ status, body });
export const noContent: Reply = { status: 204 };

/** @throws when the route has no such parameter: a mistake in the table */
export function param(request: Request, name: string): string {
  const value = request.params[name];
  if (value === undefined) throw new Error(`The route has no :${name}`);
  return value;
}
