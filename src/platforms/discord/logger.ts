/** As much of a logger as the adapter needs; pino's fits. */
export interface DiscordLogger {
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  error(data: object, message: string): void;
}
