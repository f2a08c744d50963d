import { sees } from "../auth/caller.ts";
import type { Repository } from "../state/repository.ts";
import { nodeId } from "../state/ids.ts";
import type { GraphqlContext } from "./resolver.ts";
import { unknownNode } from "./visibility.ts";

/** The ref of a node id, which carries the repository and the name. @throws Refusal NOT_FOUND */
export async function findRef(
  context: GraphqlContext,
  id: string,
): Promise<{ readonly repository: Repository; readonly name: string }> {
  const [repositoryId = "", name = ""] = Buffer.from(id.replace(/^REF_kw/, ""), "base64url")
    .toString("utf8")
    .split(/:(.*)/s);
  const repository = context.site.world.repositories.get(Number(repositoryId));
  const isGenuine =
    repository !== undefined && nodeId("Ref", repository.id, name) === id && sees(context.caller, repository);
  if (!isGenuine || (await repository.git.refOid(name)) === undefined) throw unknownNode(id);
  return { repository, name };
}
