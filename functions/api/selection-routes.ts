import { createRoute, type OpenAPIHono, type z } from "@hono/zod-openapi";
import { HTTPException } from "hono/http-exception";
import { selectionPageBody, selectionPageRequest, type verdictBody } from "#shared/api/schemas.ts";
import { judgePage, type Verdict } from "#shared/run/judge-page.ts";
import { readPage } from "#shared/run/read-page.ts";
import { placeAfter, planSelection, type SelectionPlace } from "#shared/run/selection.ts";
import { parseSpec } from "#shared/spec/parse-spec.ts";
import type { ApiCapabilities, ApiEnv } from "./capabilities.ts";
import { githubRefusals, json, refusals, security } from "./route.ts";
import { openCursor, sealCursor } from "./selection-cursor.ts";

const pageRoute = createRoute({
  security,
  method: "post",
  path: "/api/v1/selections/pages",
  summary: "Read one page of what a spec selects; nothing is stored, and GitHub is only read",
  request: { body: { required: true, content: { "application/json": { schema: selectionPageRequest } } } },
  responses: {
    ...refusals,
    ...githubRefusals,
    200: json(selectionPageBody, "The page, and where the next one begins"),
  },
});

/** A selection that nothing is kept of: each page is a request of its own, which may be repeated freely. */
export function selectionRoutes(app: OpenAPIHono<ApiEnv>, { codeHost }: Pick<ApiCapabilities, "codeHost">): void {
  app.openapi(pageRoute, async (context) => {
    const { spec: raw, source, part, cursor } = context.req.valid("json");
    const { spec, specHash } = parseSpec(raw, source === undefined ? {} : { source });
    const parts = planSelection(spec);
    const selectionPart = parts[part];
    if (selectionPart === undefined) {
      const message = `part: the selection of this spec has the parts 0 to ${parts.length - 1}, and no part ${part}.`;
      throw new HTTPException(400, { message });
    }
    const opened = cursor === undefined ? undefined : openCursor({ specHash, part }, cursor);
    const measured = codeHost.withUrgency("interactive").measured();
    const page = await readPage(measured.codeHost, spec, selectionPart, opened);
    const next = placeAfter(parts, part, page);
    return context.json(
      {
        campaign: spec.name,
        repositories: judgePage(spec, page).map(verdictView),
        cost: measured.cost(),
        ...(next === undefined ? {} : { next: placeView(specHash, next.place) }),
      },
      200,
    );
  });
}

function placeView(specHash: string, { part, cursor }: SelectionPlace): SelectionPlace {
  return cursor === undefined ? { part } : { part, cursor: sealCursor({ specHash, part }, cursor) };
}

function verdictView(verdict: Verdict): z.infer<typeof verdictBody> {
  const { key, fullName, selected, because, seen } = verdict;
  const dividedBy = verdict.selected ? verdict.dividedBy : undefined;
  return {
    key,
    fullName,
    selected,
    because,
    ...(seen?.branch === undefined ? {} : { branch: seen.branch.name }),
    ...(dividedBy === undefined ? {} : { dividedAt: dividedBy.rootAtLocationOf }),
  };
}
