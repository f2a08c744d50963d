import { fileURLToPath } from "node:url";
import type { LocalGitHub } from "../github/local-github.ts";
import { seedRepositories } from "../github/seed/seed-repositories.ts";

const nodeModules = fileURLToPath(new URL("../../node_modules", import.meta.url));

/** As many packages as always are small enough to become repositories. */
const packages = 120;

/**
 * Adds an organization with so many small repositories: packages that are installed here, with their real files. Where
 * more are asked for than there are packages, several repositories have the same ones.
 */
export async function addSmallRepositories(
  github: LocalGitHub,
  options: { readonly organization: string; readonly count: number; readonly directory: string },
): Promise<readonly string[]> {
  const { organization, count, directory } = options;
  const seeded = await seedRepositories({ directory, organization, count: packages, nodeModules });
  const filled = seeded.filter(({ isEmpty }) => !isEmpty);
  await github.addOrganization(organization);
  const names: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const repository = filled[index % filled.length];
    if (repository === undefined) throw new Error("There are no packages to make repositories of.");
    const copy = Math.floor(index / filled.length);
    const name = copy === 0 ? repository.name : `${repository.name}-${copy + 1}`;
    const { bareDirectory, defaultBranch } = repository;
    await github.addRepository({ owner: organization, name, bareDirectory, defaultBranch });
    names.push(name);
  }
  return names;
}
