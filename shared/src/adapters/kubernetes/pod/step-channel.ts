import { close as closeWithCallback, constants, open as openWithCallback, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { pipes } from "../pod-layout.ts";
import { readToldWords, type Ended } from "./told-words.ts";

/** Without a handle, which would be closed when nobody holds it any more: who reads may come long after. */
const openDescriptor = promisify(openWithCallback);
const closeDescriptor = promisify(closeWithCallback);

/** How we talk to the shell of one step, see `stepCommand`. */
export interface StepChannel {
  /** Resolves when the step's container is there; the kubelet starts it when nothing of the one before it is left. */
  arrived(): Promise<void>;
  /** Its turn: `run` what was placed for it, or `skip`; for the last container, `done` or `failed`. */
  go(word: "run" | "skip" | "done" | "failed"): Promise<void>;
  /** Its time is over. Nothing happens when it has ended, or cannot hear it yet: say it again. */
  over(): Promise<void>;
  /**
   * Hands on what the step prints, until its shell and all that it started are gone.
   * @returns how it ended; undefined when nobody said so: its container died, or its script took the word away.
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
  const words = readToldWords(told);
  let letGo: (() => Promise<void>) | undefined;

  return {
    arrived: () => words.arrived,
    async go(word) {
      // Open for reading as well, so that it waits for nobody; kept open until the word was read.
      const pipe = await openDescriptor(join(directory, pipes.go), constants.O_RDWR | constants.O_NONBLOCK);
      letGo = () => closeDescriptor(pipe);
      writeSync(pipe, `${word}\n`);
    },
    async over() {
      try {
        await say("over\n", join(directory, pipes.end));
      } catch (error) {
        if (!(error instanceof Error && "code" in error && unheard.has(error.code))) throw error;
      }
    },
    async listen(hear) {
      const both = Promise.all([
        heard(stdout, (bytes) => hear("stdout", bytes)),
        heard(stderr, (bytes) => hear("stderr", bytes)),
      ]);
      // The end of this pipe is the end of the shell, and the kernel is ending all that could still write. A script that
      // was killed before it began has never opened the others, so their end does not come.
      const ended = await words.ended;
      await Promise.race([both, new Promise((resolve) => setTimeout(resolve, settlingMs).unref())]);
      await letGo?.();
      return ended;
    },
    close() {
      for (const socket of [told, stdout, stderr]) socket.destroy();
    },
  };
}

/** How long what a step leaves behind may take to be gone, once its shell is. */
const settlingMs = 5_000;

/** Nobody reads, not any more or not yet; or the script has filled the pipe. */
const unheard = new Set<unknown>(["ENXIO", "EPIPE", "EAGAIN"]);

/** Waits for nobody. */
async function say(word: string, path: string): Promise<void> {
  const pipe = await open(path, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    await pipe.write(word);
  } finally {
    await pipe.close();
  }
}

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
