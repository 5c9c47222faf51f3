CREATE TABLE "house_warnings" (
	"day" date NOT NULL,
	"warning" text NOT NULL,
	CONSTRAINT "house_warnings_day_warning_pk" PRIMARY KEY("day","warning")
);
--> statement-breakpoint
CREATE TABLE "plan_grants" (
	"user_id" bigint PRIMARY KEY NOT NULL,
	"plan" text NOT NULL,
	"until" timestamp with time zone,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"by" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "plan_grants" ADD CONSTRAINT "plan_grants_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "reservations_model_at" ON "reservations" USING btree ("provider","model","at");