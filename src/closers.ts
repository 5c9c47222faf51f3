/** What was opened is closed in reverse order, each once, whatever one of them does. */

export interface Closers {
  readonly onClose: (close: () => Promise<void>) => void;
  close(): Promise<void>;
}

export function createClosers(onError: (error: unknown) => void = () => undefined): Closers {
  const closers: (() => Promise<void>)[] = [];
  return {
    onClose: (close) => void closers.push(close),
    async close() {
      for (const close of closers.splice(0).reverse()) await close().catch(onError);
    },
  };
}
