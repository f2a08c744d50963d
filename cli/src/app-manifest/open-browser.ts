import { spawn } from "node:child_process";
import type { Io } from "../io.ts";

/**
 * Asks the desktop to show an address.
 * @returns false where there is nothing to ask; true does not promise that anything is shown.
 */
export async function openBrowser(
  address: string,
  { env }: Pick<Io, "env">,
  platform: NodeJS.Platform = process.platform,
): Promise<boolean> {
  const command = platform === "darwin" ? "open" : "xdg-open";
  const child = spawn(command, [address], { env, stdio: "ignore", detached: true });
  return new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}
