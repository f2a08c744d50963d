import { liveStepBytes, type LiveStepEnd } from "#shared/ports/live-logs.ts";
import type { ArtifactsClient } from "./artifacts-client.ts";

/** Sends what a step prints, redacted already, to those who watch: soon, and in few requests. */
export interface LiveLog {
  write(bytes: Buffer): void;
  /** Sends the rest. Resolves when it was sent, or could not be. */
  finish(end: LiveStepEnd): Promise<void>;
}

/** People read no faster. */
const everyMs = 500;
const mostChunkBytes = 256 << 10;

export function openLiveLog(artifacts: Pick<ArtifactsClient, "follow">, step: number): LiveLog {
  let pending: Buffer[] = [];
  let offset = 0;
  let kept = 0;
  let sending: Promise<void> = Promise.resolve();

  const send = (end?: LiveStepEnd): void => {
    const bytes = Buffer.concat(pending);
    pending = [];
    const at = offset;
    offset += bytes.length;
    // One after the other. What is lost is in the finished log.
    sending = sending.then(() => artifacts.follow(step, at, bytes, end)).catch(() => undefined);
  };
  send();
  const timer = setInterval(() => {
    if (pending.length > 0) send();
  }, everyMs);

  return {
    write(bytes) {
      const part = bytes.subarray(0, Math.max(0, liveStepBytes - kept));
      if (part.length === 0) return;
      kept += part.length;
      pending.push(Buffer.from(part));
      if (pending.reduce((sum, { length }) => sum + length, 0) >= mostChunkBytes) send();
    },
    async finish(end) {
      clearInterval(timer);
      send(end);
      await sending;
    },
  };
}
