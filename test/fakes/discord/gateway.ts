/** The gateway: https://discord.com/developers/docs/events/gateway */

import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { GatewayIntentBits as Intent, GatewayOpcodes as Op } from 'discord-api-types/v10';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Waiting } from '../telegram/wait.ts';
import { type Frame, frame } from './gateway-frames.ts';
import { guildCreatePayload, userPayload } from './payloads.ts';
import type { FakeGateway, SentEvent } from './types-gateway.ts';
import type { World, WorldEvent } from './world.ts';

/** Every intent that there is. */
const KNOWN_INTENTS = Object.values(Intent)
  .filter((it): it is Intent => typeof it === 'number')
  .reduce((all, bit) => all | bit, 0);

/** Milliseconds in which so many connections may identify as Discord's `max_concurrency` says. */
const IDENTIFY_MS = 5_000;

export interface GatewayOptions {
  readonly heartbeatMs: number;
  /** How many connections are advised. */
  readonly shards: number;
  /** Undefined: whoever identifies too soon is let in. */
  readonly maxConcurrency: number | undefined;
}

interface Session {
  readonly id: string;
  readonly intents: number;
  readonly shard: readonly [id: number, count: number];
  /** What was sent, or would have been; sequences count from 1. */
  readonly events: SentEvent[];
  socket: WebSocket | undefined;
}

export class Gateway implements FakeGateway {
  readonly #world: World;
  readonly #waiting: Waiting;
  readonly #options: GatewayOptions;
  /** By remainder of the shard, when the last one identified, by the machine's clock. */
  readonly #identified = new Map<number, number>();
  readonly #sessions = new Map<string, Session>();
  readonly #sockets = new Set<WebSocket>();
  readonly #server = new WebSocketServer({ noServer: true });
  readonly events: SentEvent[] = [];
  advised: number;
  identifies = 0;
  hastyIdentifies = 0;
  resumes = 0;
  heartbeats = 0;
  intents = 0;
  #ignoresHeartbeats = false;
  #isShut = false;

  constructor(world: World, waiting: Waiting, options: GatewayOptions) {
    this.#world = world;
    this.#waiting = waiting;
    this.#options = options;
    this.advised = options.shards;
    world.onEvent((event) => this.#tell(event));
  }

  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => {
      if (this.#isShut) {
        socket.destroy();
        return;
      }
      this.#server.handleUpgrade(request, socket, head, (connection) => this.#greet(connection));
    });
  }

  get url(): string {
    return this.#world.origin.replace('http', 'ws');
  }

  get connections(): number {
    return [...this.#sessions.values()].filter(({ socket }) => socket !== undefined).length;
  }

  get shards(): readonly number[] {
    return [...this.#sessions.values()]
      .flatMap(({ socket, shard: [id] }) => (socket === undefined ? [] : [id]))
      .toSorted((a, b) => a - b);
  }

  closeWith(code: number, reason = ''): void {
    // After these a session is gone; after others it can be resumed.
    const ends = [1000, 1001, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014].includes(code);
    if (ends) this.#sessions.clear();
    for (const socket of this.#sockets) socket.close(code, reason);
    this.#disconnect();
  }

  drop(shard?: number): void {
    if (shard === undefined) {
      for (const socket of this.#sockets) socket.terminate();
      this.#disconnect();
      return;
    }
    for (const session of this.#of(shard)) {
      session.socket?.terminate();
      session.socket = undefined;
    }
  }

  endSession(shard: number): void {
    for (const { id, socket } of this.#of(shard)) {
      this.#sessions.delete(id);
      socket?.close(4009, 'Session timed out.');
    }
  }

  reconnect(): void {
    for (const socket of this.#sockets) send(socket, { op: Op.Reconnect, d: null });
  }

  invalidateSessions(resumable = false): void {
    if (!resumable) this.#sessions.clear();
    for (const socket of this.#sockets) send(socket, { op: Op.InvalidSession, d: resumable });
  }

  shut(): void {
    this.refuse();
    this.drop();
  }

  refuse(): void {
    this.#isShut = true;
  }

  open(): void {
    this.#isShut = false;
  }

  ignoreHeartbeats(ignore: boolean): void {
    this.#ignoresHeartbeats = ignore;
  }

  advise(shards: number): void {
    this.advised = shards;
  }

  dispatch(type: string, data: unknown): void {
    for (const session of this.#sessions.values()) this.#send(session, type, data);
  }

  repeat(type: string): void {
    const event = this.events.findLast((it) => it.type === type);
    if (event === undefined) throw new Error(`There was no ${type}`);
    this.dispatch(type, event.data);
  }

  async ready(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    await this.#waiting.for(() => this.connections > 0, options);
  }

  close(): void {
    this.#isShut = true;
    this.drop();
    this.#server.close();
  }

  #of(shard: number): readonly Session[] {
    return [...this.#sessions.values()].filter((session) => session.shard[0] === shard);
  }

  #disconnect(): void {
    for (const session of this.#sessions.values()) session.socket = undefined;
  }

  #greet(socket: WebSocket): void {
    this.#sockets.add(socket);
    socket.on('close', (code) => this.#leave(socket, code));
    socket.on('error', () => socket.terminate());
    socket.on('message', (data) => {
      const read = frame.safeParse(parsed(data));
      if (!read.success) socket.close(4002, 'Error while decoding payload.');
      else this.#handle(socket, read.data);
    });
    send(socket, { op: Op.Hello, d: { heartbeat_interval: this.#options.heartbeatMs } });
  }

  /** A client that says goodbye with 1000 or 1001 ends its session. */
  #leave(socket: WebSocket, code: number): void {
    this.#sockets.delete(socket);
    for (const session of this.#sessions.values()) {
      if (session.socket !== socket) continue;
      session.socket = undefined;
      if (code === 1000 || code === 1001) this.#sessions.delete(session.id);
    }
    this.#waiting.notify();
  }

  #handle(socket: WebSocket, { op, d }: Frame): void {
    if (op === Op.Heartbeat) {
      this.heartbeats += 1;
      if (!this.#ignoresHeartbeats) send(socket, { op: Op.HeartbeatAck });
    } else if (op === Op.Identify) {
      this.#identify(socket, d);
    } else if (op === Op.Resume) {
      this.#resume(socket, d);
    }
    this.#waiting.notify();
  }

  #identify(socket: WebSocket, asked: Extract<Frame, { op: Op.Identify }>['d']): void {
    this.identifies += 1;
    this.intents = asked.intents;
    if (asked.token !== this.#world.token) {
      socket.close(4004, 'Authentication failed.');
      return;
    }
    if ((asked.intents & ~KNOWN_INTENTS) !== 0) {
      socket.close(4013, 'Invalid intent(s).');
      return;
    }
    if ((asked.intents & this.#notEnabled()) !== 0) {
      socket.close(4014, 'Disallowed intent(s).');
      return;
    }
    if ([...this.#sessions.values()].some((session) => session.socket === socket)) {
      socket.close(4005, 'Already authenticated.');
      return;
    }
    const shard = asked.shard ?? [0, 1];
    if (shard[0] >= shard[1]) {
      socket.close(4010, 'Invalid shard.');
      return;
    }
    if (this.#isHasty(shard[0])) {
      this.hastyIdentifies += 1;
      send(socket, { op: Op.InvalidSession, d: false });
      return;
    }
    const session: Session = {
      id: randomUUID().replaceAll('-', ''),
      intents: asked.intents,
      shard,
      events: [],
      socket,
    };
    this.#sessions.set(session.id, session);
    const guilds = [...this.#world.guilds.values()].filter(
      ({ id, hasBot }) => hasBot && isOnShard(session, id),
    );
    this.#send(session, 'READY', {
      v: 10,
      user: { ...userPayload(this.#world.bot), verified: true, mfa_enabled: true, email: null },
      guilds: guilds.map(({ id }) => ({ id, unavailable: true })),
      session_id: session.id,
      resume_gateway_url: this.url,
      shard,
      application: { id: this.#world.applicationId, flags: 0 },
      private_channels: [],
      relationships: [],
      session_type: 'normal',
    });
    if ((session.intents & Intent.Guilds) === 0) return;
    for (const guild of guilds) {
      this.#send(session, 'GUILD_CREATE', guildCreatePayload(this.#world, guild));
    }
  }

  #isHasty(shard: number): boolean {
    const { maxConcurrency } = this.#options;
    if (maxConcurrency === undefined) return false;
    const bucket = shard % maxConcurrency;
    const before = this.#identified.get(bucket) ?? Number.NEGATIVE_INFINITY;
    if (performance.now() - before < IDENTIFY_MS) return true;
    this.#identified.set(bucket, performance.now());
    return false;
  }

  #notEnabled(): number {
    const { messageContent, guildMembers, presence } = this.#world.portal;
    return (
      (messageContent ? 0 : Intent.MessageContent) |
      (guildMembers ? 0 : Intent.GuildMembers) |
      (presence ? 0 : Intent.GuildPresences)
    );
  }

  #resume(socket: WebSocket, asked: Extract<Frame, { op: Op.Resume }>['d']): void {
    if (asked.token !== this.#world.token) {
      socket.close(4004, 'Authentication failed.');
      return;
    }
    const session = this.#sessions.get(asked.session_id);
    if (session === undefined || asked.seq > session.events.length) {
      send(socket, { op: Op.InvalidSession, d: false });
      return;
    }
    this.resumes += 1;
    session.socket = socket;
    for (const event of session.events.slice(asked.seq)) sendEvent(socket, event);
    this.#send(session, 'RESUMED', { _trace: [] });
  }

  #tell({ type, intents, guildId, data }: WorldEvent): void {
    for (const session of this.#sessions.values()) {
      const wants = intents === 0 || (session.intents & intents) !== 0;
      if (wants && isOnShard(session, guildId)) this.#send(session, type, data(session));
    }
  }

  #send(session: Session, type: string, data: unknown): void {
    // As it is now: what a record says later must not change what was sent.
    const event: SentEvent = {
      type,
      data: JSON.parse(JSON.stringify(data)),
      sequence: session.events.length + 1,
    };
    session.events.push(event);
    this.events.push(event);
    if (session.socket !== undefined) sendEvent(session.socket, event);
    this.#waiting.notify();
  }
}

/** Direct messages come to the first shard. */
function isOnShard({ shard: [id, count] }: Session, guildId: string | undefined): boolean {
  return guildId === undefined ? id === 0 : Number((BigInt(guildId) >> 22n) % BigInt(count)) === id;
}

function sendEvent(socket: WebSocket, { type, data, sequence }: SentEvent): void {
  send(socket, { op: Op.Dispatch, t: type, s: sequence, d: data });
}

function send(socket: WebSocket, payload: unknown): void {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(payload));
}

function parsed(data: RawData): unknown {
  try {
    return JSON.parse(data.toString());
  } catch {
    return undefined;
  }
}
