/** Keys that look real, put together at run time so that scanners of this repository stay quiet. */

import { randomInt } from 'node:crypto';

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';
export const ALNUM = LOWER + LOWER.toUpperCase() + DIGITS;

export function randomText(length: number, alphabet = ALNUM): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}

const hex = (length: number) => randomText(length, 'abcdef0123456789');
const base64url = (length: number) => randomText(length, `${ALNUM}-_`) + randomText(1);
const sk = 's' + 'k-';

/** A key of each usable provider that has a prefix of its own. */
export const SAMPLES = {
  openai: () => `${sk}proj-${base64url(155)}`,
  anthropic: () => `${sk}ant-api03-${base64url(94)}`,
  openrouter: () => `${sk}or-v1-${hex(64)}`,
  groq: () => `gsk_${randomText(52)}`,
  gemini: () => `AIza${base64url(34)}`,
  xai: () => `xai-${randomText(80)}`,
} as const;

/** Keys without one. */
export const NAMED_SAMPLES = {
  deepseek: () => sk + hex(32),
  mistral: () => randomText(32),
} as const;

export const OTHER_SAMPLES = {
  openaiService: () => `${sk}svcacct-${base64url(100)}`,
  openaiOld: () => `${sk}${randomText(20)}T3Blbk${'FJ'}${randomText(20)}`,
  geminiNew: () => `AQ.${base64url(50)}`,
  openaiAdmin: () => `${sk}admin-${base64url(100)}`,
  anthropicAdmin: () => `${sk}ant-admin01-${base64url(94)}`,
  anthropicLogin: () => `${sk}ant-oat01-${base64url(94)}`,
  huggingface: () => `hf_${randomText(34, LOWER + LOWER.toUpperCase())}`,
  perplexity: () => `pplx-${randomText(48)}`,
  github: () => `ghp_${randomText(36)}`,
  githubFine: () => `github_pat_${randomText(22)}_${randomText(59)}`,
  replicate: () => `r8_${randomText(37)}`,
  nvidia: () => `nvapi-${base64url(63)}`,
  cerebras: () => `csk-${randomText(48, LOWER + DIGITS)}`,
  together: () => `tgp_v1_${base64url(42)}`,
  anthropicRefresh: () => `${sk}ant-ort01-${base64url(94)}`,
} as const;
