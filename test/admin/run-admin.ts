/** The operator's shell on the database and the ring of a stage. */

import type { RingStage } from '../keys/ring-stage.ts';
import { type BegunAdmin, beginAdmin as begin, type EndedAdmin } from '../support/admin.ts';

export function beginAdmin(
  stage: RingStage,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): BegunAdmin {
  const env = { DATABASE_URL: stage.database.url.reveal(), KEY_RING_FILE: stage.file, ...more };
  return begin({ cwd: stage.folder, env }, args);
}

export function runAdmin(...given: Parameters<typeof beginAdmin>): Promise<EndedAdmin> {
  return beginAdmin(...given).ended;
}
