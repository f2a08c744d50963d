import type { Clock } from "#shared/ports/clock.ts";

/** How fast a body has to come: so many bytes at least, in each so many milliseconds that we wait for it. */
export interface Pace {
  readonly leastBytes: number;
  readonly everyMs: number;
}

/** A body came too slowly: it stands still, or only trickles. */
export class TooSlow extends Error {
  override readonly name = "TooSlow";
}

/**
 * The same body, given up when it comes too slowly. Only the time in which we wait for it counts, not the time that its
 * reader takes.
 *
 * The iteration throws TooSlow, and then ends the body without waiting for it: that is for whoever opened it.
 */
export async function* timely(body: AsyncIterable<Uint8Array>, pace: Pace, clock: Clock): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  let waitedMs = 0;
  let receivedBytes = 0;
  let isOver = false;
  try {
    for (;;) {
      const before = clock.now().getTime();
      const next = await within(iterator.next(), pace.everyMs - waitedMs, pace);
      if (next.done === true) {
        isOver = true;
        return;
      }
      waitedMs += clock.now().getTime() - before;
      receivedBytes += next.value.byteLength;
      if (receivedBytes >= pace.leastBytes) waitedMs = receivedBytes = 0;
      else if (waitedMs >= pace.everyMs) throw tooSlow(pace);
      yield next.value;
    }
  } catch (error) {
    isOver = !(error instanceof TooSlow);
    throw error;
  } finally {
    // It may be waiting for bytes that never come, so nobody waits for its end, and its complaint has no listener.
    if (!isOver) void iterator.return?.().catch(() => undefined);
  }
}

/**
 * A body as a stream whose reader has to keep up: when it does not ask for more for `everyMs`, the stream ends with TooSlow,
 * and the body is ended. Nothing is read before somebody asks for it.
 */
export function attended(body: AsyncIterable<Uint8Array>, everyMs: number): ReadableStream<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  let timer: NodeJS.Timeout | undefined;
  /** Not waited for: it may be at a piece that never comes, and ends with that. */
  const leave = (): void => void iterator.return?.().catch(() => undefined);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clearTimeout(timer);
        const next = await iterator.next();
        if (next.done === true) {
          controller.close();
          return;
        }
        controller.enqueue(next.value);
        timer = setTimeout(() => {
          controller.error(new TooSlow(`It was taken too slowly: no more was asked for in ${everyMs / 1000} s.`));
          leave();
        }, everyMs);
      },
      cancel() {
        clearTimeout(timer);
        leave();
      },
    },
    { highWaterMark: 0 },
  );
}

async function within<Result>(work: Promise<Result>, ms: number, pace: Pace): Promise<Result> {
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(tooSlow(pace)), ms);
  try {
    return await Promise.race([work, overdue]);
  } finally {
    clearTimeout(timer);
  }
}

function tooSlow({ leastBytes, everyMs }: Pace): TooSlow {
  return new TooSlow(`It came too slowly: fewer than ${leastBytes} bytes in ${everyMs / 1000} s.`);
}
