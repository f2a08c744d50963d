import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** What the scanners of tests take for malware. */
export const malware = "this is malware, as far as these tests go";

/** A server that speaks clamd's protocol: https://docs.clamav.net/manual/Usage/ClamdProtocol.html. */
export interface ClamdServer {
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string };
  /** How many bytes each finished stream had. */
  readonly streams: readonly number[];
  /** What to do instead of answering, from now on. */
  misbehave(how: "hang up" | "say nothing" | "answer nonsense" | "answer without an end" | undefined): void;
  close(): Promise<void>;
}

/** @param options.path Of a Unix socket; otherwise a free port of this machine. @param options.streamMaxBytes clamd's StreamMaxLength. */
export async function startClamd(
  options: { readonly path?: string; readonly streamMaxBytes?: number } = {},
): Promise<ClamdServer> {
  const streams: number[] = [];
  const sockets = new Set<Socket>();
  let misbehaviour: Parameters<ClamdServer["misbehave"]>[0];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // Whoever leaves early needs no answer.
    socket.on("error", () => undefined);
    if (misbehaviour === "hang up") socket.destroy();
    else if (misbehaviour === "say nothing") socket.resume();
    else if (misbehaviour === "answer nonsense") socket.end("stream: lstat() failed: No such file. ERROR\0");
    else if (misbehaviour === "answer without an end") socket.write("x".repeat(10_000));
    else void converse(socket, options.streamMaxBytes ?? 1 << 20, streams);
  });
  server.listen(options.path === undefined ? { host: "127.0.0.1", port: 0 } : { path: options.path });
  await once(server, "listening");
  return {
    address: options.path === undefined ? { host: "127.0.0.1", port: portOf(server) } : { path: options.path },
    streams,
    misbehave: (how) => (misbehaviour = how),
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function portOf(server: Server): number {
  // A listening TCP server has an address of this type.
  return (server.address() as AddressInfo).port;
}

async function converse(socket: Socket, streamMaxBytes: number, streams: number[]): Promise<void> {
  let buffer = Buffer.alloc(0);
  let command: string | undefined;
  let content = Buffer.alloc(0);
  // Without an encoding set, a socket yields buffers. That it is reset while it is read ends the conversation.
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    buffer = Buffer.concat([buffer, chunk]);
    if (command === undefined) {
      const end = buffer.indexOf(0);
      if (end === -1) continue;
      command = buffer.toString("latin1", 0, end);
      buffer = buffer.subarray(end + 1);
    }
    if (command === "zPING") return void socket.end("PONG\0");
    if (command !== "zINSTREAM") return void socket.end("UNKNOWN COMMAND\0");
    while (buffer.length >= 4 && buffer.length >= 4 + buffer.readUInt32BE()) {
      const length = buffer.readUInt32BE();
      if (length === 0) {
        streams.push(content.length);
        return void socket.end(content.includes(malware) ? "stream: Test.Malware-1 FOUND\0" : "stream: OK\0");
      }
      content = Buffer.concat([content, buffer.subarray(4, 4 + length)]);
      buffer = buffer.subarray(4 + length);
      if (content.length > streamMaxBytes) {
        socket.end("INSTREAM size limit exceeded. ERROR\0");
        return;
      }
    }
  }
}
