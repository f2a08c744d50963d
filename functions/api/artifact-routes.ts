import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { artifactKind, artifactsBody } from "#shared/api/artifacts.ts";
import { Rejected } from "#shared/errors.ts";
import { BlobNotFound } from "#shared/ports/blob-store.ts";
import type { ApiCapabilities, ApiEnv } from "./capabilities.ts";
import { findExecution } from "./find-standing.ts";
import { keptOf, type Kept } from "./kept-artifacts.ts";
import { expired } from "./read-logs.ts";
import { json, oneRepository, oneWorkspace, refusals, security } from "./route.ts";

/** Long enough to begin a download, too short to be passed around. */
const linkForMs = 5 * 60_000;

const listRoute = createRoute({
  security,
  method: "get",
  path: "/api/v1/campaigns/{campaign}/repositories/{owner}/{repo}/artifacts",
  summary: "What is kept of the newest preview: patch, changed files, result, and a log of each step",
  request: { params: oneRepository, query: oneWorkspace },
  responses: { ...refusals, 200: json(artifactsBody, "What can be downloaded") },
});

const downloadRoute = createRoute({
  security,
  method: "get",
  path: "/api/v1/campaigns/{campaign}/repositories/{owner}/{repo}/artifacts/{kind}",
  summary: "Downloads an artifact, from here or from the storage itself",
  request: {
    params: oneRepository.extend({ kind: artifactKind }),
    query: oneWorkspace.extend({
      step: z.coerce.number<string>().int().min(0).max(1000).optional().openapi({
        type: "integer",
        description: "Of a log: the step's index, from 0",
      }),
    }),
  },
  responses: {
    ...refusals,
    200: {
      description: "Its bytes, as an attachment; text/x-diff, application/json or text/plain",
      content: { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } },
    },
    302: {
      description: "Where the storage has it for the next minutes: to be asked without the token",
      headers: { Location: { description: "A presigned URL", schema: { type: "string" as const } } },
    },
  },
});

export function artifactRoutes(app: OpenAPIHono<ApiEnv>, capabilities: ApiCapabilities): void {
  const { blobs } = capabilities;

  app.openapi(listRoute, async (context) => {
    const asked = { ...context.req.valid("param"), ...context.req.valid("query") };
    const execution = await findExecution(capabilities, asked);
    const artifacts = [];
    for (const kept of await keptOf(capabilities, execution)) {
      const { kind, step, fileName } = kept;
      const size = await sizeOf(capabilities, kept);
      if (size !== undefined) {
        artifacts.push({ kind, fileName, sizeBytes: size, ...(step === undefined ? {} : { step }) });
      }
    }
    if (artifacts.length === 0) throw expired(execution);
    return context.json({ artifacts }, 200, { "cache-control": "no-store" });
  });

  app.openapi(downloadRoute, async (context) => {
    const { step, workspace } = context.req.valid("query");
    const { kind, ...place } = context.req.valid("param");
    const execution = await findExecution(capabilities, { ...place, workspace });
    const found = pick(await keptOf(capabilities, execution), kind, step);
    try {
      const { sizeBytes, body } = await blobs.open(found.key);
      const { fileName, contentType } = found;
      const link = await blobs.link(found.key, { forMs: linkForMs, fileName, contentType });
      // What lets in whoever has it is not to be kept on the way.
      context.header("cache-control", "no-store");
      if (link !== undefined) return context.redirect(link, 302);
      return context.body(ReadableStream.from(body), 200, {
        "content-type": contentType,
        "content-length": String(sizeBytes),
        "content-disposition": `attachment; filename="${fileName}"`,
        // It comes from a repository: no browser is to take it for a page.
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
      });
    } catch (error) {
      if (error instanceof BlobNotFound) throw expired(execution, error);
      throw error;
    }
  });
}

/** @throws Rejected when there is no such artifact, or several. */
function pick(kept: readonly Kept[], kind: Kept["kind"], step: number | undefined): Kept {
  const ofKind = kept.filter((each) => each.kind === kind);
  const matching = step === undefined ? ofKind : ofKind.filter((each) => each.step === step);
  const [found, ...others] = matching;
  if (found === undefined) {
    const what = step === undefined ? `no ${kind}` : `no ${kind} of the step with index ${step}`;
    const there = [...new Set(kept.map((each) => each.kind))].join(", ");
    throw new Rejected("not-found", `There is ${what}; there is: ${there}.`);
  }
  if (others.length > 0) {
    throw new Rejected(
      "invalid",
      `There is a ${kind} for each of ${matching.length} steps. Say which one with ?step=0.`,
    );
  }
  return found;
}

/** @returns Undefined when it has expired. */
async function sizeOf({ blobs }: ApiCapabilities, { key }: Kept): Promise<number | undefined> {
  try {
    return (await blobs.open(key)).sizeBytes;
  } catch (error) {
    if (error instanceof BlobNotFound) return undefined;
    throw error;
  }
}
