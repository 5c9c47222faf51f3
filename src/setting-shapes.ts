/** The shapes of settings: each parses one variable's text, and its error says what it takes. */

import { z } from 'zod';
import type { PlatformName } from './chat/message.ts';
import { MICROS_PER_USD } from './funding/money.ts';
import { Secret } from './secret.ts';

export interface Operator {
  readonly platform: PlatformName;
  readonly platformUserId: string;
}

export function secret(shape: RegExp, takes: string) {
  return z
    .string()
    .regex(shape, { error: takes })
    .transform((value) => new Secret(value))
    .optional();
}

export function secretAddress(protocol: RegExp, takes: string) {
  return secretThat((value) => hasProtocol(value, protocol), takes);
}

export function secretThat(isTaken: (value: string) => boolean, takes: string) {
  return z
    .string()
    .refine(isTaken, { error: takes })
    .transform((value) => new Secret(value))
    .optional();
}

export function address(protocol: RegExp, takes: string) {
  return z
    .string()
    .refine((value) => hasProtocol(value, protocol), { error: takes })
    .transform((value) => value.replace(/\/+$/, ''));
}

function hasProtocol(value: string, protocol: RegExp): boolean {
  return URL.canParse(value) && protocol.test(new URL(value).protocol) && !/\s/.test(value);
}

export function whole(least: number, most: number) {
  return z
    .string()
    .refine((value) => /^\d{1,9}$/.test(value) && +value >= least && +value <= most, {
      error: `a whole number from ${least} to ${most}`,
    })
    .transform(Number);
}

/** Micro-dollars from dollars, digit by digit: no fraction of a binary number comes in. */
export function dollars() {
  return z
    .string()
    .regex(/^\d{1,6}(\.\d{1,6})?$/, { error: 'dollars, such as 0.10, with up to six decimals' })
    .transform((value) => {
      const [whole = '0', fraction = ''] = value.split('.');
      return Number(whole) * MICROS_PER_USD + Number(fraction.padEnd(6, '0'));
    });
}

export function operators() {
  return z
    .string()
    .regex(/^(telegram|discord):\d+(\s*,\s*(telegram|discord):\d+)*$/, {
      error: 'telegram:ID,discord:ID, each ID a number',
    })
    .transform((value) =>
      value.split(',').map((entry): Operator => {
        const [platform = '', platformUserId = ''] = entry.trim().split(':');
        return { platform: platform === 'telegram' ? 'telegram' : 'discord', platformUserId };
      }),
    );
}
