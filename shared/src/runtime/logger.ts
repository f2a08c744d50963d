import { pino, type Logger } from "pino";

export type { Logger };

/** A logger that writes JSON lines to standard output, or to `destination`. */
export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  return pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      // Nothing logs these on purpose; a header object or a configuration logged by mistake still shows none of them.
      redact: {
        paths: [
          "authorization",
          "token",
          "password",
          "privateKey",
          "*.authorization",
          "*.token",
          "*.password",
          "*.privateKey",
        ],
        censor: "[redacted]",
      },
    },
    ...(destination === undefined ? [] : [destination]),
  );
}
