CREATE TABLE "chat_days" (
	"platform" text NOT NULL,
	"whole_id" text NOT NULL,
	"day" date NOT NULL,
	"turns" integer DEFAULT 0 NOT NULL,
	"spent_micros" bigint DEFAULT 0 NOT NULL,
	"reserved_micros" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "chat_days_platform_whole_id_day_pk" PRIMARY KEY("platform","whole_id","day"),
	CONSTRAINT "chat_days_not_negative" CHECK (turns >= 0 and spent_micros >= 0 and reserved_micros >= 0)
);
--> statement-breakpoint
CREATE TABLE "chat_settings" (
	"platform" text NOT NULL,
	"whole_id" text NOT NULL,
	"places" jsonb,
	"answers_in" text DEFAULT 'replies' NOT NULL,
	"open_to" text DEFAULT 'everybody' NOT NULL,
	"turns_per_day" integer,
	"micros_per_day" bigint,
	CONSTRAINT "chat_settings_platform_whole_id_pk" PRIMARY KEY("platform","whole_id")
);
--> statement-breakpoint
CREATE TABLE "link_attempts" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "link_attempts_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"platform" text NOT NULL,
	"platform_user_id" text NOT NULL,
	"kind" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "link_codes" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "link_codes_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"digest" text NOT NULL,
	"platform" text NOT NULL,
	"platform_user_id" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"taken_by_platform" text,
	"taken_by_user_id" text,
	CONSTRAINT "link_codes_digest_unique" UNIQUE("digest"),
	CONSTRAINT "link_codes_maker" UNIQUE("platform","platform_user_id")
);
--> statement-breakpoint
ALTER TABLE "allowance_days" ADD COLUMN "shared_with" bigint;--> statement-breakpoint
ALTER TABLE "allowance_days" ADD COLUMN "shared_turns" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "allowance_days" ADD COLUMN "shared_micros" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "owner_id" bigint;--> statement-breakpoint
ALTER TABLE "chats" ADD COLUMN "whole_id" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "identities" ADD COLUMN "own_user_id" bigint;--> statement-breakpoint
ALTER TABLE "reservations" ADD COLUMN "chat_platform" text;--> statement-breakpoint
ALTER TABLE "reservations" ADD COLUMN "chat_whole_id" text;--> statement-breakpoint
ALTER TABLE "turns" ADD COLUMN "owner_id" bigint;--> statement-breakpoint
ALTER TABLE "turns" ADD COLUMN "cost_note" text;--> statement-breakpoint
CREATE INDEX "link_attempts_identity" ON "link_attempts" USING btree ("platform","platform_user_id","at");--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "identities" ADD CONSTRAINT "identities_own_user_id_users_id_fk" FOREIGN KEY ("own_user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "turns" ADD CONSTRAINT "turns_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "turns_owner" ON "turns" USING btree ("owner_id","finished_at") WHERE owner_id is not null;