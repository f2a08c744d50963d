import { InvalidArgumentError } from "commander";

/** The name of a campaign, as far as it can be told without asking. */
export function campaignArgument(value: string): string {
  if (value.length > 63 || !/^[A-Za-z0-9][\w.-]*$/u.test(value)) {
    throw new InvalidArgumentError("It is no campaign's name; `octobatch campaigns` lists them.");
  }
  return value;
}

/** `owner/name`. */
export function repositoryArgument(value: string): string {
  if (!/^[\w-]+\/(?!\.{1,2}$)[\w.-]+$/u.test(value)) throw new InvalidArgumentError("Write it as owner/name.");
  return value;
}

/** What commands about one repository take besides its name. */
export interface WorkspaceOptions {
  readonly workspace?: string;
}

export const workspaceOption = "--workspace <path>";
export const workspaceMeaning = "which workspace of a repository that is divided: its path, . for the root";

/** A whole number of at least `least`. */
export function wholeNumber(least: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,15}$/u.test(value) ? Number(value) : -1;
    if (number < least) throw new InvalidArgumentError(`It is no whole number of at least ${least}.`);
    return number;
  };
}

/** `90s`, `10m` or `2h`, in milliseconds. */
export function durationMs(value: string): number {
  const [, amount = "", unit = ""] = /^(\d{1,6})([smh])$/u.exec(value) ?? [];
  const unitMs = { s: 1000, m: 60_000, h: 3_600_000 }[unit];
  if (unitMs === undefined || Number(amount) === 0) {
    throw new InvalidArgumentError("Write it as 90s, 10m or 2h.");
  }
  return Number(amount) * unitMs;
}
