CREATE TABLE "pool_chats" (
	"platform" text NOT NULL,
	"whole_id" text NOT NULL,
	"pool_id" bigint NOT NULL,
	CONSTRAINT "pool_chats_platform_whole_id_pk" PRIMARY KEY("platform","whole_id")
);
--> statement-breakpoint
CREATE TABLE "pool_invites" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "pool_invites_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"pool_id" bigint NOT NULL,
	"digest" text NOT NULL,
	"name" "bytea",
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "pool_invites_digest_unique" UNIQUE("digest")
);
--> statement-breakpoint
CREATE TABLE "pool_members" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "pool_members_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"pool_id" bigint NOT NULL,
	"user_id" bigint,
	"owner_id" bigint,
	"identity_pseudonym" text NOT NULL,
	"state" text NOT NULL,
	"name" "bytea",
	"model" text,
	"joined_at" timestamp with time zone NOT NULL,
	"reviewed_since" timestamp with time zone,
	"chosen_at" timestamp with time zone,
	CONSTRAINT "pool_members_identity" UNIQUE("pool_id","identity_pseudonym")
);
--> statement-breakpoint
CREATE TABLE "pools" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "pools_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"user_id" bigint,
	"owner_id" bigint,
	"name" text NOT NULL,
	"provider" text NOT NULL,
	"key_id" bigint NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"settings" jsonb NOT NULL,
	"problem" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "moderation_log" ADD COLUMN "pool_id" bigint;--> statement-breakpoint
ALTER TABLE "pool_chats" ADD CONSTRAINT "pool_chats_pool_id_pools_id_fk" FOREIGN KEY ("pool_id") REFERENCES "public"."pools"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pool_invites" ADD CONSTRAINT "pool_invites_pool_id_pools_id_fk" FOREIGN KEY ("pool_id") REFERENCES "public"."pools"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pool_members" ADD CONSTRAINT "pool_members_pool_id_pools_id_fk" FOREIGN KEY ("pool_id") REFERENCES "public"."pools"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pool_members" ADD CONSTRAINT "pool_members_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pool_members" ADD CONSTRAINT "pool_members_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pools" ADD CONSTRAINT "pools_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pools" ADD CONSTRAINT "pools_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "pool_chats_pool" ON "pool_chats" USING btree ("pool_id");--> statement-breakpoint
CREATE INDEX "pool_invites_pool" ON "pool_invites" USING btree ("pool_id");--> statement-breakpoint
CREATE UNIQUE INDEX "pool_members_user" ON "pool_members" USING btree ("user_id","pool_id") WHERE user_id is not null;--> statement-breakpoint
CREATE INDEX "pools_user" ON "pools" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "pools_name" ON "pools" USING btree ("user_id","name") WHERE state <> 'closed';