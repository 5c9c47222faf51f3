/**
 * REDIS_URL: `redis://` or `rediss://` (TLS) for one server, `redis+cluster://` for a Cluster, and
 * `redis+sentinel://…/NAME` for the master that Sentinels know by a name; each also with `rediss+`.
 * The last two take several addresses, with commas between.
 */

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

export type RedisAddress = {
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly nodes: readonly RedisNode[];
} & (
  | { readonly kind: 'server'; readonly database: number }
  | { readonly kind: 'cluster' }
  | { readonly kind: 'sentinel'; readonly name: string }
);

const DEFAULT_PORTS = { server: 6379, cluster: 6379, sentinel: 26379 } as const;

const SHAPE =
  /^redis(?<tls>s?)(?:\+(?<kind>cluster|sentinel))?:\/\/(?:(?<auth>[^@/\s]*)@)?(?<nodes>[^@/?\s]+)(?:\/(?<path>[\w.-]*))?$/;
const NODE = /^(?<host>\[[\da-f:.]+\]|[\w.-]+)(?::(?<port>\d{1,5}))?$/i;

/** @returns undefined: it is none */
export function parseRedisAddress(text: string): RedisAddress | undefined {
  const found = SHAPE.exec(text)?.groups;
  if (found === undefined) return undefined;
  const kind =
    found.kind === 'cluster' || found.kind === 'sentinel' ? found.kind : ('server' as const);
  const nodes = (found.nodes ?? '').split(',').map((node) => parseNode(node, DEFAULT_PORTS[kind]));
  const known = nodes.filter((node) => node !== undefined);
  if (known.length !== nodes.length || (kind === 'server' && nodes.length > 1)) return undefined;
  const login = parseLogin(found.auth ?? '');
  if (login === undefined) return undefined;
  const common = { tls: found.tls === 's', ...login, nodes: known };
  const path = found.path ?? '';
  switch (kind) {
    case 'server':
      return /^\d{0,4}$/.test(path) ? { ...common, kind, database: Number(path) } : undefined;
    case 'cluster':
      // A Cluster has one database.
      return path === '' || path === '0' ? { ...common, kind } : undefined;
    case 'sentinel':
      return path === '' ? undefined : { ...common, kind, name: path };
  }
}

function parseNode(text: string, defaultPort: number): RedisNode | undefined {
  const found = NODE.exec(text)?.groups;
  if (found === undefined) return undefined;
  const port = found.port === undefined ? defaultPort : Number(found.port);
  if (port < 1 || port > 65_535) return undefined;
  return { host: (found.host ?? '').replace(/^\[|\]$/g, ''), port };
}

function parseLogin(text: string): Pick<RedisAddress, 'username' | 'password'> | undefined {
  const colon = text.indexOf(':');
  const decode = (part: string) => (part === '' ? undefined : decodeURIComponent(part));
  try {
    // `redis://secret@host` names a user, as in every URL.
    return colon === -1
      ? { username: decode(text), password: undefined }
      : { username: decode(text.slice(0, colon)), password: decode(text.slice(colon + 1)) };
  } catch {
    return undefined;
  }
}
