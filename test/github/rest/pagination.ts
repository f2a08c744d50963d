import type { RestAnswer, RestRequest } from "./route.ts";

const defaultPageSize = 30;
const largestPageSize = 100;

/** The page of `items` that `page` and `per_page` ask for, with the Link header GitHub gives. */
export function pageOf<T>(
  request: RestRequest,
  items: readonly T[],
): { readonly items: readonly T[]; readonly headers: Readonly<Record<string, string>> } {
  const size = Math.min(positive(request.query.get("per_page"), defaultPageSize), largestPageSize);
  const page = positive(request.query.get("page"), 1);
  const last = Math.max(1, Math.ceil(items.length / size));
  const link = (number: number, relation: string): string => {
    const url = new URL(request.url);
    url.searchParams.set("page", String(number));
    return `<${url.href}>; rel="${relation}"`;
  };
  const links = [
    ...(page > 1 ? [link(page - 1, "prev")] : []),
    ...(page < last ? [link(page + 1, "next"), link(last, "last")] : []),
    ...(page > 1 ? [link(1, "first")] : []),
  ];
  return {
    items: items.slice((page - 1) * size, page * size),
    headers: links.length > 0 ? { link: links.join(", ") } : {},
  };
}

/** Answers a page of items, each in its shape. */
export async function listAnswer<T>(
  request: RestRequest,
  items: readonly T[],
  shape: (item: T) => unknown,
): Promise<RestAnswer> {
  const page = pageOf(request, items);
  return { status: 200, body: await Promise.all(page.items.map(shape)), headers: page.headers };
}

function positive(text: string | null, otherwise: number): number {
  const value = Number.parseInt(text ?? "", 10);
  return Number.isSafeInteger(value) && value > 0 ? value : otherwise;
}
