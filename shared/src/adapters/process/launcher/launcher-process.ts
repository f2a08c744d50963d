import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Readable } from "node:stream";
import type { Notice, Request } from "./protocol.ts";

/**
 * The program of the launcher: starts processes for its parent and passes on what they print. When the parent goes away,
 * however it does, every process group that was started here is ended.
 */
const running = new Map<number, ChildProcess>();
/** Of those, which were ended by the parent. */
const killed = new Set<number>();

process.on("message", (request: Request) => {
  switch (request.ask) {
    case "launch":
      return launch(request);
    case "kill":
      killed.add(request.id);
      endGroup(running.get(request.id));
      return stopListening(running.get(request.id));
    case "mute":
      running.get(request.id)?.[request.stream]?.removeAllListeners("data").resume();
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
      stdio: ["pipe", "pipe", "pipe", ...descriptors],
    });
    running.set(id, child);
    child.once("error", (error) => {
      running.delete(id);
      tell({ tell: "failed", id, because: error.message });
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
    tell({ tell: "failed", id, because: error instanceof Error ? error.message : String(error) });
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}

/** One piece at a time: who prints faster than the parent reads has to wait. */
function passOn(id: number, stream: "stdout" | "stderr", from: Readable | null): void {
  from?.on("data", (chunk: Buffer) => {
    from.pause();
    tell({ tell: "output", id, stream, chunk }, () => from.resume());
  });
}

/** How long what a process printed may take to be read when others keep its output open. */
const lastWordsMs = 500;

/** What left the group of a process that has ended may hold its output open for ever: nobody waits for that. */
function stopListening(child: ChildProcess | undefined): void {
  if (child === undefined || (child.exitCode === null && child.signalCode === null)) return;
  setTimeout(() => {
    child.stdout?.destroy();
    child.stderr?.destroy();
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
