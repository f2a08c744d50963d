import type { RepositoryView } from "./api-client.ts";

/** As people read it: `owner/name`, with the path of the workspace after a space. */
export function repositoryName({ fullName, workspace }: Pick<RepositoryView, "fullName" | "workspace">): string {
  return workspace === undefined ? fullName : `${fullName} ${workspace}`;
}
