import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** A server as those see it who are far away from it. */
export interface FarAway {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Lets whatever is sent to a server of this machine, and whatever it answers, arrive half a round trip later. To connect
 * takes no time, and there is no TLS, so a client that connects often is better off than it would be; and as much as one likes
 * can be under way at once.
 */
export async function putFarAway(near: { readonly url: string; readonly roundTripMs: number }): Promise<FarAway> {
  const { hostname, port } = new URL(near.url);
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
    }
    passOn(client, upstream, near.roundTripMs / 2);
    passOn(upstream, client, near.roundTripMs / 2);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  // A TCP server that listens has an address of this kind.
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

/** Timers of the same length end in the order in which they began, so all arrives in its order. */
function passOn(from: Socket, to: Socket, ms: number): void {
  from.on("data", (chunk) => void pause(ms).then(() => to.write(chunk)));
  from.on("end", () => void pause(ms).then(() => to.end()));
  from.on("close", (hadError) => {
    if (hadError) to.destroy();
  });
}
