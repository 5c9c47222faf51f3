CREATE TABLE "moderation_log" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "moderation_log_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"user_id" bigint,
	"pseudonym" text,
	"turn_id" bigint,
	"direction" text NOT NULL,
	"action" text NOT NULL,
	"categories" text[] NOT NULL,
	"scores" jsonb NOT NULL,
	"consequence" text
);
--> statement-breakpoint
CREATE TABLE "suspension_identities" (
	"suspension_id" bigint NOT NULL,
	"identity_pseudonym" text NOT NULL,
	CONSTRAINT "suspension_identities_suspension_id_identity_pseudonym_pk" PRIMARY KEY("suspension_id","identity_pseudonym")
);
--> statement-breakpoint
CREATE TABLE "suspensions" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "suspensions_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"until" timestamp with time zone,
	"reason" text NOT NULL,
	"by" text NOT NULL,
	"turn_id" bigint,
	"lifted_at" timestamp with time zone,
	"user_id" bigint,
	"appealed_at" timestamp with time zone,
	"appeal" "bytea",
	"appeal_owner_id" bigint,
	CONSTRAINT "suspensions_turn_id_unique" UNIQUE("turn_id")
);
--> statement-breakpoint
ALTER TABLE "suspension_identities" ADD CONSTRAINT "suspension_identities_suspension_id_suspensions_id_fk" FOREIGN KEY ("suspension_id") REFERENCES "public"."suspensions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "moderation_log_at" ON "moderation_log" USING btree ("at");--> statement-breakpoint
CREATE INDEX "moderation_log_user" ON "moderation_log" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "suspension_identities_pseudonym" ON "suspension_identities" USING btree ("identity_pseudonym");--> statement-breakpoint
CREATE INDEX "suspensions_at" ON "suspensions" USING btree ("at");