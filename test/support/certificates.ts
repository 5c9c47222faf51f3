/** An authority of a test's own, and a certificate for this machine, made by openssl. */

import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, chown, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificates {
  readonly folder: string;
  /** For NODE_EXTRA_CA_CERTS. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

export function hasOpenSsl(): boolean {
  return spawnSync('openssl', ['version']).status === 0;
}

/** @param owner who alone may read the key, as PostgreSQL wants it */
export async function makeCertificates(owner?: {
  readonly uid: number;
  readonly gid: number;
}): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-tls-'));
  await chmod(folder, 0o755);
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    ...['req', '-x509', ...fresh, '-days', '2', '-subj', '/CN=Test authority'],
    ...['-keyout', at('ca.key'), '-out', at('ca.crt')],
  );
  openssl('req', ...fresh, '-subj', '/CN=localhost', '-keyout', at('key'), '-out', at('csr'));
  await writeFile(at('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  openssl(
    ...['x509', '-req', '-in', at('csr'), '-CA', at('ca.crt'), '-CAkey', at('ca.key')],
    ...['-CAcreateserial', '-days', '2', '-extfile', at('names'), '-out', at('crt')],
  );
  await chmod(at('key'), 0o600);
  if (owner !== undefined) await chown(at('key'), owner.uid, owner.gid);
  return { folder, authority: at('ca.crt'), certificate: at('crt'), key: at('key') };
}
