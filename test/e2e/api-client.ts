import type { z } from "zod";
import {
  applyResponse,
  auditBody,
  campaignBody,
  logsBody,
  previewResponse,
  publishResponse,
  repositoriesBody,
  statusBody,
  verificationBody,
} from "#shared/api/schemas.ts";

/** The public API, as a script would use it; every answer is held to its schema. */
export interface ApiClient {
  apply(spec: string): Promise<z.infer<typeof applyResponse>>;
  preview(campaign: string): Promise<z.infer<typeof previewResponse>>;
  publish(campaign: string): Promise<z.infer<typeof publishResponse>>;
  steer(campaign: string, verb: "pause" | "resume" | "kill"): Promise<z.infer<typeof campaignBody>>;
  status(campaign: string): Promise<z.infer<typeof statusBody>>;
  repositories(campaign: string): Promise<z.infer<typeof repositoriesBody>["repositories"]>;
  diff(campaign: string, repository: string): Promise<string>;
  logs(campaign: string, repository: string): Promise<z.infer<typeof logsBody>>;
  audit(): Promise<z.infer<typeof auditBody>["entries"]>;
  verifyAudit(): Promise<z.infer<typeof verificationBody>>;
}

/** The API answered with an error. */
export class ApiRefused extends Error {
  override readonly name = "ApiRefused";
  readonly status: number;
  constructor(status: number, body: string) {
    super(`${status} ${body}`);
    this.status = status;
  }
}

export function createApiClient(url: string, token: string): ApiClient {
  async function call(method: "GET" | "POST", path: string, body?: unknown): Promise<string> {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new ApiRefused(response.status, text);
    return text;
  }
  async function json<Body>(
    schema: z.ZodType<Body>,
    method: "GET" | "POST",
    path: string,
    body?: unknown,
  ): Promise<Body> {
    return schema.parse(JSON.parse(await call(method, path, body)));
  }
  return {
    apply: (spec) => json(applyResponse, "POST", "/campaigns", { spec }),
    preview: (campaign) => json(previewResponse, "POST", `/campaigns/${campaign}/previews`),
    publish: (campaign) => json(publishResponse, "POST", `/campaigns/${campaign}/publications`),
    steer: (campaign, verb) => json(campaignBody, "POST", `/campaigns/${campaign}/${verb}`),
    status: (campaign) => json(statusBody, "GET", `/campaigns/${campaign}`),
    async repositories(campaign) {
      return (await json(repositoriesBody, "GET", `/campaigns/${campaign}/repositories?limit=1000`)).repositories;
    },
    diff: (campaign, repository) => call("GET", `/campaigns/${campaign}/repositories/${repository}/diff`),
    logs: (campaign, repository) => json(logsBody, "GET", `/campaigns/${campaign}/repositories/${repository}/logs`),
    async audit() {
      return (await json(auditBody, "GET", "/audit?limit=1000")).entries;
    },
    verifyAudit: () => json(verificationBody, "GET", "/audit/verification"),
  };
}
