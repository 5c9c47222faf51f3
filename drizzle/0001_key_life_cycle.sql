CREATE TABLE "own_limits" (
	"user_id" bigint PRIMARY KEY NOT NULL,
	"day_limit_micros" bigint,
	"month_limit_micros" bigint,
	"day" date NOT NULL,
	"day_spent_micros" bigint DEFAULT 0 NOT NULL,
	"day_reserved_micros" bigint DEFAULT 0 NOT NULL,
	"month" date NOT NULL,
	"month_spent_micros" bigint DEFAULT 0 NOT NULL,
	"month_reserved_micros" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "own_limits_not_negative" CHECK (day_spent_micros >= 0 and day_reserved_micros >= 0 and month_spent_micros >= 0 and month_reserved_micros >= 0 and coalesce(day_limit_micros, 1) > 0 and coalesce(month_limit_micros, 1) > 0)
);
--> statement-breakpoint
CREATE TABLE "own_reservations" (
	"turn_id" bigint NOT NULL,
	"attempt" integer NOT NULL,
	"user_id" bigint NOT NULL,
	"day" date NOT NULL,
	"amount_micros" bigint NOT NULL,
	"settled_at" timestamp with time zone,
	CONSTRAINT "own_reservations_turn_id_attempt_pk" PRIMARY KEY("turn_id","attempt")
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "refused_by_turn" bigint;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "forget_after_days" integer;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "expires_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "show_cost" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "own_limits" ADD CONSTRAINT "own_limits_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "own_reservations" ADD CONSTRAINT "own_reservations_turn_id_turns_id_fk" FOREIGN KEY ("turn_id") REFERENCES "public"."turns"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "api_keys_expiry" ON "api_keys" USING btree ("expires_at") WHERE expires_at is not null;