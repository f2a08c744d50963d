import { once } from "node:events";
import { stat } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { text } from "node:stream/consumers";
import { EmbeddedPostgresUnavailable } from "./embedded-postgres-unavailable.ts";

/** Held by the one process that may run a server on a directory. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes the directory for this process.
 *
 * The lock is a listening socket in Linux's abstract namespace (unix(7)): the kernel gives it to one process only and
 * takes it back when that process dies, so there is never a stale lock. Whoever connects is told the holder's pid.
 *
 * @throws EmbeddedPostgresUnavailable naming the pid of the process that has it.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const { dev, ino } = await stat(directory);
  const address = `\0octobatch-postgres-${dev}-${ino}`;
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(String(process.pid));
  });
  server.unref();
  server.listen({ path: address });
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new EmbeddedPostgresUnavailable(
      `The Postgres in ${directory} is in use by process ${await askHolder(address)}. ` +
        "Stop that process first, or give this one another directory.",
      { cause },
    );
  }
  return {
    async release() {
      if (!server.listening) return;
      server.close();
      await once(server, "close");
    },
  };
}

async function askHolder(address: string): Promise<string> {
  const answer = await text(connect({ path: address })).catch(() => "");
  return answer === "" ? "(unknown)" : answer;
}
