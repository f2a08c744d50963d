import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** Stands before a server and passes everything on, until the test says otherwise. */
export interface TcpRelay {
  readonly url: string;
  /** Bytes that clients have sent and the server has been given. */
  readonly passedOn: () => number;
  /** Cuts the connection when the next answer of this kind comes: the server has done its work, nobody hears of it. */
  cutNextAnswer(kind: RegExp): void;
  close(): Promise<void>;
}

export async function startTcpRelay(target: { readonly port: number }): Promise<TcpRelay> {
  const sockets = new Set<Socket>();
  let passedOn = 0;
  let cutting: RegExp | undefined;
  const server = createServer((client) => {
    const upstream = connect(target.port, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
    }
    client.on("data", (chunk) => {
      passedOn += chunk.length;
      if (!upstream.write(chunk)) client.pause();
    });
    upstream.on("drain", () => client.resume());
    upstream.on("data", (chunk) => {
      if (cutting?.test(chunk.toString("latin1")) === true) {
        cutting = undefined;
        client.destroy();
        upstream.destroy();
      } else client.write(chunk);
    });
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  // A TCP server that listens has an address of this kind.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    passedOn: () => passedOn,
    cutNextAnswer(kind) {
      cutting = kind;
    },
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}
