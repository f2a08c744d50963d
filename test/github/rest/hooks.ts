import { notFound, Refusal } from "../http/refusal.ts";
import { deliveryItemShape, deliveryShape, type Delivery } from "../webhooks/delivery.ts";
import { numberParam, route, type RestAnswer, type RestRequest, type Route } from "./route.ts";

/** GitHub forgets a delivery after three days. */
const windowMs = 3 * 24 * 3_600_000;

/** The record of the App's webhook: what was delivered, and delivering it again. */
export const hookRoutes: readonly Route[] = [
  route("GET /app/hook/deliveries", "app", async (request) => listDeliveries(request)),
  route("GET /app/hook/deliveries/{delivery_id}", "app", async (request) => {
    const delivery = recent(request).find(({ id }) => id === numberParam(request, "delivery_id"));
    if (delivery === undefined) throw notFound();
    return { status: 200, body: deliveryShape(delivery, request.site.webhooks.url ?? "") };
  }),
  route("POST /app/hook/deliveries/{delivery_id}/attempts", "app", async (request) => {
    const id = numberParam(request, "delivery_id");
    if (!recent(request).some((delivery) => delivery.id === id)) throw notFound();
    request.site.webhooks.redeliver(id);
    return { status: 202, body: {} };
  }),
];

/** Newest first; what is still under way is not listed. */
function recent({ site }: RestRequest): readonly Delivery[] {
  const oldest = site.world.clock.now().getTime() - windowMs;
  return site.webhooks.deliveries
    .filter((delivery) => delivery.status !== "pending" && delivery.deliveredAt.getTime() >= oldest)
    .toReversed();
}

function listDeliveries(request: RestRequest): RestAnswer {
  const { query } = request;
  const size = Math.min(Math.max(Number.parseInt(query.get("per_page") ?? "30", 10) || 30, 1), 100);
  const status = query.get("status");
  const isWanted = ({ statusCode }: Delivery): boolean =>
    status === null || (status === "success" ? statusCode >= 200 && statusCode < 400 : statusCode >= 400);
  const all = recent(request).filter(isWanted);
  const cursor = query.get("cursor");
  if (cursor !== null && !/^v1_\d+$/.test(cursor)) throw new Refusal(400, "Invalid cursor");
  const before = cursor === null ? Number.POSITIVE_INFINITY : Number(cursor.slice(3));
  const rest = all.filter((delivery) => delivery.id < before);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  const next = new URL(request.url);
  if (last !== undefined) next.searchParams.set("cursor", `v1_${last.id}`);
  return {
    status: 200,
    body: page.map(deliveryItemShape),
    headers: rest.length > size ? { link: `<${next.href}>; rel="next"` } : {},
  };
}
