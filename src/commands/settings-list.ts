/** The settings of a person, in the order of /settings. */

import type { Linking } from '../chat/linking.ts';
import { eq } from '../db/drizzle.ts';
import { users } from '../db/schema.ts';
import { type NextPayerParts, nextPayer } from '../funding/next-payer.ts';
import { providerEntry } from '../llm/catalogue.ts';
import { PAYER_ORDERS, payersText } from '../text/payers.ts';
import { settingsText } from '../text/settings.ts';
import { identityOf } from './linked-notices.ts';
import type { Setting } from './settings.ts';

export function personalSettings(
  parts: NextPayerParts & { readonly linking: Linking },
): readonly Setting[] {
  const { db, linking } = parts;

  async function userRow(userId: number) {
    const [user] = await db
      .select({ consentAt: users.groupConsentAt, showCost: users.showCost })
      .from(users)
      .where(eq(users.id, userId));
    return user;
  }

  const model: Setting = {
    id: 'model',
    label: settingsText.model.label,
    async read({ userId }) {
      const next = await nextPayer(parts, userId);
      return {
        value: next.pays
          ? settingsText.model.value({
              ...next.funding,
              provider: providerEntry(next.funding.provider).name,
            })
          : settingsText.model.none(next.reason),
        choices: [{ label: settingsText.model.choose, command: 'model' }],
      };
    },
  };

  const cost: Setting = {
    id: 'cost',
    label: settingsText.cost.label,
    async read({ userId }) {
      const { on, off, show, hide } = settingsText.cost;
      const isShown = (await userRow(userId))?.showCost === true;
      return {
        value: isShown ? on : off,
        choices: [isShown ? { label: hide, set: 'off' } : { label: show, set: 'on' }],
      };
    },
    async set({ userId }, choice) {
      if (choice !== 'on' && choice !== 'off') return;
      await db
        .update(users)
        .set({ showCost: choice === 'on' })
        .where(eq(users.id, userId));
    },
  };

  const payer: Setting = {
    id: 'payer',
    label: payersText.setting.label,
    async read({ userId }) {
      const chosen = await parts.payers.orderOf(userId);
      return {
        value: payersText.setting.value(chosen),
        choices: PAYER_ORDERS.filter((order) => order !== chosen).map((order) => ({
          label: payersText.setting.choice(order),
          set: order,
        })),
      };
    },
    async set({ userId }, choice) {
      const payerOrder = PAYER_ORDERS.find((order) => order === choice);
      if (payerOrder === undefined) return;
      await db.update(users).set({ payerOrder }).where(eq(users.id, userId));
    },
  };

  const consent: Setting = {
    id: 'consent',
    label: settingsText.consent.label,
    async read({ userId }) {
      const { given, notGiven, withdraw } = settingsText.consent;
      const isGiven = (await userRow(userId))?.consentAt != null;
      return isGiven
        ? { value: given, choices: [{ label: withdraw, set: 'withdraw' }] }
        : { value: notGiven, choices: [] };
    },
    async set({ userId }, choice) {
      if (choice !== 'withdraw') return;
      await db.update(users).set({ groupConsentAt: null }).where(eq(users.id, userId));
    },
  };

  const linked: Setting = {
    id: 'linked',
    label: settingsText.linked.label,
    async read(context) {
      const all = await linking.linked(identityOf(context));
      const { value, link, unlink } = settingsText.linked;
      return {
        value: value(all.map((one) => one.platform)),
        choices: [
          { label: link, command: 'link' },
          ...(all.length > 1 ? [{ label: unlink, command: 'unlink' }] : []),
        ],
      };
    },
  };

  return [model, payer, cost, consent, linked];
}
