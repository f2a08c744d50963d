import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

interface WebhookDelivery {
  readonly event: string;
  readonly id: string;
  readonly signature: string;
  /** As it came: the signature is that of this text. */
  readonly body: string;
}

/** Takes the deliveries of an App's webhook and keeps them. */
export interface WebhookReceiver {
  readonly url: string;
  /** Those that came so far. */
  readonly deliveries: readonly WebhookDelivery[];
  /** The first delivery of an event, waited for if it has not come yet. */
  delivered(event: string): Promise<WebhookDelivery>;
  close(): Promise<void>;
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const deliveries: WebhookDelivery[] = [];
  const arrivals = new EventEmitter();
  const receive = async (request: IncomingMessage): Promise<void> => {
    const header = (name: string) => [request.headers[name] ?? ""].flat().join();
    deliveries.push({
      event: header("x-github-event"),
      id: header("x-github-delivery"),
      signature: header("x-hub-signature-256"),
      body: await text(request),
    });
    arrivals.emit("delivery");
  };
  const server = createServer((request, response) => {
    receive(request).then(
      () => response.writeHead(202).end(),
      // The emulator went away in the middle of a delivery.
      () => response.destroy(),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A TCP server that listens has an address of this kind.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/webhooks/github`,
    deliveries,
    async delivered(event) {
      for (;;) {
        const delivery = deliveries.find((each) => each.event === event);
        if (delivery) return delivery;
        await once(arrivals, "delivery");
      }
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
