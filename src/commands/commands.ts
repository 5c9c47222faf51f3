/** All commands, put together. */

import type { UsageCharts } from '../charts/usage-chart.ts';
import type { ChatRights } from '../chat/chat-rights.ts';
import { createChatSettings } from '../chat/chat-settings.ts';
import type { Identities } from '../chat/identities.ts';
import type { LinkCodes } from '../chat/link-codes.ts';
import { createLinking } from '../chat/linking.ts';
import type { PlatformName } from '../chat/message.ts';
import type { PlatformSender } from '../chat/platform.ts';
import type { PrivateNotices } from '../chat/private-notices.ts';
import type { Config, Operator } from '../config.ts';
import type { Database } from '../db/client.ts';
import type { Allowance } from '../funding/allowance.ts';
import { type House, readOwnKeys } from '../funding/funding.ts';
import type { HousePause } from '../funding/house-pause.ts';
import type { WhoPays } from '../funding/next-payer.ts';
import type { OwnLimit } from '../funding/own-limit.ts';
import type { Payers } from '../funding/payers.ts';
import type { UserPlans } from '../funding/plans.ts';
import { modelsOf, type Plans } from '../funding/plans-file.ts';
import type { Prices } from '../funding/prices.ts';
import type { Redeeming } from '../funding/redeeming.ts';
import type { ApiKeys } from '../keys/api-keys.ts';
import type { Audit } from '../keys/audit.ts';
import type { Identity } from '../keys/key-prompts.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { Vault } from '../keys/vault.ts';
import { remoteProviders } from '../llm/catalogue.ts';
import { otherHost } from '../llm/other-host.ts';
import type { Log } from '../log.ts';
import type { Suspensions } from '../moderation/suspensions.ts';
import { createOperatorDeeds } from '../operator/deeds.ts';
import type { OperatorDesk } from '../operator/desk.ts';
import type { PoolMembers } from '../pools/members.ts';
import type { Pools } from '../pools/pools.ts';
import type { TellPerson } from '../pools/tell.ts';
import type { Mailbox } from '../queue/mailbox.ts';
import type { Wakeups } from '../queue/wakeups.ts';
import { createExports } from '../users/export.ts';
import type { Forgetting } from '../users/forgetting.ts';
import type { MessageDeletions } from '../users/message-deletions.ts';
import { createAdmin } from './admin.ts';
import { createAfresh } from './afresh.ts';
import { createAppeal } from './appeal.ts';
import { createChat } from './chat.ts';
import type { Command, CommandContext } from './command.ts';
import { createConsent } from './consent.ts';
import { createContinue } from './continue.ts';
import { createDetails } from './details.ts';
import { createExport } from './export.ts';
import { createForget } from './forget.ts';
import {
  createHelp,
  createNew,
  createPrivacy,
  createStart,
  createStop,
  createTerms,
} from './general.ts';
import { createKeyHistory } from './key-history.ts';
import { createDelKey, createKeys } from './keys.ts';
import { createLimit } from './limit.ts';
import { createLink } from './link.ts';
import type { TellLinked } from './linked-notices.ts';
import { createModel } from './model.ts';
import type { ModelChoice } from './model-choice.ts';
import { createPay } from './pay.ts';
import { createPool } from './pool.ts';
import { createRedeem } from './redeem.ts';
import { createSetKey, type SetKey } from './setkey.ts';
import { createSettings } from './settings.ts';
import { personalSettings } from './settings-list.ts';
import { createUnlink } from './unlink.ts';
import { createUsage } from './usage.ts';

export interface CommandParts {
  readonly config: Pick<Config, 'baseUrls' | 'moderation' | 'allowance'>;
  readonly db: Database;
  readonly log: Log;
  // Who, and where
  readonly identities: Identities;
  readonly sender: (platform: PlatformName) => PlatformSender;
  readonly rights: (platform: PlatformName) => ChatRights | undefined;
  readonly privateNotices: PrivateNotices;
  readonly linkCodes: LinkCodes;
  readonly tellLinked: TellLinked;
  /** Does what a link that opened the chat asked for. @returns false where it asked for nothing */
  readonly runLinked: (context: CommandContext) => Promise<boolean>;
  // Keys
  readonly ring: KeyRing;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly apiKeys: ApiKeys;
  // Paying
  readonly house: House;
  readonly housePause: HousePause;
  readonly plans: Plans;
  readonly userPlans: UserPlans;
  readonly allowance: Allowance;
  readonly ownLimit: OwnLimit;
  readonly payers: Payers;
  readonly whoPays: WhoPays;
  readonly prices: Prices;
  readonly choiceOf: (userId: number) => Promise<ModelChoice>;
  readonly redeeming: Redeeming;
  readonly pools: Pools;
  readonly poolMembers: PoolMembers;
  readonly tellPerson: TellPerson;
  readonly charts: UsageCharts;
  // Turns
  readonly mailbox: Mailbox;
  readonly wakeups: Wakeups;
  // Users' rights, and operators'
  readonly legal: { readonly privacy: string; readonly terms: string };
  readonly forgetting: Forgetting;
  readonly deletions: MessageDeletions;
  readonly suspensions: Suspensions;
  readonly operators: OperatorDesk;
  readonly operatorAccounts: readonly Operator[];
}

/** @returns all of them, in the order of menus and /help; and the one that also takes messages */
export function createCommands(parts: CommandParts): {
  readonly commands: readonly Command[];
  readonly setKey: SetKey;
} {
  const { config, db, log, identities, sender, rights, ring, vault, audit, apiKeys } = parts;
  const { house, plans, allowance, ownLimit, payers, housePause, whoPays, prices } = parts;
  const { mailbox, wakeups, userPlans, operators, suspensions } = parts;
  const funding = { db, apiKeys, house };
  const linking = createLinking({ db, audit });
  const linked = {
    linking,
    tell: parts.tellLinked,
    whoPays: async ({ platform, platformUserId }: Identity) =>
      whoPays(await identities.userOf(platform, platformUserId)),
  };
  const redeem = createRedeem({ redeeming: parts.redeeming, sender });
  const baseUrls: Readonly<Record<string, string | undefined>> = config.baseUrls;
  const setKey = createSetKey({
    apiKeys,
    ownKeys: (userId) => readOwnKeys(funding, userId),
    sender,
    providers: remoteProviders.map((entry) => ({
      ...entry,
      otherHost: otherHost(entry.baseUrl, baseUrls[entry.id]),
    })),
  });
  const commands: readonly Command[] = [
    createStart({
      sender,
      facts: {
        gives: plans.free.windows.day ?? { turns: null, micros: null },
        offline: house.provider === 'offline',
        model: modelsOf(house.provider, plans.free.models)[0] ?? house.model,
      },
      runLinked: parts.runLinked,
      redeem,
    }),
    setKey,
    createKeys({ db, apiKeys, whoPays }),
    createKeyHistory({ db, audit }),
    createAfresh({ db, vault, audit }),
    createDelKey({ apiKeys }),
    createUsage({
      ...funding,
      allowance,
      ownLimit,
      payers,
      mailbox,
      housePause,
      charts: parts.charts,
      log,
    }),
    createLimit({ db, ownLimit }),
    redeem,
    createModel({ choiceOf: parts.choiceOf, prices }),
    createSettings(personalSettings({ ...funding, payers, linking })),
    createLink({ ...linked, codes: parts.linkCodes }),
    createUnlink(linked),
    createPool({
      db,
      vault,
      pools: parts.pools,
      members: parts.poolMembers,
      sender,
      rights,
      tell: parts.tellPerson,
      moderates: config.moderation.mode !== 'off',
    }),
    createChat({ settings: createChatSettings({ db }), rights }),
    createNew({ identities }),
    createStop({ db, identities, mailbox }),
    createForget({ forgetting: parts.forgetting, deletions: parts.deletions }),
    createHelp({ commands: () => commands, sender }),
    createExport({ exports: createExports({ db, vault, audit }), audit, sender }),
    createPrivacy(parts.legal.privacy),
    createTerms(parts.legal.terms),
    createAppeal({ suspensions, vault, operators }),
    createAdmin({
      db,
      ring,
      operators: parts.operatorAccounts,
      deeds: createOperatorDeeds({ db, ring, audit, plans: async () => plans }),
      suspensions,
      userPlans,
      planNames: [...plans.plans.keys()],
      housePause,
      houseMicrosPerDay: config.allowance.houseDailyMicros,
      sender,
      log,
    }),
    createConsent({ db, vault, mailbox, wakeups }),
    createPay({ db, vault, mailbox, wakeups, payers }),
    createContinue({ db, vault, mailbox, wakeups }),
    createDetails({ privateNotices: parts.privateNotices }),
  ];
  return { commands, setKey };
}
