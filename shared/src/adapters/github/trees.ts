import { CodeHostRefused, type CodeHost, type RepositoryRef } from "../../ports/code-host.ts";
import { purposeIn, type GitHubClient } from "./client.ts";

/**
 * How many listings one repository may take. A repository that one listing holds, as nearly all do, takes one; in a larger
 * one each folder is listed by itself, until all of them are seen.
 */
export const maxListings = 300;

/** A folder of the commit: `prefix` is empty at the root, and ends with a slash elsewhere. */
interface Folder {
  readonly sha: string;
  readonly prefix: string;
}

interface Listing {
  readonly entries: readonly { readonly path: string; readonly type: string; readonly sha: string }[];
  readonly isTruncated: boolean;
}

/** Looks into the tree of a commit by REST, which lists up to 100,000 entries at once. */
export function trees(client: GitHubClient): Pick<CodeHost, "findFiles"> {
  async function list(repository: RepositoryRef, { sha }: Folder, isRecursive: boolean): Promise<Listing> {
    const purpose = purposeIn(repository, "list the files of");
    const { data } = await client.read(purpose, ({ request }) =>
      request("GET /repos/{owner}/{repo}/git/trees/{tree_sha}", {
        owner: repository.owner,
        repo: repository.name,
        tree_sha: sha,
        // GitHub goes by the parameter's presence, whatever it says.
        ...(isRecursive && { recursive: "1" }),
      }),
    );
    return { entries: data.tree, isTruncated: data.truncated };
  }

  return {
    async findFiles(repository, { commit, name }) {
      const found: string[] = [];
      const folders: Folder[] = [{ sha: commit, prefix: "" }];
      let listings = 0;
      const listNext = (folder: Folder, isRecursive: boolean): Promise<Listing> => {
        listings += 1;
        if (listings > maxListings) throw tooLarge(repository, `it takes more than ${maxListings} listings`);
        return list(repository, folder, isRecursive);
      };

      for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
        const { prefix } = folder;
        const all = await listNext(folder, true);
        const { entries, isTruncated } = all.isTruncated ? await listNext(folder, false) : all;
        if (isTruncated) throw tooLarge(repository, `GitHub does not show all of the folder "${prefix}"`);
        for (const { path, type, sha } of entries) {
          if (type === "blob" && (path === name || path.endsWith(`/${name}`))) found.push(`${prefix}${path}`);
          if (type === "tree" && all.isTruncated) folders.push({ sha, prefix: `${prefix}${path}/` });
        }
      }
      return found.toSorted();
    },
  };
}

function tooLarge({ owner, name }: RepositoryRef, because: string): CodeHostRefused {
  const message = `Could not list the files of ${owner}/${name}: ${because}. Leave this repository out of what needs its files.`;
  return new CodeHostRefused("invalid", message);
}
