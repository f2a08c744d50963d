import { installationShape } from "../shapes/installation-shape.ts";
import type { Site } from "../site.ts";
import type { Installation } from "../state/installation.ts";
import { fullName, type Repository } from "../state/repository.ts";
import { reaches } from "../state/world.ts";

function minimal(repository: Repository): object {
  return {
    id: repository.id,
    node_id: repository.nodeId,
    name: repository.name,
    full_name: fullName(repository),
    private: repository.visibility !== "public",
  };
}

/** The App was installed, suspended or removed. */
export async function announceInstallation(
  site: Site,
  installation: Installation,
  action: "created" | "deleted" | "suspend" | "unsuspend" | "new_permissions_accepted",
): Promise<void> {
  const repositories = site.world
    .repositoriesOf(installation.account)
    .filter((repository) => reaches(installation, repository));
  await site.webhooks.emit({
    event: "installation",
    action,
    installation,
    sender: site.world.appOwner,
    payload: async () => ({
      installation: installationShape(site, installation),
      repositories: repositories.map(minimal),
      requester: null,
    }),
  });
}

/** What an installation reaches has changed. */
export async function announceSelection(
  site: Site,
  installation: Installation,
  action: "added" | "removed",
  repositories: readonly Repository[],
): Promise<void> {
  await site.webhooks.emit({
    event: "installation_repositories",
    action,
    installation,
    sender: site.world.appOwner,
    payload: async () => ({
      installation: installationShape(site, installation),
      repository_selection: installation.selected === undefined ? "all" : "selected",
      repositories_added: action === "added" ? repositories.map(minimal) : [],
      repositories_removed: action === "removed" ? repositories.map(minimal) : [],
      requester: null,
    }),
  });
}

/** A repository was renamed or archived. */
export async function announceRepositoryEvent(
  site: Site,
  repository: Repository,
  action: "renamed" | "archived" | "unarchived",
  details: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  repository.updatedAt = site.world.clock.now();
  await site.webhooks.emit({
    event: "repository",
    action,
    needs: "metadata",
    repository,
    sender: site.world.appOwner,
    payload: async () => details,
  });
}
