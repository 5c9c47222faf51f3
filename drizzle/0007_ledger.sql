-- One ledger for everybody who pays: house_days, allowance_days, chat_days and what own_limits counted
-- become rows of "budgets", and own_reservations joins "reservations". All in one transaction.
-- A process of an older version that still runs finds the old tables gone: it can reserve and settle
-- nothing any more, so that it asks no provider; its turns go back into the line and are ended by the
-- new one, which counts in full what it had under way. At its next start it is refused.
CREATE TABLE "budget_entries" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "budget_entries_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"budget_id" bigint NOT NULL,
	"kind" text NOT NULL,
	"turns" integer DEFAULT 0 NOT NULL,
	"micros" bigint DEFAULT 0 NOT NULL,
	"reason" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "budgets" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "budgets_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"holder_kind" text NOT NULL,
	"holder_id" text NOT NULL,
	"user_id" bigint,
	"period" text NOT NULL,
	"starts" timestamp with time zone NOT NULL,
	"turns" integer DEFAULT 0 NOT NULL,
	"spent_micros" bigint DEFAULT 0 NOT NULL,
	"reserved_micros" bigint DEFAULT 0 NOT NULL,
	"granted_micros" bigint DEFAULT 0 NOT NULL,
	"shared_with" bigint,
	"shared_turns" integer DEFAULT 0 NOT NULL,
	"shared_micros" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "budgets_window" UNIQUE("holder_kind","holder_id","period","starts"),
	CONSTRAINT "budgets_not_negative" CHECK (turns >= 0 and spent_micros >= 0 and reserved_micros >= 0 and granted_micros >= 0)
);
--> statement-breakpoint
ALTER TABLE "own_limits" DROP CONSTRAINT "own_limits_not_negative";
--> statement-breakpoint
ALTER TABLE "kept_limits" DROP CONSTRAINT "kept_limits_identity_pseudonym_day_pk";
--> statement-breakpoint
ALTER TABLE "kept_limits" ADD COLUMN "period" text DEFAULT 'day' NOT NULL;
--> statement-breakpoint
ALTER TABLE "kept_limits" ADD COLUMN "starts" timestamp with time zone;
--> statement-breakpoint
UPDATE "kept_limits" SET starts = day::timestamp at time zone 'UTC';
--> statement-breakpoint
ALTER TABLE "reservations" ADD COLUMN "funding" text;
--> statement-breakpoint
ALTER TABLE "reservations" ADD COLUMN "funding_id" bigint;
--> statement-breakpoint
ALTER TABLE "reservations" ADD COLUMN "provider" text;
--> statement-breakpoint
ALTER TABLE "reservations" ADD COLUMN "model" text;
--> statement-breakpoint
ALTER TABLE "reservations" ADD COLUMN "tokens" bigint;
--> statement-breakpoint
ALTER TABLE "reservations" ADD COLUMN "at" timestamp with time zone;
--> statement-breakpoint
ALTER TABLE "reservations" ADD COLUMN "answered" boolean;
--> statement-breakpoint
ALTER TABLE "reservations" ADD COLUMN "spent_budgets" bigint[] DEFAULT '{}' NOT NULL;
--> statement-breakpoint
ALTER TABLE "reservations" ADD COLUMN "answered_budgets" bigint[] DEFAULT '{}' NOT NULL;
--> statement-breakpoint
ALTER TABLE "turns" ADD COLUMN "funding_id" bigint;
--> statement-breakpoint
ALTER TABLE "turns" ADD COLUMN "payer_choice" text;
--> statement-breakpoint
ALTER TABLE "turns" ADD COLUMN "price_assumed" boolean DEFAULT false NOT NULL;
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "payer_order" text DEFAULT 'own-first' NOT NULL;
--> statement-breakpoint
ALTER TABLE "budget_entries" ADD CONSTRAINT "budget_entries_budget_id_budgets_id_fk" FOREIGN KEY ("budget_id") REFERENCES "public"."budgets"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "budgets" ADD CONSTRAINT "budgets_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
CREATE INDEX "budget_entries_budget" ON "budget_entries" USING btree ("budget_id");
--> statement-breakpoint
CREATE INDEX "budgets_user" ON "budgets" USING btree ("user_id") WHERE user_id is not null;
--> statement-breakpoint
CREATE INDEX "reservations_user_at" ON "reservations" USING btree ("user_id","at");
--> statement-breakpoint
CREATE INDEX "reservations_payer_at" ON "reservations" USING btree ("funding","funding_id","at");
--> statement-breakpoint
ALTER TABLE "own_limits" ADD CONSTRAINT "own_limits_not_negative" CHECK (coalesce(day_limit_micros, 1) > 0 and coalesce(month_limit_micros, 1) > 0);
--> statement-breakpoint
-- What was settled before this is in nobody's budget row by row: it is carried over in sums, below.
UPDATE reservations r SET funding = 'house', provider = coalesce(t.provider, ''), model = coalesce(t.model, ''),
	tokens = coalesce(t.input_tokens, 0) + coalesce(t.output_tokens, 0),
	at = coalesce(t.called_at, t.created_at),
	answered = CASE WHEN r.settled_at IS NULL THEN NULL ELSE r.charged_micros >= r.settled_micros END
FROM turns t WHERE t.id = r.turn_id;
--> statement-breakpoint
INSERT INTO reservations (turn_id, attempt, user_id, day, funding, provider, model, amount_micros, tokens, at, settled_at, settled_micros, answered)
SELECT o.turn_id, o.attempt, o.user_id, o.day, 'own', coalesce(t.provider, ''), coalesce(t.model, ''), o.amount_micros,
	coalesce(t.input_tokens, 0) + coalesce(t.output_tokens, 0), coalesce(t.called_at, t.created_at), o.settled_at,
	CASE WHEN o.settled_at IS NULL THEN NULL ELSE coalesce(t.cost_micros, 0) END,
	CASE WHEN o.settled_at IS NULL THEN NULL ELSE t.answer IS NOT NULL END
FROM own_reservations o JOIN turns t ON t.id = o.turn_id ON CONFLICT DO NOTHING;
--> statement-breakpoint
INSERT INTO budgets (holder_kind, holder_id, period, starts, spent_micros)
SELECT 'house', '', 'day', day::timestamp at time zone 'UTC', spent_micros FROM house_days;
--> statement-breakpoint
INSERT INTO budgets (holder_kind, holder_id, period, starts, turns, spent_micros)
SELECT 'chat', platform || ':' || whole_id, 'day', day::timestamp at time zone 'UTC', turns, spent_micros FROM chat_days;
--> statement-breakpoint
INSERT INTO budgets (holder_kind, holder_id, user_id, period, starts, turns, spent_micros, shared_with, shared_turns, shared_micros)
SELECT 'user', user_id::text, user_id, 'day', day::timestamp at time zone 'UTC', turns, spent_micros, shared_with, shared_turns, shared_micros
FROM allowance_days;
--> statement-breakpoint
INSERT INTO budgets (holder_kind, holder_id, user_id, period, starts, spent_micros)
SELECT 'own', user_id::text, user_id, 'day', day::timestamp at time zone 'UTC', day_spent_micros FROM own_limits
UNION ALL
SELECT 'own', user_id::text, user_id, 'month', month::timestamp at time zone 'UTC', month_spent_micros FROM own_limits;
--> statement-breakpoint
-- From now on own keys are counted whether or not there is a limit: this month's turns begin it.
INSERT INTO budgets (holder_kind, holder_id, user_id, period, starts, turns, spent_micros)
SELECT 'own', t.user_id::text, t.user_id, w.period, w.starts, count(*), coalesce(sum(t.cost_micros), 0)
FROM (VALUES ('day', date_trunc('day', now() at time zone 'UTC') at time zone 'UTC'), ('month', date_trunc('month', now() at time zone 'UTC') at time zone 'UTC')) AS w (period, starts)
JOIN turns t ON t.funding = 'own' AND t.answered_at >= w.starts AND t.answer IS NOT NULL
GROUP BY t.user_id, w.period, w.starts ON CONFLICT DO NOTHING;
--> statement-breakpoint
UPDATE reservations r SET
	spent_budgets = ARRAY(
		SELECT b.id FROM budgets b WHERE
			(r.funding = 'house' AND b.holder_kind = 'house' AND b.holder_id = '' AND b.period = 'day' AND b.starts = r.day::timestamp at time zone 'UTC')
			OR (r.funding = 'house' AND b.holder_kind = 'chat' AND b.holder_id = r.chat_platform || ':' || r.chat_whole_id AND b.period = 'day' AND b.starts = r.day::timestamp at time zone 'UTC')
			OR (r.funding = 'own' AND b.holder_kind = 'own' AND b.holder_id = r.user_id::text AND b.period = 'day' AND b.starts = r.day::timestamp at time zone 'UTC')
			OR (r.funding = 'own' AND b.holder_kind = 'own' AND b.holder_id = r.user_id::text AND b.period = 'month' AND b.starts = date_trunc('month', r.day::timestamp) at time zone 'UTC')),
	answered_budgets = ARRAY(
		SELECT b.id FROM budgets b WHERE r.funding = 'house' AND b.holder_kind = 'user' AND b.holder_id = r.user_id::text
			AND b.period = 'day' AND b.starts = r.day::timestamp at time zone 'UTC')
WHERE r.settled_at IS NULL;
--> statement-breakpoint
INSERT INTO budget_entries (budget_id, kind, turns, micros, reason)
SELECT b.id, 'adjust', greatest(0, b.turns - coalesce(o.turns, 0)), b.spent_micros, 'carried-over'
FROM budgets b LEFT JOIN (
	SELECT held.id, count(*)::int AS turns FROM reservations r, unnest(r.spent_budgets || r.answered_budgets) AS held (id)
	WHERE r.settled_at IS NULL GROUP BY held.id
) o ON o.id = b.id
WHERE b.turns <> 0 OR b.spent_micros <> 0;
--> statement-breakpoint
UPDATE budgets b SET reserved_micros = o.micros, turns = greatest(b.turns, o.turns)
FROM (
	SELECT held.id, count(*)::int AS turns, sum(r.amount_micros)::bigint AS micros
	FROM reservations r, unnest(r.spent_budgets || r.answered_budgets) AS held (id)
	WHERE r.settled_at IS NULL GROUP BY held.id
) o WHERE o.id = b.id;
--> statement-breakpoint
ALTER TABLE "kept_limits" ADD CONSTRAINT "kept_limits_identity_pseudonym_period_starts_pk" PRIMARY KEY("identity_pseudonym","period","starts");
--> statement-breakpoint
ALTER TABLE "kept_limits" ALTER COLUMN "starts" SET NOT NULL;
--> statement-breakpoint
ALTER TABLE "reservations" ALTER COLUMN "funding" SET NOT NULL;
--> statement-breakpoint
ALTER TABLE "reservations" ALTER COLUMN "provider" SET NOT NULL;
--> statement-breakpoint
ALTER TABLE "reservations" ALTER COLUMN "model" SET NOT NULL;
--> statement-breakpoint
ALTER TABLE "reservations" ALTER COLUMN "tokens" SET NOT NULL;
--> statement-breakpoint
ALTER TABLE "reservations" ALTER COLUMN "at" SET NOT NULL;
--> statement-breakpoint
DROP TABLE "allowance_days" CASCADE;
--> statement-breakpoint
DROP TABLE "chat_days" CASCADE;
--> statement-breakpoint
DROP TABLE "house_days" CASCADE;
--> statement-breakpoint
DROP TABLE "own_reservations" CASCADE;
--> statement-breakpoint
ALTER TABLE "kept_limits" DROP COLUMN "day";
--> statement-breakpoint
ALTER TABLE "own_limits" DROP COLUMN "day";
--> statement-breakpoint
ALTER TABLE "own_limits" DROP COLUMN "day_spent_micros";
--> statement-breakpoint
ALTER TABLE "own_limits" DROP COLUMN "day_reserved_micros";
--> statement-breakpoint
ALTER TABLE "own_limits" DROP COLUMN "month";
--> statement-breakpoint
ALTER TABLE "own_limits" DROP COLUMN "month_spent_micros";
--> statement-breakpoint
ALTER TABLE "own_limits" DROP COLUMN "month_reserved_micros";
--> statement-breakpoint
ALTER TABLE "reservations" DROP COLUMN "day";
--> statement-breakpoint
ALTER TABLE "reservations" DROP COLUMN "charged_micros";
--> statement-breakpoint
ALTER TABLE "reservations" DROP COLUMN "chat_platform";
--> statement-breakpoint
ALTER TABLE "reservations" DROP COLUMN "chat_whole_id";
