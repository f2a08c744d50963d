import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { gitEnvironment, GitFailed } from "./run-git.ts";
import type { ObjectType } from "./objects.ts";

export interface GitObject {
  readonly oid: string;
  readonly type: ObjectType;
  readonly content: Buffer;
}

interface Pending {
  readonly resolve: (object: GitObject | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** One `git cat-file --batch` that stays: reading an object then costs no new process. Answers come in order. */
export class CatFile {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #pending: Pending[] = [];
  #chunks: Buffer[] = [];
  #length = 0;
  #ended = false;

  constructor(directory: string) {
    this.#child = spawn("git", ["cat-file", "--batch"], { cwd: directory, env: gitEnvironment });
    this.#child.stdout.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      this.#drain();
    });
    this.#child.stderr.resume();
    this.#child.stdin.on("error", () => undefined);
    this.#child.once("error", (error) => this.#fail(error));
    this.#child.once("close", () => this.#fail(new Error("it ended")));
  }

  get isIdle(): boolean {
    return this.#pending.length === 0;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** The object that a revision names, or undefined when there is none. */
  read(revision: string): Promise<GitObject | undefined> {
    if (/[\n\r\0]/.test(revision) || revision === "") return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#pending.push({ resolve, reject });
      this.#child.stdin.write(`${revision}\n`);
    });
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    const closed = new Promise<void>((resolve) => this.#child.once("close", () => resolve()));
    this.#child.stdin.end();
    await closed;
  }

  #drain(): void {
    while (this.#pending.length > 0 && this.#length > 0) {
      const buffer = this.#chunks.length === 1 && this.#chunks[0] ? this.#chunks[0] : Buffer.concat(this.#chunks);
      this.#chunks = [buffer];
      const line = buffer.indexOf(0x0a);
      if (line === -1) return;
      const header = buffer.toString("utf8", 0, line);
      const match = /^(?<oid>[0-9a-f]{40}) (?<type>blob|tree|commit|tag) (?<size>\d+)$/.exec(header);
      if (match?.groups === undefined) {
        // "<revision> missing" or "<revision> ambiguous"
        this.#consume(buffer, line + 1);
        this.#pending.shift()?.resolve(undefined);
        continue;
      }
      const { oid = "", type = "blob", size = "0" } = match.groups;
      const end = line + 1 + Number(size);
      if (buffer.length < end + 1) return;
      const content = Buffer.from(buffer.subarray(line + 1, end));
      this.#consume(buffer, end + 1);
      // The pattern above admits these four types only.
      this.#pending.shift()?.resolve({ oid, type: type as ObjectType, content });
    }
  }

  #consume(buffer: Buffer, bytes: number): void {
    const rest = buffer.subarray(bytes);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#length = rest.length;
  }

  #fail(cause: Error): void {
    this.#ended = true;
    for (const pending of this.#pending.splice(0)) {
      pending.reject(new GitFailed(`git cat-file could not answer: ${cause.message}`, { cause }));
    }
  }
}

/** Keeps at most so many readers open, closing the ones that were used longest ago. */
export class CatFilePool {
  readonly #readers = new Map<string, CatFile>();
  readonly #limit: number;

  constructor(limit = 24) {
    this.#limit = limit;
  }

  read(directory: string, revision: string): Promise<GitObject | undefined> {
    const known = this.#readers.get(directory);
    const reader = known === undefined || known.hasEnded ? new CatFile(directory) : known;
    this.#readers.delete(directory);
    this.#readers.set(directory, reader);
    const answer = reader.read(revision);
    this.#trim();
    return answer;
  }

  /** Ends the reader of one repository, before its directory goes away. */
  async release(directory: string): Promise<void> {
    const reader = this.#readers.get(directory);
    this.#readers.delete(directory);
    await reader?.close();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#readers.keys()].map((directory) => this.release(directory)));
  }

  #trim(): void {
    for (const [directory, reader] of this.#readers) {
      if (this.#readers.size <= this.#limit) return;
      if (reader.isIdle) void this.release(directory);
    }
  }
}
