import { createHash } from "node:crypto";
import { mkdir, readFile, readlink, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { choosePackages, digest, type ChosenPackage } from "./choice.ts";
import { writeBareRepository } from "./fast-import.ts";
import { historyOf } from "./history.ts";
import { manifestOf } from "./legacy-manifests.ts";
import { primaryLanguage, topicsOf } from "./metadata.ts";
import { installedPackages, type PackageFile } from "./packages.ts";

const seededRepositorySchema = z.object({
  owner: z.string(),
  name: z.string(),
  bareDirectory: z.string(),
  defaultBranch: z.string(),
  description: z.string(),
  topics: z.array(z.string()).readonly(),
  /** The language with the most bytes, as GitHub names it; absent where there is no code. */
  language: z.string().optional(),
  visibility: z.enum(["public", "private"]),
  isArchived: z.boolean(),
  isFork: z.boolean(),
  /** Without a commit, and so without its default branch. */
  isEmpty: z.boolean(),
});

/** A repository of the local GitHub, with the metadata that is not in git. */
export type SeededRepository = Readonly<z.infer<typeof seededRepositorySchema>>;

const stampSchema = z.object({ fingerprint: z.string(), repositories: z.array(seededRepositorySchema) });

interface Seed {
  /** Gets `<organization>/<name>.git` for each repository, and a stamp. */
  readonly directory: string;
  readonly organization: string;
  /** How many repositories in all, the empty one included. */
  readonly count: number;
  /** The folder whose packages become repositories. */
  readonly nodeModules: string;
}

/** Change it when the same packages would become other repositories. */
const SEED_VERSION = 1;
const STAMP = "seed.json";
/** More git processes at once gain nothing on two cores. */
const WRITERS = 2;

const EMPTY_REPOSITORY = "incubator";
const ARCHIVED = new Set(["commondir"]);
const FORKS = new Set(["colorette"]);

/**
 * Fills a directory with bare repositories made from the packages that are installed here: their real files, modes and
 * symlinks in a few commits, some on `master`, with one repository that is empty, one archived and one fork.
 *
 * The same packages give the same commit SHAs everywhere. Doing it twice is safe and quick: a directory that holds the
 * repositories of the same packages is left as it is, whatever was pushed to them since; after a crash, or for other
 * packages, everything is made anew.
 *
 * @throws Error when there are not enough packages, or when git fails.
 */
export async function seedRepositories(seed: Seed): Promise<readonly SeededRepository[]> {
  const installed = await installedPackages(seed.nodeModules);
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([SEED_VERSION, seed.organization, seed.count]))
    .update(JSON.stringify(installed.map(({ name, version }) => [name, version])))
    .digest("hex");
  const present = await readStamp(seed.directory);
  if (present?.fingerprint === fingerprint && (await allExist(seed.directory, present.repositories))) {
    return present.repositories.map((repository) => located(seed.directory, repository));
  }

  const chosen = await choosePackages(installed, seed.count - 1);
  await rm(join(seed.directory, STAMP), { force: true });
  await rm(join(seed.directory, seed.organization), { recursive: true, force: true });
  await mkdir(seed.directory, { recursive: true });
  const queue = chosen.values();
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      for (const next of queue) await writePackage(seed, next);
    }),
  );
  const empty = emptyRepository(seed);
  await writeBareRepository({ ...empty, directory: empty.bareDirectory, commits: [], content: readNothing });

  const repositories = [...chosen.map((next) => describe(seed, next)), empty];
  const stamp = JSON.stringify({ fingerprint, repositories }, undefined, 2);
  await writeFile(join(seed.directory, `${STAMP}.new`), stamp);
  await rename(join(seed.directory, `${STAMP}.new`), join(seed.directory, STAMP));
  return repositories;
}

async function writePackage(seed: Seed, chosen: ChosenPackage): Promise<void> {
  const { bareDirectory, defaultBranch } = describe(seed, chosen);
  const commits = historyOf(chosen);
  const content = async (file: PackageFile) => {
    const path = join(chosen.directory, file.path);
    if (file.mode === "120000") return readlink(path, "buffer");
    const bytes = await readFile(path);
    return file.path === "package.json" ? Buffer.from(manifestOf(chosen.name, bytes.toString())) : bytes;
  };
  await writeBareRepository({ directory: bareDirectory, defaultBranch, commits, content });
}

function describe(seed: Seed, chosen: ChosenPackage): SeededRepository {
  const name = chosen.name.replace(/^@/, "").replace("/", "-");
  const language = primaryLanguage(chosen.files);
  return {
    owner: seed.organization,
    name,
    bareDirectory: join(seed.directory, seed.organization, `${name}.git`),
    defaultBranch: digest(chosen.name) % 6 === 0 ? "master" : "main",
    description: chosen.description,
    topics: topicsOf(chosen.keywords),
    ...(language === undefined ? {} : { language }),
    visibility: digest(chosen.name) % 9 === 0 ? "private" : "public",
    isArchived: ARCHIVED.has(name),
    isFork: FORKS.has(name),
    isEmpty: false,
  };
}

function emptyRepository({ directory, organization }: Seed): SeededRepository {
  return {
    owner: organization,
    name: EMPTY_REPOSITORY,
    bareDirectory: join(directory, organization, `${EMPTY_REPOSITORY}.git`),
    defaultBranch: "main",
    description: "Where the next project begins",
    topics: [],
    visibility: "public",
    isArchived: false,
    isFork: false,
    isEmpty: true,
  };
}

/** What was seeded before; undefined also when the stamp is of another version of the seed or was damaged. */
async function readStamp(directory: string): Promise<z.infer<typeof stampSchema> | undefined> {
  try {
    return stampSchema.parse(JSON.parse(await readFile(join(directory, STAMP), "utf8")));
  } catch {
    return undefined;
  }
}

/** The directory may have been moved since the stamp was written. */
function located(directory: string, repository: SeededRepository): SeededRepository {
  return { ...repository, bareDirectory: join(directory, repository.owner, `${repository.name}.git`) };
}

async function allExist(directory: string, repositories: readonly SeededRepository[]): Promise<boolean> {
  const found = await Promise.all(
    repositories.map(async (repository) =>
      stat(join(located(directory, repository).bareDirectory, "HEAD")).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.every(Boolean);
}

function readNothing(): Promise<Buffer> {
  return Promise.resolve(Buffer.alloc(0));
}
