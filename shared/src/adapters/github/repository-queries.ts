/**
 * The GraphQL documents of selection. Every name, path and search travels as a variable, so none can change a query.
 *
 * A page costs about one point: a hundred repositories with their topics are 101 connections, and `object` is none.
 * https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
 */

/** GitHub's limit on `first`, and on what one request may name. */
export const maxPageSize = 100;

/** How many to ask for at the first attempt and the next ones: GitHub answers 502 to what takes it too long. */
export const pageSizes: readonly number[] = [100, 50, 25];

export interface GraphqlRequest {
  readonly query: string;
  readonly variables: Readonly<Record<string, string | number | null>>;
}

/** What a query costs and what is left; null where the server has no limits. Mutations have no such field. */
const rateLimit = "rateLimit { cost limit remaining resetAt }";

export function organizationPageQuery(input: {
  readonly organization: string;
  readonly files: readonly string[];
  readonly first?: number | undefined;
  readonly cursor?: string | undefined;
}): GraphqlRequest {
  const repository = repositoryFields("Repo", undefined, input.files);
  return {
    // Ordered by creation, a repository that is made or renamed while we page moves no other to another page.
    query: `query OrganizationPage($account: String!, $first: Int!, $cursor: String${declare(repository)}) {
  ${rateLimit}
  repositoryOwner(login: $account) {
    repositories(first: $first, after: $cursor, ownerAffiliations: [OWNER], orderBy: {field: CREATED_AT, direction: ASC}) {
      pageInfo { hasNextPage endCursor }
      nodes { ...Repo }
    }
  }
}
${repository.fragment}${snapshotFragment}`,
    variables: {
      account: input.organization,
      first: input.first ?? maxPageSize,
      cursor: input.cursor ?? null,
      ...repository.variables,
    },
  };
}

export function searchPageQuery(input: {
  readonly search: string;
  readonly files: readonly string[];
  readonly first?: number | undefined;
  readonly cursor?: string | undefined;
}): GraphqlRequest {
  const repository = repositoryFields("Repo", undefined, input.files);
  return {
    query: `query SearchPage($search: String!, $first: Int!, $cursor: String${declare(repository)}) {
  ${rateLimit}
  search(type: REPOSITORY, query: $search, first: $first, after: $cursor) {
    repositoryCount
    pageInfo { hasNextPage endCursor }
    nodes { __typename ...Repo }
  }
}
${repository.fragment}${snapshotFragment}`,
    variables: {
      search: input.search,
      first: input.first ?? maxPageSize,
      cursor: input.cursor ?? null,
      ...repository.variables,
    },
  };
}

/** How many repositories each search finds: that of search `i` is at the alias `s<i>`. */
export function searchCountsQuery(searches: readonly string[]): GraphqlRequest {
  const names = searches.map((_, index) => `s${index}`);
  const counts = names.map(
    (name) => `  ${name}: search(type: REPOSITORY, query: $${name}, first: 1) { repositoryCount }`,
  );
  return {
    query: `query SearchCounts(${names.map((name) => `$${name}: String!`).join(", ")}) {
  ${rateLimit}
${counts.join("\n")}
}`,
    variables: Object.fromEntries(searches.map((search, index) => [`s${index}`, search])),
  };
}

/**
 * Repositories by their ids, with those of the paths found in each that are on its default branch: repository `i` is at
 * the alias `c<i>`, and its path `j` there at `h<j>`.
 */
export function confirmCandidatesQuery(input: {
  readonly candidates: readonly { readonly nodeId: string; readonly paths: readonly string[] }[];
  readonly files: readonly string[];
}): GraphqlRequest {
  const repository = repositoryFields("Repo", undefined, input.files);
  const variables: Record<string, string> = {};
  const fields = input.candidates.map(({ nodeId, paths }, index) => {
    variables[`n${index}`] = nodeId;
    const hits = paths.map((path, hit) => {
      variables[`p${index}x${hit}`] = `HEAD:${path}`;
      return ` h${hit}: object(expression: $p${index}x${hit}) { __typename }`;
    });
    return `  c${index}: node(id: $n${index}) { ... on Repository { ...Repo${hits.join("")} } }`;
  });
  const declared = Object.keys(variables).map((name) => `$${name}: ${name.startsWith("n") ? "ID" : "String"}!`);
  return {
    query: `query ConfirmCandidates(${declared.join(", ")}${declare(repository)}) {
  ${rateLimit}
${fields.join("\n")}
}
${repository.fragment}${snapshotFragment}`,
    variables: { ...variables, ...repository.variables },
  };
}

/** Repository `i` of the answer is at the alias `r<i>`; it is null, with a NOT_FOUND error, when there is none. */
export function findRepositoriesQuery(input: {
  readonly organization: string;
  readonly repositories: readonly { readonly name: string; readonly branch?: string }[];
  readonly files: readonly string[];
}): GraphqlRequest {
  const branches = [...new Set(input.repositories.map(({ branch }) => branch))];
  const fragments = branches.map((branch, index) => repositoryFields(`Repo${index}`, branch, input.files));
  const names = input.repositories.map(({ name }, index) => [`n${index}`, name] as const);
  const fields = input.repositories.map(
    ({ branch }, index) =>
      `  r${index}: repository(owner: $account, name: $n${index}, followRenames: true) { ...Repo${branches.indexOf(branch)} }`,
  );
  return {
    query: `query FindRepositories($account: String!${names.map(([name]) => `, $${name}: String!`).join("")}${fragments.map(declare).join("")}) {
  ${rateLimit}
${fields.join("\n")}
}
${fragments.map(({ fragment }) => fragment).join("")}${snapshotFragment}`,
    variables: Object.assign(
      { account: input.organization },
      Object.fromEntries(names),
      ...fragments.map(({ variables }) => variables),
    ),
  };
}

interface RepositoryFields {
  readonly fragment: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** What is read of a repository on one branch: file `j` is at the alias `f<j>`, null when the branch lacks it. */
function repositoryFields(name: string, branch: string | undefined, files: readonly string[]): RepositoryFields {
  const prefix = name.toLowerCase();
  // A revision such as `main:path` ends at the first colon, which no branch name contains: the path may hold anything.
  const revision = branch === undefined ? "HEAD" : `refs/heads/${branch}`;
  const expressions = files.map((file, index) => [`${prefix}f${index}`, `${revision}:${file}`] as const);
  const objects = expressions.map(([variable], index) => ` f${index}: object(expression: $${variable}) { __typename }`);
  const ref = branch === undefined ? "defaultBranchRef" : `ref(qualifiedName: $${prefix}ref)`;
  return {
    fragment: `fragment ${name} on Repository { ...Snapshot branch: ${ref} { name target { oid } }${objects.join("")} }\n`,
    variables: { ...(branch !== undefined && { [`${prefix}ref`]: revision }), ...Object.fromEntries(expressions) },
  };
}

function declare({ variables }: RepositoryFields): string {
  return Object.keys(variables)
    .map((name) => `, $${name}: String!`)
    .join("");
}

const snapshotFragment = `fragment Snapshot on Repository {
  id databaseId name owner { login }
  isArchived isDisabled isFork isLocked lockReason visibility
  primaryLanguage { name }
  repositoryTopics(first: 100) { nodes { topic { name } } }
}
`;
