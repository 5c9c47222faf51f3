export interface LogLine {
  readonly level: string;
  readonly data: object;
  readonly message: string;
}

export function collectingLog() {
  const lines: LogLine[] = [];
  const at = (level: string) => (data: object, message: string) => {
    lines.push({ level, data, message });
  };
  return { lines, info: at('info'), warn: at('warn'), error: at('error') };
}
