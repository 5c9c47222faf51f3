CREATE TABLE "forget_prompts" (
	"user_id" bigint PRIMARY KEY NOT NULL,
	"token" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "forgotten_usage" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "forgotten_usage_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"pseudonym" text NOT NULL,
	"day" date NOT NULL,
	"funding" text,
	"provider" text,
	"model" text,
	"turns" integer NOT NULL,
	"input_tokens" bigint NOT NULL,
	"cached_input_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"cost_micros" bigint NOT NULL,
	"house_micros" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "kept_limits" (
	"identity_pseudonym" text NOT NULL,
	"day" date NOT NULL,
	"turns" integer NOT NULL,
	"spent_micros" bigint NOT NULL,
	"key_checks" timestamp with time zone[] NOT NULL,
	CONSTRAINT "kept_limits_identity_pseudonym_day_pk" PRIMARY KEY("identity_pseudonym","day")
);
--> statement-breakpoint
CREATE TABLE "message_deletions" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "message_deletions_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"platform" text NOT NULL,
	"platform_chat_id" text NOT NULL,
	"message_ids" jsonb NOT NULL,
	"not_before" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sent_notices" (
	"platform" text NOT NULL,
	"platform_chat_id" text NOT NULL,
	"message_id" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sent_notices_platform_platform_chat_id_message_id_pk" PRIMARY KEY("platform","platform_chat_id","message_id")
);
--> statement-breakpoint
CREATE TABLE "tombstones" (
	"user_pseudonym" text PRIMARY KEY NOT NULL,
	"identity_pseudonyms" jsonb NOT NULL,
	"forgotten_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "turns" ALTER COLUMN "chat_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "exported_at" timestamp with time zone[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "forget_prompts" ADD CONSTRAINT "forget_prompts_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "forgotten_usage_day" ON "forgotten_usage" USING btree ("day");--> statement-breakpoint
CREATE INDEX "sent_notices_at" ON "sent_notices" USING btree ("at");--> statement-breakpoint
CREATE INDEX "turns_words" ON "turns" USING btree ("finished_at") WHERE finished_at is not null and chat_id is not null;