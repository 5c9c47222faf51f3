import type { FundingKind } from '../funding/ledger.ts';
import type { KeyRefusal } from '../keys/api-keys.ts';
import { KEY_FAILURES, type ProviderError } from '../llm/provider.ts';
import type { Outcome } from '../text/outcomes.ts';

/** What a provider's error means to the user, which differs by whose key it was. */
export function failureOutcome(
  error: ProviderError,
  paidBy: FundingKind,
  keyRefusal?: KeyRefusal,
): Outcome {
  if (paidBy === 'pool' && KEY_FAILURES.has(error.code)) return 'pool-unavailable';
  switch (error.code) {
    case 'key-refused':
      return paidBy === 'own' ? refusalOutcome(keyRefusal) : 'house-unavailable';
    case 'no-permission':
      return paidBy === 'own' ? 'own-no-permission' : 'house-unavailable';
    case 'no-credit':
      return paidBy === 'own' ? 'own-no-credit' : 'house-unavailable';
    case 'model-not-found':
      return paidBy === 'own' ? 'model-not-found' : 'house-unavailable';
    case 'rate-limited':
      return paidBy === 'own' ? 'own-rate-limited' : 'provider-busy';
    case 'overloaded':
    case 'connection-broken':
    case 'no-answer':
      return 'provider-busy';
    case 'context-too-long':
      return 'context-too-long';
    case 'refused-by-policy':
      return 'refused-by-policy';
    case 'bad-request':
      return 'bad-request';
    case 'aborted':
      return 'stopped';
  }
}

/** Only one turn tells the owner the whole of it. */
function refusalOutcome(refusal: KeyRefusal | undefined): Outcome {
  if (refusal === 'gone') return 'own-key-replaced';
  return refusal === 'known' ? 'own-key-still-refused' : 'own-key-refused';
}
