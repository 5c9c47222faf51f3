/** The composition root: builds every part from the configuration, and takes them down again. */

import { randomUUID } from 'node:crypto';
import { createUsageCharts } from './charts/usage-chart.ts';
import { rememberAddresses } from './chat/bot-addresses.ts';
import { createChatGate } from './chat/chat-gate.ts';
import { createClosedPlaces } from './chat/closed-places.ts';
import { createCommandRunner } from './chat/command-runner.ts';
import { createIdentities } from './chat/identities.ts';
import { createIntake } from './chat/intake.ts';
import { createLinkCodes } from './chat/link-codes.ts';
import type { PlatformName } from './chat/message.ts';
import type { PlatformSender } from './chat/platform.ts';
import { createPrivateNotices } from './chat/private-notices.ts';
import { noteNotices } from './chat/sent-notices.ts';
import { createTurnIntake } from './chat/turn-intake.ts';
import { createClosers } from './closers.ts';
import { createAdminSuggestions } from './commands/admin-suggestions.ts';
import { createCommands } from './commands/commands.ts';
import { createTellLinked } from './commands/linked-notices.ts';
import { commandMenu } from './commands/menu.ts';
import { createModelChoice } from './commands/model-choice.ts';
import { createModelSuggestions } from './commands/model-suggestions.ts';
import type { Config } from './config.ts';
import { startRetention } from './conversation/retention.ts';
import { observeMailbox, watchedBy } from './conversation/turn-observer.ts';
import { createTurnRunner } from './conversation/turn-runner.ts';
import { createTurnStore } from './conversation/turn-store.ts';
import { startWorker, type WorkerTiming } from './conversation/worker.ts';
import { createMigrationsProbe, databaseAnswers } from './db/health.ts';
import { openDatabase } from './db/open.ts';
import { createAllowance } from './funding/allowance.ts';
import { createCreditFunding, creditModels } from './funding/credit-funding.ts';
import { expireCredits } from './funding/credits.ts';
import { tellEndedPlans } from './funding/ended-plans.ts';
import { createHouseBreaker } from './funding/house-breaker.ts';
import { createHouseFunding, type HouseKeyParts } from './funding/house-funding.ts';
import { watchHousePause } from './funding/house-pause.ts';
import { houseToday } from './funding/house-state.ts';
import { createHouseWatch } from './funding/house-watch.ts';
import { createLedger } from './funding/ledger.ts';
import { checkLedger } from './funding/ledger-check.ts';
import { MICROS_PER_USD } from './funding/money.ts';
import { nextPayer, type WhoPays } from './funding/next-payer.ts';
import { createOwnFunding } from './funding/own-funding.ts';
import { createOwnLimit } from './funding/own-limit.ts';
import { createPayers } from './funding/payers.ts';
import { createUserPlans } from './funding/plans.ts';
import { createRedeeming } from './funding/redeeming.ts';
import { createApiKeys } from './keys/api-keys.ts';
import { createAudit } from './keys/audit.ts';
import { tellForgottenKeys } from './keys/forgotten-keys.ts';
import { openKeyRing } from './keys/open-key-ring.ts';
import { tellRingTrail } from './keys/ring-trail.ts';
import { tombstoneFileOf } from './keys/tombstones.ts';
import { createVault } from './keys/vault.ts';
import { createProviders, type ProvidersOptions } from './llm/providers.ts';
import { type Log, serializeError, withLogFields } from './log.ts';
import { openModeration } from './moderation/open-moderation.ts';
import { createOperatorDesk } from './operator/desk.ts';
import { openPlatforms, type PlatformTuning, type TerminalIo } from './platforms/open-platforms.ts';
import { createLookForOwner } from './pools/bound-chats.ts';
import { createPoolMembers } from './pools/members.ts';
import { createPoolFunding } from './pools/pool-funding.ts';
import { createPools } from './pools/pools.ts';
import { createTellPerson } from './pools/tell.ts';
import { preflight } from './preflight.ts';
import { mailboxDepth } from './queue/depth.ts';
import { createMailbox } from './queue/mailbox.ts';
import { createWakeups } from './queue/wakeups.ts';
import { StartError } from './start-error.ts';
import { generalText } from './text/general.ts';
import { houseDayNotice } from './text/house-day.ts';
import { moderationText } from './text/moderation.ts';
import { payersText } from './text/payers.ts';
import { unknownPlan } from './text/plans.ts';
import { FORGOTTEN_CHANNEL } from './users/erasure.ts';
import { createForgetting } from './users/forgetting.ts';
import { restoreLimits } from './users/kept-limits.ts';
import { createMessageDeletions } from './users/message-deletions.ts';
import { createMetrics } from './web/metrics.ts';
import { createHealth, type Probe, seldom } from './web/parts.ts';
import { startWebServer, type WebServer } from './web/server.ts';

export interface AppOptions {
  readonly config: Config;
  readonly log: Log;
  /** Hears what takes long at the start. */
  readonly onStep: (sentence: string) => void;
  /** Set where the chat is to open in the terminal. */
  readonly terminal?: TerminalIo;
  /** Something that Latchkey can't go on without has ended. */
  readonly onFatal: (error: unknown) => void;
  /** For tests and benchmarks; the settings have no names for these, on purpose. */
  readonly tuning?: Tuning;
}

export interface Tuning extends PlatformTuning {
  /** Simulators that stand for the vendors themselves. */
  readonly vendorUrls?: ProvidersOptions['baseUrls'];
  readonly timing?: Partial<WorkerTiming>;
  /** How long a failing house key is left alone, in milliseconds. */
  readonly houseClosedMs?: number;
  /** How often what is no longer to be kept is deleted, in milliseconds. */
  readonly retentionEveryMs?: number;
}

export interface App {
  /** The port of the HTTP server, where one runs. */
  readonly httpPort: number | undefined;
  /** Stops taking in, lets running turns end, closes everything in reverse order. */
  stop(): Promise<void>;
}

/** In milliseconds: how long the queue may take to answer, and how often a costly part is asked. */
const PING_MS = 1_500;
const PROBE_EVERY_MS = 10_000;

/** @throws StartError; whatever had been started by then is stopped again */
export async function startApp(options: AppOptions): Promise<App> {
  const { onClose, close } = createClosers((error) =>
    options.log.error({ error: serializeError(error) }, 'stopping'),
  );
  try {
    const stopping = new AbortController();
    const httpPort = await compose(options, onClose, stopping.signal);
    return {
      httpPort,
      stop() {
        stopping.abort();
        return close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function compose(
  { config, log, onStep, terminal: terminalIo, onFatal, tuning = {} }: AppOptions,
  onClose: (close: () => Promise<void>) => void,
  /** Aborted when the process begins to stop. */
  stopping: AbortSignal,
): Promise<number | undefined> {
  const processId = randomUUID();
  const { prices, plans, house, legal, thresholds } = await preflight(config, {
    servesElsewhere: terminalIo !== undefined || (tuning.platforms ?? []).length > 0,
  });

  // Seeing
  const traces =
    config.traces === undefined
      ? undefined
      : (await import('./tracing/traces.ts')).startTraces({
          ...config.traces,
          role: config.role,
          instanceId: processId,
          onProblem: (error) => log.warn({ error: serializeError(error) }, 'traces are lost'),
        });
  if (traces !== undefined) onClose(() => traces.close());

  // Storage
  const { url, connection } = await openDatabase({
    database: config.database,
    maxConnections: Math.min(20, Math.max(8, config.workerConcurrency)),
    onStep,
    onLost: onFatal,
    onClose,
  });
  const { db } = connection;
  let server: WebServer | undefined;
  // It tells that the process is stopping for as long as answers may end.
  onClose(async () => server?.close());

  // Keys
  const ringProblems: string[] = [];
  let tellOfRing = (sentence: string): void => void ringProblems.push(sentence);
  const { ring, keeper } = await openKeyRing({
    db,
    config: config.keyRing,
    onProblem: (error) => tellOfRing(serializeError(error).message),
    onClose,
    // Workers answer what a bot took in: they need its ring, not one of their own.
    mayCreate: config.role !== 'worker',
    onStep,
  });
  const vault = createVault({ db, ring });
  const provider = createProviders({
    baseUrls: { ...config.baseUrls, ...tuning.vendorUrls },
  });
  const audit = createAudit({ db, ring });
  await tellRingTrail({ db, audit, keeper });
  const apiKeys = createApiKeys({ db, vault, audit, providers: provider });

  // Queue
  let isQueueReady = false;
  const wakeups = createWakeups({
    backend: {
      kind: config.queue.kind,
      url: (config.queue.kind === 'redis' ? config.queue.url : url).reveal(),
    },
    telemetry: traces?.queue,
    // At the start one sentence says it all.
    onError: (error) =>
      log[isQueueReady ? 'warn' : 'debug']({ error: serializeError(error) }, 'queue'),
  });
  onClose(() => wakeups.close());
  await wakeups.ready(10_000).catch((error: unknown) => {
    log.debug({ error: serializeError(error) }, 'queue');
    throw new StartError(
      config.queue.kind === 'redis'
        ? 'Redis at REDIS_URL does not answer, or refuses the password.'
        : 'BullMQ could not be set up in PostgreSQL: look at the log with LOG_LEVEL=debug.',
    );
  });
  isQueueReady = true;
  const probes: Record<string, Probe> = {
    process: () => (stopping.aborted ? { ok: false, detail: 'stopping' } : { ok: true }),
    database: () => databaseAnswers(db),
    migrations: seldom(PROBE_EVERY_MS, createMigrationsProbe(db)),
    queue: () => wakeups.ping(PING_MS).then(() => ({ ok: true })),
    'key-ring': seldom(PROBE_EVERY_MS, () => keeper.keks().then(() => ({ ok: true }))),
  };
  const health = createHealth({ probes });
  const metrics = createMetrics({
    role: config.role,
    health,
    async levels() {
      const [depth, spent] = await Promise.all([mailboxDepth(db), houseToday(db)]);
      const limit = config.allowance.houseDailyMicros;
      const left = Math.max(0, limit - spent.spentMicros - spent.reservedMicros);
      return {
        mailbox: depth,
        house: { limit: limit / MICROS_PER_USD, left: left / MICROS_PER_USD },
      };
    },
  });
  const observer = watchedBy([
    {
      attempt: ({ turnId }, work) => withLogFields({ turnId }, work),
      step: (_turn, _step, work) => work(),
      tell: () => {},
    },
    ...(traces === undefined ? [] : [traces.turns]),
    metrics.turns,
  ]);
  let tellOfPlan = (_name: string): void => undefined;
  const userPlans = createUserPlans({ db, plans, onUnknown: (name) => tellOfPlan(name) });
  const mailbox = observeMailbox(
    createMailbox({ db, limit: (userId) => userPlans.waiting(userId, config.mailboxLimit) }),
    observer,
    metrics.mailbox,
  );

  // Platforms
  const commandNames: string[] = [];
  const platforms = await openPlatforms({
    config,
    db,
    log,
    terminal: terminalIo,
    commandNames,
    suggest: async ({ command, option, typed, sender: { platformUserId } }) => {
      const typing = { typed, sender: { platform: 'discord' as const, platformUserId } };
      if (command === 'model') return suggestModels(typing);
      return command === 'admin' ? suggestForAdmin({ ...typing, option }) : [];
    },
    onFailure: metrics.platformFailed,
    tuning,
  });
  const { telegram, discord, terminal, senders, sender, rights } = platforms;
  // What a command answers is noted by the command itself, with whose it is.
  const privateNotices = createPrivateNotices({ db, vault, sender });
  const unasked = new Map([...senders].map(([name, one]) => [name, noteNotices({ db, log }, one)]));
  const telling = (platform: PlatformName): PlatformSender =>
    unasked.get(platform) ?? sender(platform);
  // Who sits at the terminal has the shell as well.
  const operatorAccounts = [
    ...config.operators,
    ...(terminal === undefined
      ? []
      : [{ platform: 'terminal' as const, platformUserId: terminal.user.platformUserId }]),
  ];
  const operators = createOperatorDesk({
    operators: operatorAccounts,
    sender: (platform) => senders.get(platform),
    log,
  });

  tellOfRing = (sentence) => operators.warn(`key-ring: ${sentence}`, generalText.keyRing(sentence));
  for (const sentence of ringProblems) tellOfRing(sentence);
  tellOfPlan = (name) => operators.warn(`plan: ${name}`, { markdown: unknownPlan(name) });

  // Funding and conversation
  const identities = createIdentities({
    db,
    onMade: (tx, identity, userId) => restoreLimits(tx, ring, identity, userId),
  });
  const unlisten = await connection.listen(FORGOTTEN_CHANNEL, (id) => vault.forget(Number(id)));
  onClose(unlisten);
  const deletions = createMessageDeletions({ db, sender: (platform) => senders.get(platform) });
  const forgetting = createForgetting({
    db,
    ring,
    audit,
    deletions,
    tombstoneFile: tombstoneFileOf(config.keyRingFile),
    onError: (error) => log.error({ error: serializeError(error) }, 'writing the tombstones'),
  });
  const { houseDailyMicros: houseMicrosPerDay } = config.allowance;
  const allowance = createAllowance({ db, house, plans, userPlans, houseMicrosPerDay });
  const ownLimit = createOwnLimit({ db });
  const { moderation, ...moderated } = openModeration({
    config: config.moderation,
    thresholds,
    db,
    ring,
    // A key goes nowhere but to the host that it is for.
    baseUrl:
      tuning.vendorUrls?.openai ??
      (config.moderation.key?.of === 'house' ? config.baseUrls.openai : undefined),
    ownKeysToo: legal.moderatesOwnKeys,
    onDown: (code) =>
      operators.warn(
        `moderation: ${code}`,
        moderationText.serviceDown(code, config.moderation.mode === 'required'),
      ),
    onSuspended: (userId) =>
      operators.warn(`suspended: ${userId}`, moderationText.userSuspended(userId)),
    log,
  });
  onClose(() => moderation.settled());
  const charts = createUsageCharts();
  onClose(() => charts.close());
  const housePause = await watchHousePause({
    db,
    listen: (channel, heard) => connection.listen(channel, heard),
    onError: (error) => log.warn({ error: serializeError(error) }, 'whether the house is paused'),
  });
  onClose(() => housePause.stop());
  const houseKey: HouseKeyParts = {
    house,
    breaker: createHouseBreaker({ closedMs: tuning.houseClosedMs }),
    pause: housePause,
    tellOperator: (warning, facts) => {
      operators.warn(warning, generalText.houseKeyFailed(facts.provider, facts.code));
    },
  };
  const pools = createPools({ db });
  const poolMembers = createPoolMembers({ db, vault, ring });
  const tellPerson = createTellPerson({ db, sender: (platform) => senders.get(platform), log });
  // Who can pay: one entry each. In which order they do is their user's to say.
  const payers = createPayers({
    db,
    sources: [
      createOwnFunding({ db, apiKeys, ownLimit }),
      createPoolFunding({
        db,
        apiKeys,
        pools,
        members: poolMembers,
        tellOwner: tellPerson,
        lookForOwner: createLookForOwner({
          db,
          pools,
          rights,
          sender: (platform) => senders.get(platform),
          tell: tellPerson,
          log,
        }),
      }),
      createCreditFunding({ ...houseKey, db }),
      createHouseFunding({
        ...houseKey,
        allowance,
        chatDayMicros: plans.house.chatDayMicros,
        watch: createHouseWatch({
          db,
          houseMicrosPerDay,
          warn: (what, facts) =>
            operators.warn(
              `house: ${what.warning} ${'percent' in what ? what.percent : ''} ${facts.day}`,
              houseDayNotice(what, facts),
            ),
          onError: (error) => log.warn({ error: serializeError(error) }, 'the house’s day'),
        }),
      }),
    ],
  });
  const linkCodes = createLinkCodes({ db, ring });
  const redeeming = createRedeeming({ db, ring });
  const whoPays: WhoPays = async (userId) =>
    payersText.fromNowOn(await nextPayer({ db, apiKeys, payers }, userId));
  const planNames = [...plans.plans.keys()];
  const suggestForAdmin = createAdminSuggestions({ db, operators: operatorAccounts, planNames });
  const choiceOf = createModelChoice({
    db,
    apiKeys,
    house,
    allowance,
    payers,
    provider,
    members: poolMembers,
    creditModels: (userId) => creditModels({ db, house }, userId),
  });
  const suggestModels = createModelSuggestions({ choiceOf, identities, prices });
  const runner = createCommandRunner({
    db,
    commands: () => commands,
    sender: telling,
    privateNotices,
    processId,
    log,
  });
  const { commands, setKey } = createCommands({
    config,
    db,
    log,
    identities,
    sender,
    rights,
    privateNotices,
    linkCodes,
    tellLinked: createTellLinked({ sender: telling, log }),
    runLinked: (context) => runner.runLinked(context),
    ring,
    vault,
    audit,
    apiKeys,
    house,
    housePause,
    plans,
    userPlans,
    allowance,
    ownLimit,
    payers,
    whoPays,
    prices,
    choiceOf,
    redeeming,
    pools,
    poolMembers,
    tellPerson,
    charts,
    mailbox,
    wakeups,
    legal,
    forgetting,
    deletions,
    suspensions: moderated.suspensions,
    operators,
    operatorAccounts,
  });
  // What Tab completes: who sits there is an operator.
  const named = commandMenu(commands, operatorAccounts);
  commandNames.push(
    ...[...named.direct, ...(named.operators?.commands ?? [])].map((command) => command.name),
  );

  if (config.role !== 'bot') {
    const worker = await startWorker({
      name: processId,
      concurrency: config.workerConcurrency,
      mailbox,
      wakeups,
      connection,
      log,
      timing: tuning.timing,
      runTurn: createTurnRunner({
        db,
        house,
        vault,
        store: createTurnStore({ db, vault }),
        mailbox,
        ledger: createLedger({ db }),
        payers,
        moderation,
        prices,
        provider,
        sender: telling,
        privateNotices,
        pseudonym: (userId) => ring.pseudonym(String(userId)),
        observer,
        allowance,
        log,
      }),
    });
    onClose(() => worker.stop());
  }
  const retention = startRetention({
    db,
    historyDays: config.historyDays,
    everyMs: tuning.retentionEveryMs,
    also: [
      async () =>
        tellForgottenKeys(
          { db, sender: (name) => unasked.get(name), log, whoPays },
          await apiKeys.removeExpired(),
        ),
      () => linkCodes.removeExpired(),
      () => redeeming.removeExpired(),
      () => expireCredits(db, new Date()),
      () => tellEndedPlans({ db, userPlans, whoPays, tell: tellPerson }),
      () => poolMembers.removeExpired(),
      () => privateNotices.removeExpired(),
      () => moderated.removeExpired(),
      (signal) => forgetting.resume(signal),
      () =>
        checkLedger(db, (differences) =>
          operators.warn('ledger-differs', generalText.ledgerDiffers(differences)),
        ),
    ],
    onError: (error) => log.error({ error: serializeError(error) }, 'retention'),
  });
  onClose(() => retention.stop());

  const closedPlaces = createClosedPlaces({ db, mailbox, sender: telling, processId, log });
  onClose(() => closedPlaces.stop());

  // Taking in, last: from here on messages come
  const intake = createIntake({
    identities,
    turnIntake: createTurnIntake({ db, vault, mailbox }),
    commands: runner,
    closedPlaces,
    gate: createChatGate({ rights, log }),
    setKey,
    audit,
    mailbox,
    wakeups,
    sender: telling,
    log,
  });
  let httpPort: number | undefined;
  if (telegram !== undefined || discord !== undefined) {
    const serve = (port: number) =>
      startWebServer({
        port,
        // Unasked, the health pages are for this machine alone.
        host:
          config.http.isPortFixed || config.telegram?.mode === 'webhook' ? '0.0.0.0' : '127.0.0.1',
        health,
        metrics: {
          page: metrics.page,
          openTo: config.http.isPortFixed ? 'everybody' : 'this-machine',
        },
        onError: (error) => log.error({ error: serializeError(error) }, 'http'),
        ...(telegram?.webhook === undefined || config.role === 'worker'
          ? {}
          : { telegramWebhook: telegram.webhook }),
      });
    server = await serve(config.http.port).catch((error: unknown) => {
      // A second Latchkey on the machine: nobody asked for this very port.
      if (config.http.isPortFixed || telegram?.webhook !== undefined) throw error;
      log.warn('port 8080 is taken; the health pages are on another one');
      return serve(0);
    });
    httpPort = server.port;
  }
  if (config.role !== 'worker') {
    onClose(() => runner.settled());
    const menu = commandMenu(commands, config.operators);
    await telegram?.registerCommands(menu);
    await discord?.registerCommands(menu);
    // For the operator's shell alone: nothing waits for it.
    void rememberAddresses(db, { telegram, discord }).catch((error: unknown) =>
      log.debug({ error: serializeError(error) }, 'the addresses of the bots'),
    );
    for (const receiver of platforms.receivers) {
      onClose(() => receiver.stop());
      probes[receiver.name] = () => receiver.state();
      await receiver.start(intake);
    }
    if (telegram !== undefined || discord !== undefined) {
      const tell = async () => {
        await runner.tellInterrupted().catch((error: unknown) => {
          log.warn({ error: serializeError(error) }, 'telling of interrupted commands');
        });
        await closedPlaces.tell();
      };
      await tell();
      // Once more, for what was begun a moment before a quick restart.
      const again = setTimeout(tell, 6_000);
      onClose(async () => clearTimeout(again));
    }
  }
  return httpPort;
}
