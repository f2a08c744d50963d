import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, closeSync, constants, openSync, writeFileSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { closeInherited } from "./close-inherited.ts";
import type { Notice, Request } from "./protocol.ts";

/**
 * The program of the launcher: starts processes for its parent and passes on what they print. When the parent goes away,
 * however it does, every process group that was started here is ended.
 */
const running = new Map<number, ChildProcess>();
/** Of those, which were ended by the parent. */
const killed = new Set<number>();
/** The output of what the shells among them started. */
const entered = new Map<number, Record<"stdout" | "stderr", Socket>>();

closeInherited();
process.on("message", (request: Request) => {
  switch (request.ask) {
    case "launch":
      return launch(request);
    case "enter":
      return enter(request);
    case "kill":
      return kill(request.id);
    case "mute":
      (running.get(request.id) ?? entered.get(request.id))?.[request.stream]?.removeAllListeners("data").resume();
  }
});
process.on("disconnect", () => {
  for (const child of running.values()) endGroup(child);
  process.exit(0);
});
// A terminal sends this to the whole group; the parent decides when its processes end.
process.on("SIGINT", () => undefined);

function launch({ id, argv, environment, directory, input, files }: Extract<Request, { ask: "launch" }>): void {
  const [program = "", ...rest] = argv;
  const descriptors: number[] = [];
  try {
    for (const file of files) descriptors.push(openSync(file, "r"));
    const child = spawn(program, rest, {
      env: environment,
      cwd: directory,
      detached: true,
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe", ...descriptors],
    });
    running.set(id, child);
    child.once("error", (error) => {
      running.delete(id);
      tellFailed(id, error);
    });
    child.once("exit", () => {
      tell({ tell: "exited", id });
      if (killed.delete(id)) stopListening(child);
    });
    child.once("close", (exitCode) => {
      killed.delete(id);
      if (!running.delete(id)) return;
      tell({ tell: "closed", id, exitCode: exitCode ?? undefined });
    });
    for (const stream of ["stdout", "stderr"] as const) passOn(id, stream, child[stream]);
    // A process that ends without reading its input is judged by its exit code.
    child.stdin?.on("error", () => undefined);
    if (input !== "open") child.stdin?.end(input);
  } catch (error) {
    tellFailed(id, error);
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}

function enter({ id, shell, directory, script, fifo, input }: Extract<Request, { ask: "enter" }>): void {
  const opened: Socket[] = [];
  const open = (stream: "stdout" | "stderr"): Socket => {
    const socket = openFifo(join(directory, stream));
    opened.push(socket);
    return socket;
  };
  try {
    writeFileSync(join(directory, String(id)), script);
    if (input !== undefined) writeFileSync(join(directory, `${id}.input`), input);
    // Opened before anybody writes: a FIFO without readers makes its writers wait.
    const outputs = { stdout: open("stdout"), stderr: open("stderr") };
    entered.set(id, outputs);
    let left = opened.length;
    for (const stream of ["stdout", "stderr"] as const) {
      passOn(id, stream, outputs[stream]);
      outputs[stream].once("close", () => {
        left -= 1;
        if (left === 0 && entered.delete(id)) tell({ tell: "closed", id, exitCode: undefined });
      });
    }
    if (fifo === undefined) running.get(shell)?.stdin?.write(`${id}\n`);
    else writeToFifo(join(directory, fifo), `${id}\n`);
  } catch (error) {
    for (const socket of opened) socket.destroy();
    tellFailed(id, error);
  }
}

/** @throws Error with the code ENXIO when nobody has it open for reading. */
function writeToFifo(path: string, text: string): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    writeSync(fd, text);
  } finally {
    closeSync(fd);
  }
}

function openFifo(path: string): Socket {
  // What ran before may have closed it to us: where it is of our own user, it owns what it prints to.
  chmodSync(path, 0o622);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const socket = new Socket({ fd, readable: true, writable: false });
  // It is closed then, which is all that is of interest.
  return socket.on("error", () => undefined);
}

/** One piece at a time: who prints faster than the parent reads has to wait. */
function passOn(id: number, stream: "stdout" | "stderr", from: Readable | null): void {
  from?.on("data", (chunk: Buffer) => {
    from.pause();
    tell({ tell: "output", id, stream, chunk }, () => from.resume());
  });
}

function kill(id: number): void {
  const outputs = entered.get(id);
  if (outputs !== undefined) return destroySoon(outputs);
  killed.add(id);
  endGroup(running.get(id));
  stopListening(running.get(id));
}

/** What left the group of a process that has ended may hold its output open for ever: nobody waits for that. */
function stopListening(child: ChildProcess | undefined): void {
  if (child === undefined || (child.exitCode === null && child.signalCode === null)) return;
  destroySoon(child);
}

/** How long what a process printed may take to be read when others keep its output open. */
const lastWordsMs = 500;

function destroySoon({ stdout, stderr }: Record<"stdout" | "stderr", Readable | null>): void {
  setTimeout(() => {
    stdout?.destroy();
    stderr?.destroy();
  }, lastWordsMs);
}

function endGroup(child: ChildProcess | undefined): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

function tell(notice: Notice, sent: () => void = () => undefined): void {
  if (process.connected) process.send?.(notice, undefined, undefined, sent);
}

function tellFailed(id: number, error: unknown): void {
  tell({ tell: "failed", id, because: error instanceof Error ? error.message : String(error) });
}
