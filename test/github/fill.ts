import type { LocalGitHub } from "./local-github.ts";
import { seedRepositories, type SeededRepository } from "./seed/seed-repositories.ts";

/** Where the seeded repositories are. */
export const organization = "acme";

/** Fills a local GitHub with repositories made from the packages that are installed here. */
export async function fillGitHub(
  github: LocalGitHub,
  seed: { readonly directory: string; readonly count: number; readonly nodeModules: string },
): Promise<readonly SeededRepository[]> {
  const repositories = await seedRepositories({ ...seed, organization });
  await github.addOrganization(organization);
  for (const { isArchived, isFork, isEmpty, language, ...repository } of repositories) {
    await github.addRepository({
      ...repository,
      ...(language === undefined ? {} : { language }),
      archived: isArchived,
      fork: isFork,
      empty: isEmpty,
    });
  }
  return repositories;
}
