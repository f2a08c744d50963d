import { STATUS_CODES } from "node:http";
import { instant } from "../shapes/repository-shape.ts";
import type { Installation } from "../state/installation.ts";

export interface DeliveryRequest {
  readonly event: string;
  readonly body: string;
  readonly installation: Installation | undefined;
  readonly targetId: number;
}

/** One attempt to hand an event to the App's webhook. */
export interface Delivery {
  readonly id: number;
  /** `X-GitHub-Delivery`: a redelivery keeps it. */
  readonly guid: string;
  readonly action: string | undefined;
  readonly repositoryId: number | undefined;
  readonly request: DeliveryRequest;
  readonly isRedelivery: boolean;
  readonly deliveredAt: Date;
  readonly headers: Readonly<Record<string, string>>;
  /** `pending` until the receiver has answered; then GitHub's word, `OK` for a success. */
  status: string;
  /** 0 while it is pending; 502 or 504 when nobody answered. */
  statusCode: number;
  durationMs: number;
  responseBody: string;
}

/** GitHub says OK for every success and the reason phrase for the rest. */
export function statusText(status: number): string {
  if (status >= 200 && status < 300) return "OK";
  return STATUS_CODES[status] ?? `Invalid HTTP Response: ${status}`;
}

/** `hook-delivery-item` of the OpenAPI description. */
export function deliveryItemShape(delivery: Delivery): Record<string, unknown> {
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: instant(delivery.deliveredAt),
    redelivery: delivery.isRedelivery,
    duration: Math.round(delivery.durationMs) / 1000,
    status: delivery.status,
    status_code: delivery.statusCode,
    event: delivery.request.event,
    action: delivery.action ?? null,
    installation_id: delivery.request.installation?.id ?? null,
    repository_id: delivery.repositoryId ?? null,
    throttled_at: null,
  };
}

/** `hook-delivery` of the OpenAPI description. */
export function deliveryShape(delivery: Delivery, url: string): Record<string, unknown> {
  // The body is JSON that we wrote ourselves.
  const payload = JSON.parse(delivery.request.body) as unknown;
  return {
    ...deliveryItemShape(delivery),
    url,
    request: { headers: delivery.headers, payload },
    response: { headers: {}, payload: delivery.responseBody },
  };
}

export function installationNodeId(installation: Installation): string {
  return `MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9u${Buffer.from(String(installation.id)).toString("base64url")}`;
}
