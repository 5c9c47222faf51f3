/** Who can pay. */
export const FUNDING_KINDS = ['own', 'pool', 'credit', 'house'] as const;

/** Who pays. */
export type FundingKind = (typeof FUNDING_KINDS)[number];
