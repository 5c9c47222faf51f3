CREATE TABLE "allowance_days" (
	"user_id" bigint NOT NULL,
	"day" date NOT NULL,
	"turns" integer DEFAULT 0 NOT NULL,
	"spent_micros" bigint DEFAULT 0 NOT NULL,
	"reserved_micros" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "allowance_days_user_id_day_pk" PRIMARY KEY("user_id","day"),
	CONSTRAINT "allowance_days_not_negative" CHECK (turns >= 0 and spent_micros >= 0 and reserved_micros >= 0)
);
--> statement-breakpoint
CREATE TABLE "api_keys" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "api_keys_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"user_id" bigint NOT NULL,
	"provider" text NOT NULL,
	"sealed" "bytea" NOT NULL,
	"hint" text NOT NULL,
	"state" text NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"checked_at" timestamp with time zone,
	"last_used_at" timestamp with time zone,
	CONSTRAINT "api_keys_user_provider" UNIQUE("user_id","provider")
);
--> statement-breakpoint
CREATE TABLE "chats" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "chats_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"platform" text NOT NULL,
	"platform_chat_id" text NOT NULL,
	"thread_id" text DEFAULT '' NOT NULL,
	"kind" text NOT NULL,
	"conversation" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "chats_address" UNIQUE("platform","platform_chat_id","thread_id")
);
--> statement-breakpoint
CREATE TABLE "data_keys" (
	"user_id" bigint PRIMARY KEY NOT NULL,
	"kid" text NOT NULL,
	"wrapped" jsonb NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "deliveries" (
	"turn_id" bigint NOT NULL,
	"part" integer NOT NULL,
	"message_id" text,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "deliveries_turn_id_part_pk" PRIMARY KEY("turn_id","part")
);
--> statement-breakpoint
CREATE TABLE "house_days" (
	"day" date PRIMARY KEY NOT NULL,
	"spent_micros" bigint DEFAULT 0 NOT NULL,
	"reserved_micros" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "house_days_not_negative" CHECK (spent_micros >= 0 and reserved_micros >= 0)
);
--> statement-breakpoint
CREATE TABLE "identities" (
	"platform" text NOT NULL,
	"platform_user_id" text NOT NULL,
	"user_id" bigint NOT NULL,
	CONSTRAINT "identities_platform_platform_user_id_pk" PRIMARY KEY("platform","platform_user_id")
);
--> statement-breakpoint
CREATE TABLE "inbox" (
	"platform" text NOT NULL,
	"platform_chat_id" text NOT NULL,
	"message_id" text NOT NULL,
	"outcome" text NOT NULL,
	"turn_id" bigint,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL,
	"handler" text,
	"handled_at" timestamp with time zone,
	CONSTRAINT "inbox_platform_platform_chat_id_message_id_pk" PRIMARY KEY("platform","platform_chat_id","message_id")
);
--> statement-breakpoint
CREATE TABLE "installation" (
	"name" text PRIMARY KEY NOT NULL,
	"value" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "key_checks" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "key_checks_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"user_id" bigint NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "key_prompts" (
	"platform" text NOT NULL,
	"platform_user_id" text NOT NULL,
	"provider" text,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "key_prompts_platform_platform_user_id_pk" PRIMARY KEY("platform","platform_user_id")
);
--> statement-breakpoint
CREATE TABLE "mailbox" (
	"user_id" bigint PRIMARY KEY NOT NULL,
	"last_seq" bigint NOT NULL,
	"open" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "pasted_keys" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "pasted_keys_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"user_id" bigint NOT NULL,
	"provider" text NOT NULL,
	"sealed" "bytea" NOT NULL,
	"hint" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "pasted_keys_user_id_unique" UNIQUE("user_id")
);
--> statement-breakpoint
CREATE TABLE "reservations" (
	"turn_id" bigint NOT NULL,
	"attempt" integer NOT NULL,
	"user_id" bigint NOT NULL,
	"day" date NOT NULL,
	"amount_micros" bigint NOT NULL,
	"settled_at" timestamp with time zone,
	"settled_micros" bigint,
	"charged_micros" bigint,
	CONSTRAINT "reservations_turn_id_attempt_pk" PRIMARY KEY("turn_id","attempt")
);
--> statement-breakpoint
CREATE TABLE "turns" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "turns_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"user_id" bigint NOT NULL,
	"chat_id" bigint NOT NULL,
	"conversation" integer NOT NULL,
	"seq" bigint NOT NULL,
	"status" text NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"worker" text,
	"lease_until" timestamp with time zone,
	"not_before" timestamp with time zone,
	"merge_key" text,
	"sent_at" timestamp with time zone NOT NULL,
	"sent_order" bigint NOT NULL,
	"platform_user_id" text NOT NULL,
	"reply_to" text NOT NULL,
	"row_key" text NOT NULL,
	"input" "bytea" NOT NULL,
	"cancel_reason" text,
	"answer" "bytea",
	"called_at" timestamp with time zone,
	"answered_at" timestamp with time zone,
	"outcome" text,
	"delivery_tries" integer DEFAULT 0 NOT NULL,
	"funding" text,
	"provider" text,
	"model" text,
	"input_tokens" bigint,
	"cached_input_tokens" bigint,
	"output_tokens" bigint,
	"cost_micros" bigint,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	CONSTRAINT "turns_user_seq" UNIQUE("user_id","seq")
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "users_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"provider" text,
	"model" text,
	"group_consent_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "allowance_days" ADD CONSTRAINT "allowance_days_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "data_keys" ADD CONSTRAINT "data_keys_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_turn_id_turns_id_fk" FOREIGN KEY ("turn_id") REFERENCES "public"."turns"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "identities" ADD CONSTRAINT "identities_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "key_checks" ADD CONSTRAINT "key_checks_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mailbox" ADD CONSTRAINT "mailbox_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pasted_keys" ADD CONSTRAINT "pasted_keys_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reservations" ADD CONSTRAINT "reservations_turn_id_turns_id_fk" FOREIGN KEY ("turn_id") REFERENCES "public"."turns"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "turns" ADD CONSTRAINT "turns_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "turns" ADD CONSTRAINT "turns_chat_id_chats_id_fk" FOREIGN KEY ("chat_id") REFERENCES "public"."chats"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "identities_user" ON "identities" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "inbox_received" ON "inbox" USING btree ("received_at");--> statement-breakpoint
CREATE INDEX "inbox_unhandled" ON "inbox" USING btree ("received_at") WHERE outcome in ('command', 'key') and handled_at is null;--> statement-breakpoint
CREATE INDEX "key_checks_user_at" ON "key_checks" USING btree ("user_id","at");--> statement-breakpoint
CREATE INDEX "turns_open" ON "turns" USING btree ("user_id","sent_at","sent_order","seq") WHERE status in ('queued', 'running');--> statement-breakpoint
CREATE UNIQUE INDEX "turns_one_running" ON "turns" USING btree ("user_id") WHERE status = 'running';--> statement-breakpoint
CREATE INDEX "turns_sweep" ON "turns" USING btree ("created_at") WHERE status in ('queued', 'running');--> statement-breakpoint
CREATE INDEX "turns_context" ON "turns" USING btree ("chat_id","conversation","id");--> statement-breakpoint
CREATE INDEX "turns_usage" ON "turns" USING btree ("user_id","finished_at");