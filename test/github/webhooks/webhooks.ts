import { createHmac, randomUUID } from "node:crypto";
import type { Actor } from "../state/account.ts";
import type { Installation } from "../state/installation.ts";
import { grants } from "../state/permissions.ts";
import type { Repository } from "../state/repository.ts";
import { reaches, type World } from "../state/world.ts";
import { organizationShape, userShape } from "../shapes/account-shape.ts";
import { repositoryShape } from "../shapes/repository-shape.ts";
import type { Urls } from "../site.ts";
import { waitOn } from "../virtual-clock.ts";
import type { WebhookFaults } from "./webhook-faults.ts";
import { installationNodeId, type Delivery, type DeliveryRequest, statusText } from "./delivery.ts";

export interface WebhookEvent {
  readonly event: string;
  readonly action?: string;
  /** The permission without which an installation does not get it; absent for those that come by themselves. */
  readonly needs?: string;
  readonly repository?: Repository;
  /** Names the installation where no repository does. */
  readonly installation?: Installation;
  readonly sender: Actor;
  readonly payload: () => Promise<Readonly<Record<string, unknown>>>;
}

/** GitHub gives a receiver this long. */
const timeoutMs = 10_000;

/** What GitHub writes down where no answer came: the status of a gateway. */
const unreachable = { status: "failed to connect to host", statusCode: 502 };
const timedOut = { status: "timed out", statusCode: 504 };

/** Sends what happens to the App's webhook, signed, once: a failed delivery is only repeated when somebody asks. */
export class Webhooks {
  readonly #world: World;
  readonly #urls: Urls;
  readonly #running = new Set<Promise<void>>();
  readonly #faults: WebhookFaults;
  /** What waits for the next delivery to overtake it. */
  #held: (() => void)[] = [];
  readonly deliveries: Delivery[] = [];
  url: string | undefined;

  constructor(world: World, urls: Urls, url: string | undefined, faults: WebhookFaults) {
    this.#world = world;
    this.#urls = urls;
    this.url = url;
    this.#faults = faults;
  }

  /** Takes the payload as things are now and sends it in the background. Nothing happens while no URL is set. */
  async emit(event: WebhookEvent): Promise<void> {
    if (this.url === undefined) return;
    const installation = event.installation ?? this.#installationOf(event);
    if (installation === undefined && event.event !== "ping") return;
    if (installation?.suspendedAt !== undefined && event.event !== "installation") return;
    const body = JSON.stringify({
      ...(event.action === undefined ? {} : { action: event.action }),
      ...(await event.payload()),
      ...(await this.#envelope(event, installation)),
    });
    const request: DeliveryRequest = { event: event.event, body, installation, targetId: this.#world.app.id };
    this.#send(request, randomUUID(), event.action, event.repository?.id, false);
  }

  /** Sends a recorded delivery again, under the same `X-GitHub-Delivery`. Answers false for an unknown id. */
  redeliver(id: number): boolean {
    const delivery = this.deliveries.find((candidate) => candidate.id === id);
    if (delivery === undefined || this.url === undefined) return false;
    this.#send(delivery.request, delivery.guid, delivery.action, delivery.repositoryId, true);
    return true;
  }

  /**
   * Resolves once nothing is under way, deliveries that those caused included. What was held back goes out now; what a
   * fault delays is not under way before its time.
   */
  async settled(): Promise<void> {
    this.#letGo();
    while (this.#running.size > 0) {
      await Promise.all(this.#running);
      this.#letGo();
    }
  }

  #installationOf(event: WebhookEvent): Installation | undefined {
    const { repository } = event;
    if (repository === undefined) return undefined;
    const installation = this.#world.installationOf(repository.owner);
    if (installation === undefined || !reaches(installation, repository)) return undefined;
    const isAllowed =
      event.needs === undefined || grants(installation.permissions, { name: event.needs, level: "read" });
    return isAllowed ? installation : undefined;
  }

  async #envelope(event: WebhookEvent, installation: Installation | undefined): Promise<Record<string, unknown>> {
    const owner = event.repository?.owner ?? installation?.account;
    const isAboutInstallations = event.event.startsWith("installation");
    return {
      ...(event.repository === undefined ? {} : { repository: await repositoryShape(this.#urls, event.repository) }),
      ...(owner?.kind === "Organization" && !isAboutInstallations
        ? { organization: organizationShape(this.#urls, owner) }
        : {}),
      sender: userShape(this.#urls, event.sender),
      // The events about installations carry the whole of it in their own payload.
      ...(installation === undefined || isAboutInstallations
        ? {}
        : { installation: { id: installation.id, node_id: installationNodeId(installation) } }),
    };
  }

  #send(
    request: DeliveryRequest,
    guid: string,
    action: string | undefined,
    repositoryId: number | undefined,
    isRedelivery: boolean,
  ): void {
    const fault = this.#faults.strike(request.event, action);
    if (fault?.kind === "lose") return;
    const send = (): void => {
      const delivery = this.#record(request, { guid, action, repositoryId, isRedelivery });
      this.#run(fault?.kind === "fail" ? fail(delivery) : this.#post(delivery));
    };
    switch (fault?.kind) {
      case "hold":
        this.#held.push(send);
        return;
      case "delay":
        void waitOn(this.#world.clock, fault.ms ?? 0).then(send);
        return;
      case "duplicate":
        send();
        break;
      case "fail":
      case undefined:
        break;
    }
    send();
    this.#letGo();
  }

  #letGo(): void {
    for (const send of this.#held.splice(0)) send();
  }

  #run(work: Promise<void>): void {
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  #record(
    request: DeliveryRequest,
    about: Pick<Delivery, "guid" | "action" | "repositoryId" | "isRedelivery">,
  ): Delivery {
    const delivery: Delivery = {
      ...about,
      id: this.#world.ids.next(),
      request,
      deliveredAt: this.#world.clock.now(),
      headers: this.#headers(request, about.guid),
      status: "pending",
      statusCode: 0,
      durationMs: 0,
      responseBody: "",
    };
    this.deliveries.push(delivery);
    return delivery;
  }

  #headers(request: DeliveryRequest, guid: string): Record<string, string> {
    const mac = (algorithm: string): string =>
      `${algorithm}=${createHmac(algorithm, this.#world.app.webhookSecret).update(request.body).digest("hex")}`;
    return {
      "content-type": "application/json",
      "user-agent": `GitHub-Hookshot/${guid.slice(0, 7)}`,
      "x-github-delivery": guid,
      "x-github-event": request.event,
      "x-github-hook-id": String(this.#world.app.id),
      "x-github-hook-installation-target-id": String(request.targetId),
      "x-github-hook-installation-target-type": "integration",
      "x-hub-signature": mac("sha1"),
      "x-hub-signature-256": mac("sha256"),
    };
  }

  async #post(delivery: Delivery): Promise<void> {
    const startedAt = performance.now();
    try {
      const response = await fetch(this.url ?? "", {
        method: "POST",
        headers: delivery.headers,
        body: delivery.request.body,
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      });
      delivery.responseBody = await response.text();
      delivery.statusCode = response.status;
      delivery.status = statusText(response.status);
    } catch (error) {
      const isTimeout = error instanceof Error && error.name === "TimeoutError";
      Object.assign(delivery, isTimeout ? timedOut : unreachable);
    }
    delivery.durationMs = performance.now() - startedAt;
  }
}

/** The receiver was never reached. */
function fail(delivery: Delivery): Promise<void> {
  Object.assign(delivery, unreachable);
  return Promise.resolve();
}
