/** Asks the moderation endpoint about texts and images of any size, and knows when not to. */

import { createHash } from 'node:crypto';
import {
  MODERATED_IMAGES,
  type ModeratedImage,
  type Moderator,
  type Scores,
} from '../llm/moderator.ts';
import { ProviderError } from '../llm/provider.ts';
import { type Category, flaggedCategories, highest, type Thresholds } from './thresholds.ts';

/** In UTF-16 units: what is wrong in a long text is diluted by the rest of it. */
const PIECE = 2_000;
/** Each piece begins with the end of the one before, so that nothing hides in the cut. */
const OVERLAP = 200;
/** Beyond 32,768 tokens a request is truncated in silence: so many pieces stay below it. */
const PIECES_A_REQUEST = 10;
const REQUESTS_AT_ONCE = 4;
const TRIES = 2;
/** A refusal for the rate is waited for so long, in milliseconds. */
const MOST_WAIT_MS = 1_000;
/** What fails is left alone for so long, in milliseconds: nobody waits for what does not answer. */
const DOWN_MS = 10_000;
/** Texts that are known to have passed: what was said before is context again and again. */
const MOST_REMEMBERED = 5_000;

export interface Material {
  readonly texts: readonly string[];
  readonly images: readonly ModeratedImage[];
}

export interface Verdict {
  /** `unchecked`: the service can't be asked, or did not answer for all of it. */
  readonly action: 'passed' | 'flagged' | 'unchecked';
  readonly categories: readonly Category[];
  readonly scores: Scores;
}

export interface Checker {
  /** Never throws. */
  check(material: Material): Promise<Verdict>;
  /** Whether this very text passed before. */
  hasPassed(text: string): boolean;
  remember(text: string): void;
}

export function createChecker({
  moderator,
  thresholds,
  onDown,
  downMs = DOWN_MS,
  now = () => performance.now(),
}: {
  /** Undefined: there is no key that moderates. */
  readonly moderator: Moderator | undefined;
  readonly thresholds: Thresholds;
  /** Hears why something could not be checked. */
  readonly onDown: (code: string) => void;
  readonly downMs?: number | undefined;
  readonly now?: () => number;
}): Checker {
  const passed = new Set<string>();
  let downUntil = Number.NEGATIVE_INFINITY;

  async function ask<T>(question: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    for (let tries = 1; ; tries += 1) {
      if (now() < downUntil) return undefined;
      try {
        return await question(new AbortController().signal);
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error;
        const waitMs = error.retryAfterMs ?? 100;
        if (error.retryable && tries < TRIES && waitMs <= MOST_WAIT_MS && !isSlow(error)) {
          await new Promise((resolve) => setTimeout(resolve, waitMs));
          continue;
        }
        // What is wrong with one request says nothing of the next.
        if (error.code !== 'bad-request') downUntil = now() + downMs;
        onDown(error.code);
        return undefined;
      }
    }
  }

  async function scoresOf({ texts, images }: Material): Promise<readonly (Scores | undefined)[]> {
    if (moderator === undefined) return [undefined];
    const pieces = texts.flatMap(piecesOf);
    const questions: (() => Promise<readonly Scores[] | undefined>)[] = [];
    for (let at = 0; at < pieces.length; at += PIECES_A_REQUEST) {
      const some = pieces.slice(at, at + PIECES_A_REQUEST);
      questions.push(() => ask((signal) => moderator.scoreTexts(some, signal)));
    }
    for (const image of images) {
      questions.push(async () =>
        MODERATED_IMAGES.has(image.mediaType)
          ? ask(async (signal) => [await moderator.scoreImage(image, signal)])
          : undefined,
      );
    }
    const all: (Scores | undefined)[] = [];
    for (let at = 0; at < questions.length; at += REQUESTS_AT_ONCE) {
      const some = questions.slice(at, at + REQUESTS_AT_ONCE);
      for (const answer of await Promise.all(some.map((question) => question()))) {
        all.push(...(answer ?? [undefined]));
      }
    }
    return all;
  }

  return {
    async check(material) {
      const all = await scoresOf(material);
      const known = all.filter((scores) => scores !== undefined);
      const scores = highest(known);
      const categories = flaggedCategories(scores, thresholds);
      if (categories.length > 0) return { action: 'flagged', categories, scores };
      if (known.length < all.length) return { action: 'unchecked', categories, scores };
      for (const text of material.texts) this.remember(text);
      return { action: 'passed', categories, scores };
    },
    hasPassed: (text) => passed.has(digest(text)),
    remember(text) {
      if (passed.size >= MOST_REMEMBERED) {
        const [oldest = ''] = passed;
        passed.delete(oldest);
      }
      passed.add(digest(text));
    },
  };
}

/** It has taken all the time that there is. */
function isSlow(error: ProviderError): boolean {
  return error.code === 'no-answer';
}

function piecesOf(text: string): readonly string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += PIECE) {
    const piece = text.slice(Math.max(0, at - OVERLAP), at + PIECE);
    // The endpoint refuses what is blank.
    if (piece.trim() !== '') pieces.push(piece.toWellFormed());
  }
  return pieces;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
