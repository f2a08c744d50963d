import { constants, open as openWithCallback } from "node:fs";
import { open } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { pipes } from "../pod-layout.ts";

/** Without a handle that would close it when nobody holds it any more: a socket does that. */
const openDescriptor = promisify(openWithCallback);

/** How a step's shell said that it ended. */
export interface Ended {
  readonly end: "exited" | "timed-out";
  readonly exitCode: number;
}

/** How we talk to the shell of one step, see `stepCommand`. */
export interface StepChannel {
  /** Resolves when the step's container is there; the kubelet starts it when nothing of the one before it is left. */
  arrived(): Promise<void>;
  /** Its turn: `run` what was placed for it, or `skip`; for the last container, `done` or `failed`. */
  go(word: "run" | "skip" | "done" | "failed"): Promise<void>;
  /** Its time is over. Nothing happens when it has ended, or does not listen yet: say it again. */
  over(): Promise<void>;
  /**
   * Hands on what the step prints, until its shell and all that it started are gone.
   * @returns how it ended; undefined when its container died before it could say so.
   */
  listen(hear: (stream: "stdout" | "stderr", bytes: Buffer) => void): Promise<Ended | undefined>;
  close(): void;
}

/** Opens a step's pipes. Reading ends are opened at once: whoever writes waits for them. */
export async function openStepChannel(directory: string): Promise<StepChannel> {
  const [told, stdout, stderr] = [
    await openReader(join(directory, pipes.told)),
    await openReader(join(directory, pipes.stdout)),
    await openReader(join(directory, pipes.stderr)),
  ];
  const words = createInterface({ input: told })[Symbol.asyncIterator]();
  let letGo: (() => Promise<void>) | undefined;
  let arrival: Promise<void> | undefined;

  return {
    arrived() {
      arrival ??= words.next().then(() => undefined);
      return arrival;
    },
    async go(word) {
      // Open for reading as well, so that it waits for nobody; kept open until the word was read.
      const pipe = await open(join(directory, pipes.go), constants.O_RDWR | constants.O_NONBLOCK);
      letGo = () => pipe.close();
      await pipe.write(`${word}\n`);
    },
    async over() {
      try {
        const pipe = await open(join(directory, pipes.end), constants.O_WRONLY | constants.O_NONBLOCK);
        await pipe.write("over\n");
        await pipe.close();
      } catch (error) {
        // Nobody reads, not any more or not yet.
        if (!(error instanceof Error && "code" in error && (error.code === "ENXIO" || error.code === "EPIPE")))
          throw error;
      }
    },
    async listen(hear) {
      const both = Promise.all([
        heard(stdout, (bytes) => hear("stdout", bytes)),
        heard(stderr, (bytes) => hear("stderr", bytes)),
      ]);
      const last = await words.next();
      // The end of this pipe is the end of the shell, and the kernel is ending all that could still write. A script that
      // was killed before it began has never opened the others, so their end does not come.
      await words.next();
      await Promise.race([both, new Promise((resolve) => setTimeout(resolve, settlingMs).unref())]);
      await letGo?.();
      const [, how, code] = /^(exited|over) (\d+)$/.exec(last.done === true ? "" : last.value) ?? [];
      if (how === undefined) return undefined;
      return { end: how === "over" ? "timed-out" : "exited", exitCode: Number(code) };
    },
    close() {
      for (const socket of [told, stdout, stderr]) socket.destroy();
    },
  };
}

/** How long what a step leaves behind may take to be gone, once its shell is. */
const settlingMs = 5_000;

async function openReader(path: string): Promise<Socket> {
  // Opening does not wait for a writer, and its end is only seen once there was one.
  const fd = await openDescriptor(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}

function heard(from: Socket, hear: (bytes: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    from.on("data", hear);
    from.once("error", reject);
    from.once("close", () => resolve());
  });
}
