import { z } from "zod";
import {
  applyResponse,
  auditBody,
  campaignBody,
  changesBody,
  logsBody,
  previewResponse,
  publishResponse,
  repositoriesBody,
  selectionPageBody,
  statusBody,
  verificationBody,
  type auditEntryBody,
  type changeSearch,
  type repositoryBody,
  type selectionPageRequest,
  type standing,
  type verdictBody,
} from "#shared/api/schemas.ts";
import { artifactsBody } from "#shared/api/artifacts.ts";
import { CliError } from "./cli-error.ts";
import type { ApiRequest, HttpClient } from "./http-client.ts";

export type CampaignView = z.infer<typeof campaignBody>;
export type Status = z.infer<typeof statusBody>;
export type RepositoryView = z.infer<typeof repositoryBody>;
export type StandingName = z.infer<typeof standing>;
export type SelectionPage = z.infer<typeof selectionPageBody>;
export type Verdict = z.infer<typeof verdictBody>;
export type ChangeSearch = z.infer<typeof changeSearch>;
export type ChangesPage = z.infer<typeof changesBody>;
export type Logs = z.infer<typeof logsBody>;
export type ArtifactView = z.infer<typeof artifactsBody>["artifacts"][number];
export type AuditEntryView = z.infer<typeof auditEntryBody>;
export type Verification = z.infer<typeof verificationBody>;

/** The public API, as functions. Each throws CliError for what the service refuses, and when it cannot be reached. */
export interface ApiClient {
  apply(spec: string, source: string): Promise<z.infer<typeof applyResponse>>;
  /** One page of what a spec selects; nothing is stored. */
  selectionPage(request: z.infer<typeof selectionPageRequest>): Promise<SelectionPage>;
  campaigns(): Promise<readonly CampaignView[]>;
  status(campaign: string): Promise<Status>;
  preview(campaign: string): Promise<z.infer<typeof previewResponse>>;
  publish(campaign: string): Promise<z.infer<typeof publishResponse>>;
  steer(campaign: string, verb: "pause" | "resume" | "kill"): Promise<CampaignView>;
  /** Every repository of the newest run, or those that stand so, by name; pages are read as they are needed. */
  repositories(campaign: string, standing?: StandingName): AsyncGenerator<RepositoryView>;
  /** What the patches of the newest run change, page by page; there is one page at least. */
  changes(campaign: string, search: ChangeSearch, pageSize: number): AsyncGenerator<ChangesPage>;
  /** `workspace` says which one is meant of a repository that has several: its path, `.` for the root. */
  logs(campaign: string, repository: string, workspace?: string): Promise<Logs>;
  /** What can be downloaded. The workspace is said as for logs. */
  artifacts(campaign: string, repository: string, workspace?: string): Promise<readonly ArtifactView[]>;
  /** The patch as git wrote it: bytes, since a file may be in any encoding. The workspace is said as for logs. */
  diff(campaign: string, repository: string, workspace?: string): Promise<Uint8Array>;
  auditEntries(query: {
    readonly campaign?: string;
    readonly after: number;
    readonly limit: number;
  }): Promise<readonly AuditEntryView[]>;
  verifyAudit(): Promise<Verification>;
}

/** A log or a diff may be as large as the service's limits let it be. */
const largeTimeoutMs = 300_000;
/** A page of a selection may take GitHub several requests. */
const selectionTimeoutMs = 60_000;
const pageSize = 1000;

export function createApiClient(http: HttpClient): ApiClient {
  async function ask<Schema extends z.ZodType>(schema: Schema, request: ApiRequest): Promise<z.infer<Schema>> {
    const text = Buffer.from(await http(request)).toString("utf8");
    return parseAnswer(schema, text, request);
  }
  const get = <Schema extends z.ZodType>(schema: Schema, path: string, timeoutMs?: number) =>
    ask(schema, { method: "GET", path, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  const post = <Schema extends z.ZodType>(schema: Schema, path: string, body?: unknown) =>
    ask(schema, { method: "POST", path, body });

  return {
    apply: (spec, source) => post(applyResponse, "/api/v1/campaigns", { spec, source }),
    selectionPage: (body) =>
      ask(selectionPageBody, {
        method: "POST",
        path: "/api/v1/selections/pages",
        body,
        isRead: true,
        timeoutMs: selectionTimeoutMs,
      }),
    campaigns: async () => (await get(z.object({ campaigns: z.array(campaignBody) }), "/api/v1/campaigns")).campaigns,
    status: (campaign) => get(statusBody, pathOf(campaign)),
    preview: (campaign) => post(previewResponse, `${pathOf(campaign)}/previews`),
    publish: (campaign) => post(publishResponse, `${pathOf(campaign)}/publications`),
    steer: (campaign, verb) => post(campaignBody, `${pathOf(campaign)}/${verb}`),

    async *repositories(campaign, standing) {
      let after: string | undefined;
      do {
        const query = queryOf({ standing, after, limit: pageSize });
        const page = await get(repositoriesBody, `${pathOf(campaign)}/repositories?${query.toString()}`);
        yield* page.repositories;
        after = page.next;
      } while (after !== undefined);
    },

    async *changes(campaign, search, limit) {
      let after: string | undefined;
      do {
        const query = queryOf({ ...search, after, limit });
        const page = await get(changesBody, `${pathOf(campaign)}/changes?${query.toString()}`);
        yield page;
        after = page.next;
      } while (after !== undefined);
    },

    logs: (campaign, repository, workspace) =>
      get(logsBody, `${pathOf(campaign, repository)}/logs${inWorkspace(workspace)}`, largeTimeoutMs),
    artifacts: async (campaign, repository, workspace) =>
      (await get(artifactsBody, `${pathOf(campaign, repository)}/artifacts${inWorkspace(workspace)}`)).artifacts,
    diff: (campaign, repository, workspace) => {
      const path = `${pathOf(campaign, repository)}/diff${inWorkspace(workspace)}`;
      return http({ method: "GET", path, timeoutMs: largeTimeoutMs });
    },
    auditEntries: async (query) => (await get(auditBody, `/api/v1/audit?${queryOf(query).toString()}`)).entries,
    verifyAudit: () => get(verificationBody, "/api/v1/audit/verification", largeTimeoutMs),
  };
}

/** @throws CliError when the answer is not what the API's description says. */
function parseAnswer<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  { method, path }: ApiRequest,
): z.infer<Schema> {
  let because: string;
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
    because = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  } catch {
    because = "it is no JSON";
  }
  throw new CliError(
    "notUnderstood",
    "unexpected-answer",
    `The answer to ${method} ${path} makes no sense here: ${because}.`,
    {
      remedy: "Check the address, and that the server and this command are of the same version.",
    },
  );
}

/** Of a campaign, or of a repository in it. */
export function pathOf(campaign: string, repository?: string): string {
  const base = `/api/v1/campaigns/${encodeURIComponent(campaign)}`;
  if (repository === undefined) return base;
  return `${base}/repositories/${repository.split("/").map(encodeURIComponent).join("/")}`;
}

function inWorkspace(workspace: string | undefined): string {
  return workspace === undefined ? "" : `?${queryOf({ workspace }).toString()}`;
}

function queryOf(values: Readonly<Record<string, string | number | undefined>>): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value));
  return query;
}
