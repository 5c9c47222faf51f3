/** All properties, in three parts that take about as long. */

import * as discord from './properties/discord.ts';
import * as files from './properties/files.ts';
import { httpRequests } from './properties/http.ts';
import * as operators from './properties/operators.ts';
import * as providers from './properties/providers.ts';
import * as rendering from './properties/rendering.ts';
import { telegramUpdates } from './properties/telegram.ts';
import * as texts from './properties/texts.ts';
import { vaultAnswers } from './properties/vault.ts';
import type { FuzzProperty } from './property.ts';

export const CHATS: readonly FuzzProperty[] = [
  telegramUpdates,
  ...Object.values(discord),
  ...Object.values(rendering),
];
export const SERVICES: readonly FuzzProperty[] = [
  ...Object.values(providers),
  vaultAnswers,
  httpRequests,
];
export const TEXTS: readonly FuzzProperty[] = [
  ...Object.values(texts),
  ...Object.values(files),
  ...Object.values(operators),
];
