import {
  chunksOfPage,
  merged,
  reaches,
  readInOrder,
  storedOf,
  type StoredChunk,
} from "#shared/execution/live-chunks.ts";
import type { LiveAttempt, LiveLogs } from "#shared/ports/live-logs.ts";

/**
 * Live logs in this process, for tests.
 *
 * @param options.isRunning Says whether an attempt is under way; unless it is given, every one is.
 */
export function createMemoryLiveLogs(
  options: { readonly isRunning?: (attempt: LiveAttempt) => boolean } = {},
): LiveLogs {
  const { isRunning = () => true } = options;
  const attempts = new Map<string, { readonly attempt: LiveAttempt; readonly chunks: Map<string, StoredChunk> }>();
  const keyOf = ({ executionId, attempt }: LiveAttempt): string => `${executionId}/${attempt}`;
  return {
    async append(attempt, chunks) {
      if (!isRunning(attempt)) return;
      const kept = attempts.get(keyOf(attempt)) ?? { attempt, chunks: new Map<string, StoredChunk>() };
      attempts.set(keyOf(attempt), kept);
      for (const piece of storedOf(chunks)) {
        const place = `${piece.step}/${piece.offset}`;
        const before = kept.chunks.get(place);
        // A copy: the caller may go on writing.
        const copied = { ...piece, bytes: Uint8Array.from(piece.bytes) };
        kept.chunks.set(place, before === undefined ? copied : merged(before, copied));
      }
    },
    async read(attempt, after) {
      const { step, offset } = after;
      const stored = [...(attempts.get(keyOf(attempt))?.chunks.values() ?? [])].toSorted(
        (one, other) => one.step - other.step || one.offset - other.offset,
      );
      const next = stored
        .filter((chunk) => chunk.step > step || (chunk.step === step && chunk.offset + chunk.bytes.length >= offset))
        .slice(0, chunksOfPage);
      const page = readInOrder(next, after);
      if (page.chunks.length > 0 || page.state === "cut" || step + offset === 0 || stored.length === 0) return page;
      return stored.some((chunk) => reaches(chunk, after)) ? page : { chunks: [], cursor: after, state: "anew" };
    },
    async forget(attempt) {
      attempts.delete(keyOf(attempt));
    },
    async sweep() {
      let swept = 0;
      for (const [key, { attempt, chunks }] of attempts) {
        if (isRunning(attempt)) continue;
        attempts.delete(key);
        swept += chunks.size;
      }
      return swept;
    },
  };
}
