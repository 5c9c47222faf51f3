import { StartError } from '../../start-error.ts';
import { START_ERRORS } from '../../text/discord.ts';

/** Discord can't be used with the settings that there are. */
export class DiscordStartError extends StartError {
  readonly reason: keyof typeof START_ERRORS;

  constructor(reason: keyof typeof START_ERRORS) {
    super(START_ERRORS[reason]);
    this.reason = reason;
  }
}
