/** Hands out numeric ids that never repeat, beginning where real ones look alike. */
export class IdSequence {
  #last: number;

  constructor(first: number) {
    this.#last = first - 1;
  }

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}

/** The prefixes of GitHub's global node ids, by GraphQL type. */
const prefixes = {
  Organization: "O",
  User: "U",
  Bot: "BOT",
  App: "A",
  Team: "T",
  Repository: "R",
  PullRequest: "PR",
  Label: "LA",
  IssueComment: "IC",
  Ref: "REF",
  Commit: "C",
  Tree: "T",
  Blob: "B",
  Topic: "TO",
  RepositoryTopic: "RT",
  Language: "LG",
} as const;

export type NodeKind = keyof typeof prefixes;

/** A global node id: opaque to clients, unique by kind and parts, made of the characters GitHub's are made of. */
export function nodeId(kind: NodeKind, ...parts: readonly (number | string)[]): string {
  return `${prefixes[kind]}_kw${Buffer.from(parts.join(":")).toString("base64url")}`;
}
