import { sandboxPathObjection } from "#shared/spec/sandbox-path.ts";

export interface StepFile {
  readonly path: string;
  /** Below /tmp a step may change its file; elsewhere it is read-only. */
  readonly belowTmp: boolean;
  readonly content: string;
}

/** @throws Error naming the path, what is wrong with it and the remedy. */
export function checkStepFile(path: string, content: string): StepFile {
  const objection =
    path === "/tmp" ? { message: "is a directory", remedy: "place it below /tmp" } : sandboxPathObjection(path);
  if (objection !== undefined) {
    throw new Error(`The file ${JSON.stringify(path)} ${objection.message}: ${objection.remedy}.`);
  }
  return { path, belowTmp: path.startsWith("/tmp/"), content };
}
