/** Settings from files, as Docker and Kubernetes hand secrets out. */

import { readFileSync } from 'node:fs';
import { StartError } from './start-error.ts';
import { systemCodeOf } from './system-code.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const SUFFIX = '_FILE';
/** Far above every secret there is, in bytes. */
const MAX_BYTES = 64 * 1024;

/**
 * Puts in the content of the file for every secret that is set as `NAME_FILE`, without the blanks
 * around it.
 * @param names of the settings that may come so
 * @throws StartError which names the setting and the file, never what stands in it
 */
export function withSecretFiles(env: Environment, names: Iterable<string>): Environment {
  const read: Record<string, string> = {};
  for (const name of names) {
    const setting = `${name}${SUFFIX}`;
    const file = env[setting]?.trim() ?? '';
    if (file === '') continue;
    if ((env[name]?.trim() ?? '') !== '') {
      throw new StartError(`${name} and ${setting} are both set: set one of them.`);
    }
    read[name] = contentOf(setting, file);
  }
  return { ...env, ...read };
}

function contentOf(setting: string, file: string): string {
  const text = readText(setting, file).trim();
  if (text === '') throw new StartError(`${setting} is ${file}, which is empty.`);
  if (text.length > MAX_BYTES) {
    throw new StartError(`${setting} is ${file}, which is too large to be a secret.`);
  }
  return text;
}

function readText(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'ENOENT') throw new StartError(`${setting} is ${file}, which does not exist.`);
    if (code === 'EACCES') {
      throw new StartError(
        `${setting} is ${file}, which this account may not read: let the user that Latchkey runs as read it.`,
      );
    }
    throw new StartError(`${setting} is ${file}, which can't be read (${String(code)}).`);
  }
}
