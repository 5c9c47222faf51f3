/** Puts moderation together from the settings. */

import type { ModerationConfig } from '../config.ts';
import type { Database } from '../db/client.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { createModerator } from '../llm/moderator.ts';
import type { Log } from '../log.ts';
import { createChecker } from './checker.ts';
import { createModeration, type Moderation } from './moderation.ts';
import { createModerationLog } from './moderation-log.ts';
import { createSuspensions, type Suspensions } from './suspensions.ts';
import type { Thresholds } from './thresholds.ts';

export interface OpenedModeration {
  readonly moderation: Moderation;
  readonly suspensions: Suspensions;
  removeExpired(): Promise<void>;
}

export function openModeration({
  config,
  db,
  ring,
  baseUrl,
  ownKeysToo,
  thresholds,
  onDown,
  onSuspended,
  log,
}: {
  readonly config: ModerationConfig;
  readonly db: Database;
  readonly ring: Pick<KeyRing, 'pseudonym'>;
  /** Undefined: OpenAI's own. */
  readonly baseUrl: string | undefined;
  readonly ownKeysToo: boolean;
  readonly thresholds: Thresholds;
  /** Hears why something could not be checked: `no-key`, or a code of `ProviderError`. */
  readonly onDown: (code: string) => void;
  readonly onSuspended: (userId: number) => void;
  readonly log: Log;
}): OpenedModeration {
  const { mode, key, days } = config;
  const suspensions = createSuspensions({ db, ring });
  const records = createModerationLog({ db });
  if (mode !== 'off' && key === undefined) onDown('no-key');
  const moderation = createModeration({
    mode,
    ownKeysToo,
    thresholds,
    checker: createChecker({
      moderator: key && createModerator({ apiKey: key.apiKey, baseUrl }),
      thresholds,
      onDown,
      // Those who must wait for it ask each time.
      ...(mode === 'required' ? { downMs: 0 } : {}),
    }),
    suspensions,
    records,
    onSuspended,
    log,
  });
  return {
    moderation,
    suspensions,
    async removeExpired() {
      await records.removeExpired(days);
      await suspensions.removeExpired(days);
    },
  };
}
