import type { Redactor } from "./redactor.ts";

/** Of each stream, for templates that read `previous_step.stdout` and the like. */
const keptForTemplatesBytes = 1 << 20;

/** Takes what a step prints, redacts it, and keeps at most so many bytes of it; the rest is read and dropped. */
export interface StepLog {
  write(stream: "stdout" | "stderr", chunk: Buffer): void;
  /** Whether no more of this stream is kept, whatever it says. */
  isFull(stream: "stdout" | "stderr"): boolean;
  finish(): { readonly log: Buffer; readonly truncated: boolean; readonly stdout: string; readonly stderr: string };
}

/**
 * The log is both streams as they came; the first MiB of each is kept apart, for templates.
 * @param show Sees the log as it grows, redacted, beyond its limit as well.
 */
export function createStepLog(redactor: Redactor, logBytes: number, show?: (bytes: Buffer) => void): StepLog {
  const log = boundedBuffer(logBytes);
  const streams = { stdout: redactor.stream(), stderr: redactor.stream() };
  const kept = { stdout: boundedBuffer(keptForTemplatesBytes), stderr: boundedBuffer(keptForTemplatesBytes) };
  const take = (stream: "stdout" | "stderr", bytes: Buffer): void => {
    log.push(bytes);
    show?.(bytes);
    kept[stream].push(bytes);
  };
  return {
    write: (stream, chunk) => take(stream, streams[stream].push(chunk)),
    isFull: (stream) => log.full() && kept[stream].full(),
    finish() {
      take("stdout", streams.stdout.end());
      take("stderr", streams.stderr.end());
      const truncated = log.full();
      const note = `\n[octobatch] The log was cut after ${logBytes} bytes; the step went on.\n`;
      return {
        log: truncated ? Buffer.concat([log.bytes(), Buffer.from(note)]) : log.bytes(),
        truncated,
        stdout: kept.stdout.bytes().toString("utf8"),
        stderr: kept.stderr.bytes().toString("utf8"),
      };
    },
  };
}

function boundedBuffer(limitBytes: number): { push(bytes: Buffer): void; full(): boolean; bytes(): Buffer } {
  const chunks: Buffer[] = [];
  let size = 0;
  let full = false;
  return {
    push(bytes) {
      if (full || bytes.length === 0) return;
      full = size + bytes.length > limitBytes;
      // A copy: a slice would keep the whole chunk alive.
      const part = full ? Buffer.from(bytes.subarray(0, limitBytes - size)) : bytes;
      chunks.push(part);
      size += part.length;
    },
    full: () => full,
    bytes: () => Buffer.concat(chunks),
  };
}
