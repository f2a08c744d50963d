import {
  createApiClient as createCliClient,
  type ApiClient as CliClient,
  type RepositoryView,
} from "#cli/api-client.ts";

/** The public API, as a script would use it; every answer is held to its schema. */
export interface ApiClient extends Omit<CliClient, "apply" | "repositories" | "diff"> {
  apply(spec: string): ReturnType<CliClient["apply"]>;
  repositories(campaign: string): Promise<readonly RepositoryView[]>;
  diff(campaign: string, repository: string, workspace?: string): Promise<string>;
  /** The first thousand entries. */
  audit(): ReturnType<CliClient["auditEntries"]>;
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

/** The CLI's own client, over a fetch that asks once and throws what it hears: a test decides what comes next. */
export function createApiClient(url: string, token: string): ApiClient {
  const client = createCliClient(async ({ method, path, body }) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new ApiRefused(response.status, await response.text());
    return new Uint8Array(await response.arrayBuffer());
  });
  return {
    ...client,
    apply: (spec) => client.apply(spec, "spec.yaml"),
    repositories: (campaign) => Array.fromAsync(client.repositories(campaign)),
    diff: async (...asked) => Buffer.from(await client.diff(...asked)).toString("utf8"),
    audit: () => client.auditEntries({ after: 0, limit: 1000 }),
  };
}
