import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";

/** A port for a server that cannot choose one by itself; nobody else is given it soon after it was closed here. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  // A TCP server that listens has an address of this kind.
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
