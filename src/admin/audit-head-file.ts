/**
 * The newest row of the audit trail that a check has seen, kept beside the key ring: a database that
 * is put back to an earlier state, trail and all, is then found out.
 */

import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../config.ts';
import type { AuditHead } from '../keys/audit-chain.ts';
import { StartError } from '../start-error.ts';
import { systemCodeOf } from '../system-code.ts';

const schema = z.object({ seq: z.number().int().min(0), mac: z.string() });

export function auditHeadFile({ keyRingFile }: Pick<Config, 'keyRingFile'>): string {
  return join(dirname(keyRingFile), 'audit-head.json');
}

export async function readAuditHead(file: string): Promise<AuditHead | undefined> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw new StartError(`${file} can't be read: let this user read it.`);
  });
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new StartError(`${file} is damaged: put it back from a copy, or delete it.`);
  }
}

/** @returns whether it could be kept */
export async function keepAuditHead(file: string, { seq, mac }: AuditHead): Promise<boolean> {
  try {
    await writeFile(`${file}.new`, `${JSON.stringify({ seq, mac })}\n`, {
      mode: 0o600,
      flush: true,
    });
    await rename(`${file}.new`, file);
    return true;
  } catch {
    return false;
  }
}
