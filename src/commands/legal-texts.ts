import { readFile } from 'node:fs/promises';
import type { Config } from '../config.ts';
import type { House } from '../funding/funding.ts';
import type { Plan } from '../funding/plans-file.ts';
import { providerEntry, remoteProviders } from '../llm/catalogue.ts';
import { otherHost } from '../llm/other-host.ts';
import type { ProviderId } from '../llm/provider.ts';
import { StartError } from '../start-error.ts';
import { type PrivacyFacts, privacyText } from '../text/privacy.ts';
import { ownKeysAreModerated, termsText } from '../text/terms.ts';

/**
 * A line of TERMS_FILE that has turns on own keys moderated too. In its place the terms say so: it
 * can't be had without telling.
 */
const OWN_KEYS_TOO = /^[ \t]*<!--[ \t]*moderation:[ \t]*own keys[ \t]*-->[ \t]*$/m;

/** In characters: some dozen messages. */
const MOST = 50_000;

/**
 * What /privacy and /terms say: the operator's own, or the built-in texts with this
 * installation's facts.
 * @throws StartError
 */
export async function legalTexts(
  config: Config,
  house: Pick<House, 'provider' | 'model'>,
  free: Plan,
): Promise<{
  readonly privacy: string;
  readonly terms: string;
  /** The terms say that turns on own keys are moderated. */
  readonly moderatesOwnKeys: boolean;
}> {
  const { privacyFile, termsFile, moderation } = config;
  const isModerated = moderation.mode !== 'off';
  const ownTerms = termsFile === undefined ? undefined : await readOwnText('TERMS_FILE', termsFile);
  const moderatesOwnKeys = ownTerms !== undefined && OWN_KEYS_TOO.test(ownTerms);
  if (moderatesOwnKeys && !isModerated) {
    throw new StartError(
      'TERMS_FILE says that turns on own keys are moderated, and MODERATION is off.',
    );
  }
  const baseUrls: Readonly<Record<string, string | undefined>> = config.baseUrls;
  const hostOf = (provider: ProviderId) =>
    provider === 'offline'
      ? undefined
      : otherHost(providerEntry(provider).baseUrl, baseUrls[provider]);
  const privacyFacts: PrivacyFacts = {
    historyDays: config.historyDays,
    house:
      house.provider === 'offline'
        ? undefined
        : {
            providerName: providerEntry(house.provider).name,
            model: house.model,
            host: hostOf(house.provider),
          },
    moderation:
      moderation.mode === 'off'
        ? undefined
        : {
            keyOf: moderation.key?.of ?? 'moderation',
            host: moderation.key?.of === 'house' ? hostOf('openai') : undefined,
            ownKeysToo: moderatesOwnKeys,
            days: moderation.days,
          },
    otherHosts: remoteProviders.flatMap(({ id, name }) => {
      const host = hostOf(id);
      return host === undefined ? [] : [{ providerName: name, host }];
    }),
  };
  return {
    privacy:
      privacyFile === undefined
        ? privacyText(privacyFacts)
        : await readOwnText('PRIVACY_FILE', privacyFile),
    terms:
      ownTerms?.replace(OWN_KEYS_TOO, ownKeysAreModerated) ??
      termsText({
        gives: free.windows.day ?? { turns: null, micros: null },
        isModerated,
      }),
    moderatesOwnKeys,
  };
}

/**
 * A text of the operator's own, in Markdown.
 * @param setting the variable that named the file
 * @throws StartError when it can't be read, is empty or too long
 */
async function readOwnText(setting: string, file: string): Promise<string> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file)).trim();
  } catch {
    throw new StartError(
      `${setting} ${file} can't be read: it takes a file of text in Markdown (UTF-8).`,
    );
  }
  if (text === '') {
    throw new StartError(
      `${setting} ${file} is empty: write the text into it, or leave ${setting} out for the built-in one.`,
    );
  }
  if (text.length > MOST || text.includes('\u0000')) {
    throw new StartError(
      `${setting} ${file} is no text of at most ${MOST.toLocaleString('en-US')} characters.`,
    );
  }
  return text;
}
