ALTER TABLE "inbox" ADD COLUMN "thread_id" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "inbox" ADD COLUMN "chat_kind" text DEFAULT 'direct' NOT NULL;