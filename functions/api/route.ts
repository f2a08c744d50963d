import { z } from "@hono/zod-openapi";
import { campaignName, errorBody } from "#shared/api/schemas.ts";

/** Every route under /api/v1 needs a token. */
export const security = [{ token: [] }];

/** The answers that every route may give besides its own. */
export const refusals = {
  400: problem("The request does not fit this description"),
  401: problem("The token is missing or unknown"),
  404: problem("There is no such thing"),
  409: problem("Not in its present state"),
  413: problem("The request is too large"),
  422: problem("The input is wrong"),
};

/** What a route that asks GitHub may answer as well. */
export const githubRefusals = {
  422: problem("The input is wrong, or GitHub refuses it: not as long as nobody changes something"),
  503: {
    ...problem("GitHub does not answer, or has to be waited for"),
    ...retryAfter("With the code `github-busy`: after how many seconds to ask again"),
  },
};

/** Not now. @param when What the header Retry-After tells. */
export function busy(when: string) {
  return { ...problem("There is no room for it now"), ...retryAfter(when) };
}

function retryAfter(description: string) {
  return { headers: { "Retry-After": { description, schema: { type: "integer" as const } } } };
}

function problem(description: string) {
  return { description, content: { "application/json": { schema: errorBody } } };
}

/** Describes a JSON answer. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { "application/json": { schema } } };
}

/** The parameters of a route about one repository. */
export const oneRepository = z.object({ campaign: campaignName, owner: z.string(), repo: z.string() });

export const oneWorkspace = z.object({
  workspace: z.string().max(512).optional().openapi({
    description: "Of a repository that is divided: the path of one of its workspaces, `.` for the root",
    example: "packages/a",
  }),
});
