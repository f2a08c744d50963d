import { describe, expect, test } from "vitest";
import { createManualClock } from "#shared/adapters/memory/manual-clock.ts";
import { noon } from "#shared/testing/builders.ts";
import { attended, timely, TooSlow } from "./timely.ts";

const pace = { leastBytes: 10, everyMs: 1_000 };

/** A body of pieces, each so many bytes long after so many milliseconds. */
function bodyOf(
  clock: ReturnType<typeof createManualClock>,
  ...pieces: readonly (readonly [bytes: number, ms: number])[]
) {
  const seen = { pieces: 0, isEnded: false };
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      for (const [bytes, ms] of pieces) {
        clock.advance(ms);
        seen.pieces += 1;
        yield new Uint8Array(bytes);
      }
    } finally {
      seen.isEnded = true;
    }
  }
  return { body: body(), seen };
}

async function read(body: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const piece of body) bytes += piece.byteLength;
  return bytes;
}

describe("a body", () => {
  test("comes through as it is, however long it takes, while it keeps its pace", async () => {
    const clock = createManualClock(noon);
    const { body } = bodyOf(clock, [10, 900], [10, 999], [4, 500], [6, 400], [3, 100]);
    expect(await read(timely(body, pace, clock))).toBe(33);
  });

  test("that trickles is given up, though something always comes", async () => {
    const clock = createManualClock(noon);
    const { body, seen } = bodyOf(clock, [10, 0], [1, 400], [1, 400], [1, 400], [10, 0]);
    await expect(read(timely(body, pace, clock))).rejects.toThrow(
      new TooSlow("It came too slowly: fewer than 10 bytes in 1 s."),
    );
    expect(seen).toEqual({ pieces: 4, isEnded: true });
  });

  test("that stands still is given up, and its end is not waited for", async () => {
    const clock = createManualClock(noon);
    async function* still(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10);
      await new Promise(() => {});
    }
    await expect(read(timely(still(), { ...pace, everyMs: 5 }, clock))).rejects.toThrow(TooSlow);
  });

  test("does not pay for a slow reader", async () => {
    const clock = createManualClock(noon);
    const { body } = bodyOf(clock, [1, 300], [1, 300], [1, 300]);
    let bytes = 0;
    for await (const piece of timely(body, pace, clock)) {
      bytes += piece.byteLength;
      clock.advance(60_000);
    }
    expect(bytes).toBe(3);
  });

  test("that breaks keeps its own error", async () => {
    const clock = createManualClock(noon);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1);
      throw new RangeError("broken");
    }
    await expect(read(timely(broken(), pace, clock))).rejects.toThrow(new RangeError("broken"));
  });

  test("is ended when its reader leaves", async () => {
    const clock = createManualClock(noon);
    const { body, seen } = bodyOf(clock, [1, 0], [1, 0]);
    for await (const _ of timely(body, pace, clock)) break;
    expect(seen).toEqual({ pieces: 1, isEnded: true });
  });
});

describe("a stream", () => {
  async function* pieces(seen: { isEnded: boolean }): AsyncGenerator<Uint8Array> {
    try {
      for (const each of [1, 2, 3]) yield new Uint8Array(each);
    } finally {
      seen.isEnded = true;
    }
  }

  test("has all of the body, for a reader that keeps up", async () => {
    const seen = { isEnded: false };
    expect(await read(attended(pieces(seen), 10_000))).toBe(6);
    expect(seen.isEnded).toBe(true);
  });

  test("is lost to a reader that stops reading, and so is the body", async () => {
    const seen = { isEnded: false };
    const reader = attended(pieces(seen), 5).getReader();
    await reader.read();
    await expect(reader.closed).rejects.toThrow("It was taken too slowly: no more was asked for in 0.005 s.");
    expect(seen.isEnded).toBe(true);
  });

  test("ends the body when its reader leaves", async () => {
    const seen = { isEnded: false };
    const stream = attended(pieces(seen), 5);
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel();
    expect(seen.isEnded).toBe(true);
  });
});
