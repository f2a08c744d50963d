import type { Socket } from "node:net";

/** How a step ended, as far as it is known. */
export interface Ended {
  readonly end: "exited" | "timed-out";
  readonly exitCode: number;
  /** Why its word cannot be relied on. Such a step has failed: its exit code is not 0. */
  readonly doubt?: string;
}

/** What a step's shell says of itself. The step's script can write to the same pipe, and read from it. */
export interface ToldWords {
  /** Resolves with the first line, or when the pipe ends without one. */
  readonly arrived: Promise<void>;
  /** Resolves when nobody can write any more; with undefined when nothing was said since the first line. */
  readonly ended: Promise<Ended | undefined>;
}

/** More than the shell ever says. What comes before the last of it is dropped: a line may have no end. */
const keptBytes = 64;

/** Reads at once and for as long as there is a writer, so that nobody who writes waits for us. */
export function readToldWords(from: Socket): ToldWords {
  const arrival = Promise.withResolvers<void>();
  const end = Promise.withResolvers<Ended | undefined>();
  let hasArrived = false;
  let kept = "";
  let saidBytes = 0;
  from.on("data", (bytes: Buffer) => {
    let said = bytes;
    if (!hasArrived) {
      const at = bytes.indexOf("\n");
      if (at === -1) return;
      hasArrived = true;
      arrival.resolve();
      said = bytes.subarray(at + 1);
    }
    saidBytes += said.length;
    kept = (kept + said.subarray(-keptBytes).toString("latin1")).slice(-keptBytes);
  });
  // Its close follows.
  from.on("error", () => undefined);
  from.once("close", () => {
    arrival.resolve();
    end.resolve(endedBy(kept, saidBytes));
  });
  return { arrived: arrival.promise, ended: end.promise };
}

/** The last word counts, since the shell's own is the last that a step can bring about. It should be the only one. */
function endedBy(kept: string, saidBytes: number): Ended | undefined {
  if (saidBytes === 0) return undefined;
  const [last, how, code] = /(?<=^|\n)(exited|over) (\d{1,3})\n$/.exec(kept) ?? [];
  if (last === undefined) return { end: "exited", exitCode: 1, doubt: writtenTo };
  const end = how === "over" ? "timed-out" : "exited";
  if (last.length === saidBytes) return { end, exitCode: Number(code) };
  return { end, exitCode: Number(code) || 1, doubt: writtenTo };
}

const writtenTo = "It wrote to /run/octobatch/told, so how it ended is not known for sure. Leave /run/octobatch alone.";

/** Of a step whose container ended well without a word. */
export const wordless: Ended = {
  end: "exited",
  exitCode: 1,
  doubt: "It read from /run/octobatch/told, so how it ended is not known. Leave /run/octobatch alone.",
};
