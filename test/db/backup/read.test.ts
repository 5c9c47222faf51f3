import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { BackupError } from '../../../src/db/backup/format.ts';
import { checkBackup } from '../../../src/db/backup/read.ts';

test('a line without an end is refused in a time that grows with its length', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-backup-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'all.backup');
  await writeFile(file, gzipSync(Buffer.alloc(48 * 1024 * 1024, 'x'), { level: 1 }));
  const before = process.cpuUsage();
  await expect(checkBackup(file)).rejects.toThrow(BackupError);
  const { user } = process.cpuUsage(before);
  expect(user / 1e6).toBeLessThan(3);
});
