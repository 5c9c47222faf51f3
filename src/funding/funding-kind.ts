/** Who pays. */
export type FundingKind = 'own' | 'pool' | 'credit' | 'house';
