import { spawn } from "node:child_process";
import type { Command, CommandResult } from "../git/git-command.ts";

const keptStderrBytes = 64 << 10;

/**
 * Runs a command in its own process group, which a timeout or too much output ends as a whole. `prefix` is what enters
 * namespaces before the command itself.
 */
export async function runCommand(command: Command, prefix: readonly string[] = []): Promise<CommandResult> {
  const [program, ...argv] = [...prefix, ...command.argv];
  if (program === undefined) throw new Error("A command needs a program.");
  const child = spawn(program, argv, { env: { ...command.environment }, detached: true, stdio: "pipe", cwd: "/" });
  const killGroup = (): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  };

  const chunks: Buffer[] = [];
  let bytes = 0;
  let outputExceeded = false;
  child.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= command.maxOutputBytes) {
      chunks.push(chunk);
    } else if (!outputExceeded) {
      outputExceeded = true;
      killGroup();
    }
  });
  let stderr = Buffer.alloc(0);
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = Buffer.concat([stderr, chunk]).subarray(-keptStderrBytes);
  });
  // A command that ends without reading its input is judged by its exit code.
  child.stdin.on("error", () => undefined);
  child.stdin.end(command.input);

  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup();
  }, command.timeoutMs);
  try {
    const exitCode = await new Promise<number | undefined>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve(code ?? undefined));
    });
    return {
      exitCode,
      stdout: Buffer.concat(chunks),
      stderr: stderr.toString("utf8"),
      timedOut,
      outputExceeded,
    };
  } finally {
    clearTimeout(timer);
  }
}
