/** From which score on a category counts: our own, since OpenAI's `flagged` is tuned for no coding bot. */

import type { Scores } from '../llm/moderator.ts';

export type Category = keyof typeof THRESHOLDS;
export type Thresholds = Readonly<Record<Category, number>>;

/**
 * Code talks of killing children and attacking ports: plain violence, harassment and illicit advice
 * have to be plain indeed. What providers close accounts for counts early.
 */
export const THRESHOLDS = {
  'sexual/minors': 0.2,
  'hate/threatening': 0.5,
  'harassment/threatening': 0.6,
  'illicit/violent': 0.6,
  'self-harm/instructions': 0.6,
  hate: 0.7,
  'self-harm': 0.85,
  'self-harm/intent': 0.85,
  illicit: 0.85,
  sexual: 0.85,
  harassment: 0.9,
  violence: 0.95,
  'violence/graphic': 0.95,
} as const;

/** Who writes so needs help, not a warning: it is not sent on, and not counted. */
const DISTRESS: ReadonlySet<string> = new Set(['self-harm', 'self-harm/intent']);

export function isCategory(name: string): name is Category {
  return Object.hasOwn(THRESHOLDS, name);
}

/** The categories whose score reached their threshold. */
export function flaggedCategories(scores: Scores, thresholds: Thresholds): readonly Category[] {
  return Object.keys(thresholds)
    .filter(isCategory)
    .filter((category) => (scores[category] ?? 0) >= thresholds[category]);
}

export function isDistress(categories: readonly string[]): boolean {
  return categories.length > 0 && categories.every((category) => DISTRESS.has(category));
}

/** The highest score of each category. */
export function highest(all: readonly Scores[]): Scores {
  const most: Record<string, number> = {};
  for (const scores of all) {
    for (const [category, score] of Object.entries(scores)) {
      most[category] = Math.max(most[category] ?? 0, score);
    }
  }
  return most;
}
